// Addresses of the lanes.
#include "blend.hpp"
#include "moves.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

using detail::anyOf;
using detail::highestOf;
using detail::lowestOf;
using detail::Words;

void findExtent(Lanes& lanes) {
  Words lowest = detail::loadWords(lanes.offset), highest = lowest;
  for (u32 lane = 8; lane < 32; lane += 8) {
    const Words offsets = detail::loadWords(lanes.offset + lane);
    lowest = offsets < lowest ? offsets : lowest;
    highest = offsets > highest ? offsets : highest;
  }
  lanes.lowest = lowestOf(lowest);
  lanes.highest = highestOf(highest);
}

/// Keeps the lanes whose addresses have the same high word as the first lane's; returns that.
u32 takeAddresses(Lanes& lanes, const u32* low, const u32* high) {
  const u32 first = high[firstLane(lanes)];
  Words other = {};
  for (u32 lane = 0; lane < 32; lane += 8) {
    other |= (detail::loadWords(high + lane) ^ first) & detail::onWords(lanes.mask >> lane);
  }
  if (anyOf(other)) {
    u32 same = 0;
    eachLane(lanes.mask, [&](u32 lane) { same |= static_cast<u32>(high[lane] == first) << lane; });
    lanes.mask = same;
  }
  takeOffsets(lanes, low);
  return first;
}

} // namespace

void takeOffsets(Lanes& lanes, const u32* offsets, u32 more) {
  const u32 firstOffset = offsets[firstLane(lanes)];
  if (lanes.mask == ~0u) {
    const u32 step = offsets[1] - firstOffset;
    constexpr Words kNumbers = {0, 1, 2, 3, 4, 5, 6, 7};
    Words other = {};
    for (u32 lane = 0; lane < 32; lane += 8) {
      const Words some = detail::loadWords(offsets + lane), moved = some + more;
      std::memcpy(lanes.offset + lane, &moved, sizeof moved);
      other |= (some - firstOffset) ^ (kNumbers + lane) * step;
    }
    const u32 start = firstOffset + more;
    const i64 last = i64{start} + 31 * i64{static_cast<i32>(step)};
    if (!anyOf(other) && last >= 0 && last <= i64{~0u}) {
      lanes.even = true;
      lanes.step = static_cast<i32>(step);
      lanes.lowest = std::min(start, static_cast<u32>(last));
      lanes.highest = std::max(start, static_cast<u32>(last));
      return;
    }
  } else {
    for (u32 lane = 0; lane < 32; lane += 8) {
      const Words on = detail::onWords(lanes.mask >> lane);
      const Words some = ((detail::loadWords(offsets + lane) & on) | (firstOffset & ~on)) + more;
      std::memcpy(lanes.offset + lane, &some, sizeof some);
    }
  }
  lanes.even = false;
  findExtent(lanes);
}

void narrow(Lanes& lanes, u32 mask) {
  lanes.mask = mask;
  lanes.even = false;
  const u32 first = lanes.offset[firstLane(lanes)];
  for (u32 i = 0; i < 32; ++i) lanes.offset[i] = (mask >> i & 1) != 0 ? lanes.offset[i] : first;
  findExtent(lanes);
}

void resolveGlobal(Wave& wave, const Step& step, Lanes& lanes) {
  const u32* const low = step.src[0].in(wave) + lanes.half * 32;
  const u32 high = takeAddresses(lanes, low, low + wave.lanes);
  lanes.base = (u64{high} << 32) + static_cast<u64>(i64{step.immediate});
  confine(wave, step, lanes);
}

bool loadQuickly(Wave& wave, const Step& step, u32 half) {
  const Region* const recent = wave.recent[step.memory];
  const u32 exec = wave.exec(half);
  if (recent == nullptr || recent->written != nullptr || exec == 0) return false;
  const u32* const low = step.src[0].in(wave) + half * 32;
  const u32* const high = low + wave.lanes;
  const u32* const on = lanesOn(wave) + half * 32;
  const u32 first = static_cast<u32>(std::countr_zero(exec)), firstLow = low[first], firstHigh = high[first];
  alignas(32) u32 offsets[32];
  Words other = {}, lowest = Words{} + firstLow, highest = lowest;
  for (u32 lane = 0; lane < 32; lane += 8) {
    const Words mask = detail::loadWords(on + lane);
    const Words some = (detail::loadWords(low + lane) & mask) | (firstLow & ~mask);
    other |= (detail::loadWords(high + lane) ^ firstHigh) & mask;
    lowest = some < lowest ? some : lowest;
    highest = some > highest ? some : highest;
    std::memcpy(offsets + lane, &some, sizeof some);
  }
  if (anyOf(other)) return false;
  const u64 base = (u64{firstHigh} << 32) + static_cast<u64>(i64{step.immediate});
  const u32 begin = lowestOf(lowest);
  if (!recent->holds(base + begin, u64{highestOf(highest) - begin} + 4)) return false;
  u32* const row = wave.vector + step.dst + half * 32;
  for (u32 lane = 0; lane < 32; lane += 8) {
    detail::storeWords(row + lane, moves::gather<u32>(base, offsets + lane), exec == ~0u ? nullptr : on + lane);
  }
  return true;
}

void resolveGlobalBase(Wave& wave, const Step& step, Lanes& lanes) {
  takeOffsets(lanes, step.src[0].in(wave) + lanes.half * 32);
  lanes.base = wave.pair(step.scalarSrc[0]) + static_cast<u64>(i64{step.immediate});
  confine(wave, step, lanes);
}

/// RDNA1 ignores the offset where the address is that of global memory [LLVM FeatureFlatSegmentOffsetBug].
void resolveFlat(Wave& wave, const Step& step, Lanes& lanes) {
  const u32* const low = step.src[0].in(wave) + lanes.half * 32;
  const u32 high = takeAddresses(lanes, low, low + wave.lanes);
  if (high != kSharedAperture && high != kPrivateAperture) {
    lanes.base = u64{high} << 32;
    if (wave.program->target() == kGfx1030) lanes.base += static_cast<u64>(i64{step.immediate});
    else if (step.immediate != 0) [[unlikely]] {
      notice(wave, step, Notice::flatOffset, "flat-offset", laneOf(lanes, firstLane(lanes)),
             [] { return std::string("has an offset, which the hardware ignores for global memory"); });
    }
    return confine(wave, step, lanes);
  }
  takeOffsets(lanes, low, static_cast<u32>(step.immediate));
  if (high == kSharedAperture) confineToLds(wave, step, lanes);
  else confineToScratch(wave, step, lanes);
}

void resolveScratch(Wave& wave, const Step& step, Lanes& lanes) {
  takeOffsets(lanes, step.src[0].in(wave) + lanes.half * 32,
              static_cast<u32>(step.immediate) + scalarOffset(wave, step));
  confineToScratch(wave, step, lanes);
}

} // namespace rdna1::sim
