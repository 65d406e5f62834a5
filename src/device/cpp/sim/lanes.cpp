// Addresses of the lanes.
#include "lanes.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

void findExtent(Lanes& lanes) {
  u32 lowest = lanes.offset[0], highest = lanes.offset[0];
  for (u32 i = 0; i < 32; ++i) {
    lowest = std::min(lowest, lanes.offset[i]);
    highest = std::max(highest, lanes.offset[i]);
  }
  lanes.lowest = lowest;
  lanes.highest = highest;
}

/// Keeps the lanes whose addresses have the same high word as the first lane's; returns that.
u32 takeAddresses(Lanes& lanes, const u32* low, const u32* high) {
  const u32 first = high[firstLane(lanes)];
  u32 other = 0;
  if (lanes.mask == ~0u) {
    for (u32 i = 0; i < 32; ++i) other |= high[i] ^ first;
  } else {
    for (u32 i = 0; i < 32; ++i) other |= (lanes.mask >> i & 1) != 0 ? high[i] ^ first : 0;
  }
  if (other != 0) {
    u32 same = 0;
    eachLane(lanes.mask, [&](u32 lane) { same |= static_cast<u32>(high[lane] == first) << lane; });
    lanes.mask = same;
  }
  takeOffsets(lanes, low);
  return first;
}

} // namespace

void takeOffsets(Lanes& lanes, const u32* offsets, u32 more) {
  if (lanes.mask == ~0u) {
    const u32 first = offsets[0], step = offsets[1] - first;
    u32 other = 0;
    for (u32 i = 0; i < 32; ++i) {
      lanes.offset[i] = offsets[i] + more;
      other |= (offsets[i] - first) ^ i * step;
    }
    const u32 start = first + more;
    const i64 last = i64{start} + 31 * i64{static_cast<i32>(step)};
    if (other == 0 && last >= 0 && last <= i64{~0u}) {
      lanes.even = true;
      lanes.step = static_cast<i32>(step);
      lanes.lowest = std::min(start, static_cast<u32>(last));
      lanes.highest = std::max(start, static_cast<u32>(last));
      return;
    }
  } else {
    const u32 first = offsets[firstLane(lanes)];
    for (u32 i = 0; i < 32; ++i) lanes.offset[i] = ((lanes.mask >> i & 1) != 0 ? offsets[i] : first) + more;
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

void resolveGlobalBase(Wave& wave, const Step& step, Lanes& lanes) {
  takeOffsets(lanes, step.src[0].in(wave) + lanes.half * 32);
  lanes.base = wave.pair(step.scalarSrc[0]) + static_cast<u64>(i64{step.immediate});
  confine(wave, step, lanes);
}

void resolveFlat(Wave& wave, const Step& step, Lanes& lanes) {
  const u32* const low = step.src[0].in(wave) + lanes.half * 32;
  const u32 high = takeAddresses(lanes, low, low + wave.lanes);
  if (step.immediate != 0 && wave.program->target() != kGfx1030) [[unlikely]] {
    notice(wave, step, Notice::flatOffset, "flat-offset", -1, // LLVM FeatureFlatSegmentOffsetBug
           [] { return std::string("has an offset, which the hardware ignores for global memory"); });
  }
  if (high != kSharedAperture && high != kPrivateAperture) {
    lanes.base = (u64{high} << 32) + static_cast<u64>(i64{step.immediate});
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
