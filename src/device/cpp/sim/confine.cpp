// Whether lanes may access what they want to, and whether it was ever written.
#include "execute.hpp"

#include "../hexadecimal.hpp"
#include "moves.hpp"

#include <algorithm>
#include <cstdio>

namespace rdna1::sim {
namespace {

/// By dwords of an LDS access [LLVM FeatureLdsMisalignedBug: single dwords may lie anywhere].
constexpr u32 kNaturalAlignment[] = {1, 1, 8, 16, 16};

const char* verb(Access::Kind kind) {
  if (kind == Access::Kind::load) return "reads ";
  return kind == Access::Kind::store ? "writes " : "changes ";
}

std::string describe(const Lanes& lanes, const std::string& place) {
  return verb(lanes.kind) + std::to_string(lanes.bytes) + " bytes at " + place;
}

/// The lanes of the mask for which `holds(offset)`.
template <typename Predicate> u32 lanesWhere(const Lanes& lanes, Predicate&& holds) {
  u32 found = 0;
  eachLane(lanes.mask, [&](u32 lane) { found |= static_cast<u32>(holds(lanes.offset[lane])) << lane; });
  return found;
}

} // namespace

void confine(Wave& wave, const Step& step, Lanes& lanes) {
  const u32 reach = lanes.reach();
  const u64 first = lanes.base + lanes.lowest;
  const u64 span = u64{lanes.highest - lanes.lowest} + reach;
  const Region*& recent = wave.recent[step.memory];
  if (recent == nullptr || !recent->holds(first, span)) [[unlikely]] {
    const Regions& regions = wave.group->launch->regions();
    const u32 lane = firstLane(lanes);
    const u64 address = lanes.base + lanes.offset[lane];
    recent = regions.find(address);
    if (recent == nullptr || !recent->holds(address, reach)) {
      recent = nullptr;
      fault(wave, step,
            describe(lanes, hexadecimal(address)) + ", which " +
                regions.problem(address, reach, lanes.kind != Access::Kind::load),
            laneOf(lanes, lane));
    }
    if (recent->ofOneWave && recent->base != wave.privateMemory) {
      recent = nullptr;
      fault(wave, step,
            describe(lanes, hexadecimal(address)) +
                ", which lies in the private memory of another wave; a work-item of the kernel has " +
                std::to_string(wave.group->launch->descriptor().scratchBytes) + " bytes",
            laneOf(lanes, lane));
    }
    if (!recent->holds(first, span)) {
      narrow(lanes, lanesWhere(lanes, [&](u32 offset) { return recent->holds(lanes.base + offset, reach); }));
    }
  }
  if (!recent->writable && lanes.kind != Access::Kind::load) [[unlikely]] {
    const u32 lane = firstLane(lanes);
    fault(wave, step,
          describe(lanes, hexadecimal(lanes.base + lanes.offset[lane])) + ", which lies in the " + recent->name,
          laneOf(lanes, lane));
  }
  lanes.written = recent->written;
  lanes.writtenBase = recent->base;
  lanes.unwritten = recent->unwritten;
}

void confineToLds(Wave& wave, const Step& step, Lanes& lanes) {
  WorkGroup& group = *wave.group;
  lanes.lds = true;
  lanes.base = reinterpret_cast<u64>(group.lds);
  lanes.written = group.ldsWritten.isComplete() ? nullptr : &group.ldsWritten;
  if (u64{lanes.highest} + lanes.bytes > group.ldsBytes) [[unlikely]] {
    const auto lanesBelow = [&](u32 end) {
      return lanesWhere(lanes, [&](u32 offset) { return u64{offset} + lanes.bytes <= end; });
    };
    u32 inside = lanesBelow(group.ldsBytes);
    if (inside == 0) {
      const u32 lane = firstLane(lanes);
      notice(wave, step, Notice::ldsOutOfRange, "lds-out-of-range", laneOf(lanes, lane), [&] {
        return describe(lanes, "LDS address " + std::to_string(lanes.offset[lane])) + " of " +
               std::to_string(group.ldsBytes);
      });
      lanes.written = nullptr;
      inside = lanesBelow(group.ldsAllocated); // there is memory up to here, which belongs to nothing
    }
    if (inside == 0) { // reads give 0, writes are dropped [RDNA1 ISA §3.6, "Out-of-range behavior"]
      lanes.words = 0;
      return;
    }
    narrow(lanes, inside);
  }
  if (lanes.words > 1 && group.wgpMode && wave.program->target() != kGfx1030) {
    u32 low = 0;
    for (const u32 offset : lanes.offset) low |= offset;
    if (low % kNaturalAlignment[lanes.words] != 0) [[unlikely]] {
      notice(wave, step, Notice::ldsMisaligned, "lds-misaligned", -1, [&] {
        return describe(lanes, "LDS addresses that are not multiples of ") +
               std::to_string(kNaturalAlignment[lanes.words]) + ", which goes wrong in WGP mode";
      });
    }
  }
  lanes.writtenBase = lanes.base;
  lanes.unwritten = "uninitialised-lds";
}

void confineToScratch(Wave& wave, const Step& step, Lanes& lanes) {
  if (lanes.kind == Access::Kind::atomic) fault(wave, step, "an atomic cannot change private memory");
  const u32 size = wave.group->launch->descriptor().scratchBytes;
  const u32 outside = lanesWhere(lanes, [&](u32 offset) { return u64{offset} + lanes.bytes > size; });
  if (outside != 0) {
    const u32 lane = static_cast<u32>(std::countr_zero(outside));
    fault(wave, step,
          describe(lanes, "offset " + std::to_string(lanes.offset[lane])) +
              " of private memory, of which a work-item has " + std::to_string(size) + " bytes",
          laneOf(lanes, lane));
  }
  const u32 part = std::min(lanes.bytes, 4u);
  const u32 split = lanesWhere(lanes, [&](u32 offset) { return offset % 4 + part > 4; });
  if (split != 0) {
    fault(wave, step, describe(lanes, "an offset of private memory that crosses a dword"),
          laneOf(lanes, static_cast<u32>(std::countr_zero(split))));
  }
  for (u32 i = 0; i < 32; ++i) {
    const u32 offset = lanes.offset[i];
    lanes.offset[i] = (offset & ~3u) * wave.lanes + (lanes.half * 32 + i) * 4 + (offset & 3);
  }
  lanes.even = false;
  lanes.base = wave.flatScratch;
  lanes.wordStride = 4 * wave.lanes;
  narrow(lanes, lanes.mask);
  confine(wave, step, lanes);
}

void checkWritten(Wave& wave, const Step& step, const Lanes& lanes) {
  if (lanes.words == 0) return;
  const u64 start = lanes.base - lanes.writtenBase;
  if (start + lanes.highest + lanes.reach() <= lanes.written->prefix()) return;
  const bool contiguous = consecutive(lanes) && lanes.words * 4 >= lanes.bytes;
  if (contiguous && lanes.written->written(start + lanes.lowest, std::size_t{32} * lanes.bytes)) {
    if (lanes.lds) lanes.written->advance(4096);
    return;
  }
  const u32 words = (lanes.bytes + 3) / 4, part = std::min(lanes.bytes, 4u);
  for (u32 left = lanes.mask; left != 0; left &= left - 1) {
    const auto lane = static_cast<u32>(std::countr_zero(left));
    for (u32 word = 0; word < std::min(words, lanes.words); ++word) {
      const u64 offset = start + lanes.offset[lane] + u64{word} * lanes.wordStride;
      if (lanes.written->written(offset, part)) continue;
      notice(wave, step, Notice::unwritten, lanes.unwritten, laneOf(lanes, lane), [&] {
        const std::string place = lanes.lds ? "LDS address " + std::to_string(offset)
                                            : hexadecimal(lanes.writtenBase + offset) + " (byte " +
                                                  std::to_string(offset) + " of its allocation)";
        return describe(lanes, place) + ", which was never written";
      });
      return;
    }
  }
  if (lanes.lds) lanes.written->advance(4096);
}

void markWritten(const Lanes& lanes) {
  if (lanes.words == 0) return;
  const u64 start = lanes.base - lanes.writtenBase;
  if (start + lanes.highest + lanes.reach() <= lanes.written->prefix()) return;
  if (consecutive(lanes) && lanes.words * 4 >= lanes.bytes) {
    return lanes.written->mark(start + lanes.lowest, std::size_t{32} * lanes.bytes);
  }
  const u32 words = std::min((lanes.bytes + 3) / 4, lanes.words), part = std::min(lanes.bytes, 4u);
  eachLane(lanes.mask, [&](u32 lane) {
    for (u32 word = 0; word < words; ++word) {
      lanes.written->mark(start + lanes.offset[lane] + u64{word} * lanes.wordStride, part);
    }
  });
}

void moves::misalignedAtomic(const Wave& wave, const Step& step, const std::byte* place, u32 bytes, int lane) {
  fault(wave, step,
        "changes " + std::to_string(bytes) + " bytes at " + hexadecimal(reinterpret_cast<u64>(place)) +
            ", which is no multiple of " + std::to_string(bytes),
        lane);
}

} // namespace rdna1::sim
