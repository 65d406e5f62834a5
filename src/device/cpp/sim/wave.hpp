// The state of a wave and of its work-group while they execute.
#pragma once

#include "../written.hpp"
#include "operation.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rdna1::sim {

struct Block;
struct FlowState;
struct Instruction;
struct Region;
struct WorkGroup;
class Launch;
class Program;

inline constexpr std::uint32_t kLargestLds = 65536;
/// LDS is allocated in units of so many bytes [LLVM AMDGPUUsage, GRANULATED_LDS_SIZE].
inline constexpr std::uint32_t kLdsUnit = 512;
/// Source encoding 0-127, then two that take what is written to NULL, then four for sources that are no registers.
inline constexpr std::uint32_t kScalars = 134;
inline constexpr std::uint32_t kVcc = 106, kM0 = 124, kNull = 125, kExec = 126, kTrash = 128, kSpecial = 130;
/// High words of flat addresses that mean private memory and LDS; their low words are the offset there. No host address
/// has them. SRC_PRIVATE_BASE and SRC_SHARED_BASE read as pairs with a low word of 0.
inline constexpr std::uint32_t kPrivateAperture = 0x00010000, kSharedAperture = 0x00020000;
/// Rows behind a wave's VGPRs: scalar registers in every lane (see copyScalars), then what handlers use as temporaries.
inline constexpr std::uint32_t kTemporaryRows = 152;

/// HW_REG_MODE [RDNA1 ISA §3.4]: bits 0-1 f32 rounding, 2-3 f16/f64 rounding, 4-5 f32 denormals, 6-7 f16/f64 denormals,
/// 8 DX10_CLAMP, 9 IEEE.
inline constexpr std::uint32_t kModeFloatMask = 0xff, kModeFloatDefault = 0xf0, kModeDx10Clamp = 0x100,
                               kModeIeee = 0x200;

/// Sixteen words on a cache line: rows of registers and of constants start on one.
struct alignas(64) Line {
  std::uint32_t words[16];
};

/// Two words that were often stored one by one just before: a processor would have to wait until both have reached
/// memory to read them as one, so the compiler is not to do that.
inline std::uint64_t pairOf(const std::uint32_t* words) {
  std::uint32_t low = words[0];
  asm("" : "+r"(low));
  return low | std::uint64_t{words[1]} << 32;
}

struct Wave {
  enum class Status : std::uint8_t { running, atBarrier, ended };

  std::uint32_t* vector = nullptr;     ///< rows of `lanes` words: the allocated VGPRs, then the temporaries
  std::uint32_t lanes = 32;            ///< 32 or 64
  std::uint32_t vgprs = 0;             ///< allocated
  std::uint32_t scalar[kScalars] = {}; ///< by source encoding; EXEC_HI is 0 in wave32
  bool scc = false;
  std::uint32_t mode = kModeFloatDefault | kModeDx10Clamp;
  Status status = Status::running;
  std::uint32_t number = 0; ///< in its work-group
  WorkGroup* group = nullptr;
  Program* program = nullptr;
  Block* block = nullptr;          ///< being executed
  Block* next = nullptr;           ///< to execute after it; branches overwrite what falls through
  const FlowState* flow = nullptr; ///< see flow.hpp
  std::uint64_t instructions = 0;  ///< executed so far
  const Region* recent[16] = {};   ///< touched last, by Step::memory
  std::uint64_t privateMemory = 0; ///< host address of its private memory; 0: none
  std::uint64_t flatScratch = 0;   ///< HW_REG_FLAT_SCR: host address of the wave's private memory, set by s_setreg
  std::uint32_t onExec[2] = {};    ///< the EXEC that `onLanes` was made from; see lanesOn
  alignas(64) std::uint32_t onLanes[64] = {}; ///< all bits of a lane that is on, none of one that is off

  std::uint32_t* row(std::uint32_t index) { return vector + std::size_t{index} * lanes; }
  std::uint32_t* temporary(std::uint32_t index) { return row(vgprs + index); }
  /// EXEC of lanes 32 x half and up.
  std::uint32_t exec(std::uint32_t half) const { return scalar[kExec + half]; }
  std::uint64_t exec64() const { return pair(kExec); }
  bool allLanes() const { return scalar[kExec] == ~0u && (lanes == 32 || scalar[kExec + 1] == ~0u); }
  std::uint64_t pair(std::uint32_t index) const { return pairOf(scalar + index); }
  void setPair(std::uint32_t index, std::uint64_t value) {
    scalar[index] = static_cast<std::uint32_t>(value);
    scalar[index + 1] = static_cast<std::uint32_t>(value >> 32);
  }
  /// A lane mask as the wave size has it; a 32-lane wave keeps out of the second register.
  std::uint64_t mask(std::uint32_t index) const { return lanes == 64 ? pair(index) : scalar[index]; }
  void setMask(std::uint32_t index, std::uint64_t value) {
    if (lanes == 64) setPair(index, value);
    else scalar[index] = static_cast<std::uint32_t>(value);
  }
};

struct WorkGroup {
  Launch* launch = nullptr;
  std::uint32_t id[3] = {};
  std::uint32_t size[3] = {}; ///< work-items: the last group of an axis has what is left of the grid
  std::uint32_t waves = 0;
  std::byte* lds = nullptr;
  std::uint32_t ldsBytes = 0;     ///< static and dynamic
  std::uint32_t ldsAllocated = 0; ///< what the hardware sets aside for that, and checks addresses against
  bool wgpMode = true;            ///< not CU mode: see FeatureLdsMisalignedBug of LLVM
  WrittenMap ldsWritten;          ///< reset(ldsBytes) when the work-group starts
};

/// Ends the launch: thrown by whatever cannot go on as a card would, or should not.
struct Fault {
  std::string problem;
  const Instruction* instruction = nullptr;
};

/// Throws a Fault; `lane` below 0 when no single lane is to blame.
[[noreturn]] void fault(const Wave& wave, const Step& step, std::string problem, int lane = -1);

/// Reports what a card would let pass but no kernel should do: read what was never written, rely on edge rules, break a
/// hazard rule. Once for each instruction and kind; a Fault in strict mode. `kind` is a short name:
/// "uninitialised-lds".
void finding(const Wave& wave, const Step& step, const char* kind, std::string problem, int lane = -1);

} // namespace rdna1::sim
