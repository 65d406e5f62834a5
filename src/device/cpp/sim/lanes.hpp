// Where the lanes of a wave access memory, 32 lanes at a time. Handlers take the lanes in groups that have one host
// base address, one region and one rule: all of them in the usual case.
#pragma once

#include "integers.hpp"
#include "program.hpp"
#include "regions.hpp"
#include "wave.hpp"

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

namespace rdna1::sim {

/// Lanes of one half of a wave that access memory together.
struct Lanes {
  u32 half = 0;  ///< in: lanes from 32 x half
  u32 mask = 0;  ///< in: the lanes that are left to do; out: those of them that this group takes
  u32 bytes = 4; ///< in: of one lane's access
  Access::Kind kind = Access::Kind::load; ///< in
  u32 words =
      1; ///< in: dwords of a lane's access, at least 1; out: those of them that are there; 0: read 0, drop writes
  bool whole = false; ///< in: out of range as a whole, not dword by dword, where buffers end
  u32 wordStride = 4; ///< from one dword of a lane's access to the next; more in memory that is interleaved by lane
  u64 base = 0;       ///< host address; lane i accesses base + offset[i]
  u32 lowest = 0, highest = 0; ///< offsets
  bool even = false;           ///< all lanes take part, each one `step` bytes behind the one before it
  i32 step = 0;
  bool lds = false;
  WrittenMap* written = nullptr; ///< null: all of it was
  u64 writtenBase = 0;           ///< host address that the map begins at
  const char* unwritten = "";    ///< the finding
  alignas(32) u32 offset[32];    ///< lanes outside the mask repeat the offset of one inside

  std::byte* pointer(u32 lane, u32 word = 0) const {
    return reinterpret_cast<std::byte*>(base + offset[lane] + u64{word} * wordStride);
  }
  /// Bytes from the first to the last one of a lane's access.
  u32 reach() const { return words > 1 ? (words - 1) * wordStride + 4 : bytes; }
};

/// A lane's number in its wave.
inline int laneOf(const Lanes& lanes, u32 lane) { return static_cast<int>(lanes.half * 32 + lane); }

/// The lowest lane of the group.
inline u32 firstLane(const Lanes& lanes) { return static_cast<u32>(std::countr_zero(lanes.mask)); }

/// Calls `visit` with the number of every lane of the mask, lowest first.
template <typename Visit> void eachLane(u32 mask, Visit&& visit) {
  for (; mask != 0; mask &= mask - 1) visit(static_cast<u32>(std::countr_zero(mask)));
}

/// Findings about memory accesses, by their bit in Step::reported.
enum class Notice : u8 { unwritten = 1, ldsOutOfRange = 2, ldsMisaligned = 4, flatOffset = 8, unboundBuffer = 16 };

/// finding() with what `text` gives, but for the first time at a step only: afterwards it costs next to nothing.
template <typename Text>
void notice(const Wave& wave, const Step& step, Notice bit, const char* kind, int lane, Text&& text) {
  const std::atomic_ref reported(step.reported);
  if ((reported.load(std::memory_order_relaxed) & static_cast<u8>(bit)) != 0) return;
  finding(wave, step, kind, text(), lane);
  reported.fetch_or(static_cast<u8>(bit), std::memory_order_relaxed);
}

/// Takes `offsets` plus `more` of the lanes in the mask, those of its first lane for the others.
void takeOffsets(Lanes& lanes, const u32* offsets, u32 more = 0);
/// Every lane takes part and accesses what lies just behind the lane before it.
inline bool consecutive(const Lanes& lanes) {
  return lanes.even && lanes.step == static_cast<i32>(lanes.bytes) && lanes.wordStride == 4;
}
/// Leaves only `mask` (not empty) in the group.
void narrow(Lanes& lanes, u32 mask);
/// Leaves what lies in one region that the launch may access; faults when the first lane has none.
void confine(Wave& wave, const Step& step, Lanes& lanes);
/// LDS at lanes.offset: the lanes in the work-group's part, else those in what is allocated behind it, else the rest.
void confineToLds(Wave& wave, const Step& step, Lanes& lanes);
/// Private memory at lanes.offset, interleaved by lane from HW_REG_FLAT_SCR on.
void confineToScratch(Wave& wave, const Step& step, Lanes& lanes);

/// Finds bytes that were read before they were written.
void checkWritten(Wave& wave, const Step& step, const Lanes& lanes);
void markWritten(const Lanes& lanes);

/// The value of the scalar offset operand.
inline u32 scalarOffset(const Wave& wave, const Step& step) {
  const u32* const constant = step.src[2].constant;
  return constant != nullptr ? *constant : wave.scalar[step.scalarSrc[2]];
}

/// Loads a dword in each of 32 lanes that are on where that needs no care: global addresses in the region that the step
/// touched last, all of which was written. False: nothing was done.
bool loadQuickly(Wave& wave, const Step& step, u32 half);

// Step::resolve of the formats. Operands: Step::src[0] the address rows, scalarSrc[0] the base or resource,
// scalarSrc[2] or src[2].constant the scalar offset, immediate the instruction's offset.
void resolveGlobal(Wave& wave, const Step& step, Lanes& lanes);     ///< 64-bit addresses
void resolveGlobalBase(Wave& wave, const Step& step, Lanes& lanes); ///< SADDR + 32-bit offsets
void resolveFlat(Wave& wave, const Step& step, Lanes& lanes);       ///< with apertures
void resolveScratch(Wave& wave, const Step& step, Lanes& lanes);
void resolveBuffer(Wave& wave, const Step& step, Lanes& lanes);

} // namespace rdna1::sim
