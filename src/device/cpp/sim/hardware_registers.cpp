#include "hardware_registers.hpp"

namespace rdna1::sim {
namespace {

constexpr std::uint32_t kMode = 1, kStatus = 2, kTrapStatus = 3, kGprAllocation = 5, kLdsAllocation = 6,
                        kInstructionBuffer = 7, kMemoryBases = 15, kFlatScratchLow = 20, kFlatScratchHigh = 21,
                        kHardwareId1 = 23, kHardwareId2 = 24;

/// SIMM16 of s_getreg and s_setreg.
struct Field {
  explicit Field(std::int32_t immediate)
      : id(immediate & 63), first(immediate >> 6 & 31), count((immediate >> 11 & 31) + 1U) {}
  std::uint32_t id, first, count;
  std::uint32_t mask() const { return count == 32 ? ~0U : (1U << count) - 1; }
};

/// SCC, EXECZ and VCCZ are where STATUS has them; the wave is valid and in a work-group.
std::uint32_t status(const Wave& wave) {
  return std::uint32_t{wave.scc} | (wave.mask(kExec) == 0 ? 1U << 9 : 0) | (wave.mask(kVcc) == 0 ? 1U << 10 : 0) |
         1U << 11 | 1U << 16;
}

/// No wave is more than a number in its group here: places on the chip read as 0.
std::uint32_t value(const Wave& wave, std::uint32_t id) {
  switch (id) {
  case kMode: return wave.mode;
  case kStatus: return status(wave);
  case kGprAllocation: return wave.vgprs / 4 - 1;
  case kLdsAllocation: return wave.group->ldsAllocated / kLdsUnit << 12;
  case kMemoryBases: return kPrivateAperture >> 16 | (kSharedAperture & 0xffff0000);
  case kFlatScratchLow: return static_cast<std::uint32_t>(wave.flatScratch);
  case kFlatScratchHigh: return static_cast<std::uint32_t>(wave.flatScratch >> 32);
  case kHardwareId1: return wave.number & 31;
  default: return 0;
  }
}

} // namespace

std::string checkHardwareRegister(std::int32_t immediate, bool write) {
  const Field field(immediate);
  if (field.first + field.count > 32) return "the field ends beyond bit 31 of the hardware register";
  switch (field.id) {
  case kMode:
  case kFlatScratchLow:
  case kFlatScratchHigh: return {};
  case kStatus:
  case kTrapStatus:
  case kGprAllocation:
  case kLdsAllocation:
  case kInstructionBuffer:
  case kMemoryBases:
  case kHardwareId1:
  case kHardwareId2:
    return write ? "the simulator does not let kernels write hardware register " + std::to_string(field.id) : "";
  default: return "the simulator has no hardware register " + std::to_string(field.id);
  }
}

void getHardwareRegister(Wave& wave, const Step& step) {
  const Field field(step.immediate);
  wave.scalar[step.dst] = value(wave, field.id) >> field.first & field.mask();
}

void setHardwareRegister(Wave& wave, const Step& step) {
  const Field field(step.immediate);
  const std::uint32_t* constant = step.src[0].constant;
  const std::uint32_t bits = constant != nullptr ? *constant : wave.scalar[step.scalarSrc[0]];
  const std::uint32_t mask = field.mask() << field.first;
  const std::uint32_t changed = (value(wave, field.id) & ~mask) | (bits << field.first & mask);
  if (field.id == kMode) wave.mode = changed;
  else if (field.id == kFlatScratchLow) wave.flatScratch = wave.flatScratch >> 32 << 32 | changed;
  else wave.flatScratch = std::uint64_t{changed} << 32 | static_cast<std::uint32_t>(wave.flatScratch);
}

} // namespace rdna1::sim
