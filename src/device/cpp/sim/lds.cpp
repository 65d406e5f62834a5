#include "lds.hpp"

namespace rdna1::sim::lds {
namespace {

/// Gives every lane that is on the value of lane `from(lane)` of its half, or 0 when that lane is off.
template <typename From> void exchangeLanes(Wave& wave, const Step& step, const u32* row, From&& from) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32 exec = wave.exec(half);
    u32 values[32];
    for (u32 i = 0; i < 32; ++i) {
      const u32 source = from(half, i) & 31;
      values[i] = (exec >> source & 1) != 0 ? row[half * 32 + source] : 0;
    }
    blend(wave.vector + step.dst + half * 32, values, exec);
  }
}

} // namespace

void resolve(Wave& wave, const Step& step, u32 offset, Lanes& lanes) {
  takeOffsets(lanes, step.src[0].in(wave) + lanes.half * 32, offset);
  confineToLds(wave, step, lanes);
}

void swizzle(Wave& wave, const Step& step) {
  const auto pattern = static_cast<u32>(step.immediate);
  const u32* const row = step.src[0].in(wave);
  if ((pattern & 0x8000) != 0) { // within four lanes
    exchangeLanes(wave, step, row, [&](u32, u32 i) { return (i & ~3u) | (pattern >> 2 * (i & 3) & 3); });
  } else {
    const u32 keep = pattern & 31, set = pattern >> 5 & 31, flip = pattern >> 10 & 31;
    exchangeLanes(wave, step, row, [&](u32, u32 i) { return ((i & keep) | set) ^ flip; });
  }
}

void permute(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32* const address = step.src[0].in(wave) + half * 32;
    const u32* const data = step.src[1].in(wave) + half * 32;
    u32 values[32] = {};
    eachLane(wave.exec(half),
             [&](u32 i) { values[(address[i] + static_cast<u32>(step.immediate)) / 4 % 32] = data[i]; });
    blend(wave.vector + step.dst + half * 32, values, wave.exec(half));
  }
}

void permuteBack(Wave& wave, const Step& step) {
  const u32* const address = step.src[0].in(wave);
  exchangeLanes(wave, step, step.src[1].in(wave),
                [&](u32 half, u32 i) { return (address[half * 32 + i] + static_cast<u32>(step.immediate)) / 4; });
}

} // namespace rdna1::sim::lds
