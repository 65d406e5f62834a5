// What is written where some lanes are off.
#pragma once

#include "lane_access.hpp"

namespace rdna1::sim {

/// Writes those of 32 lanes whose bit in `exec` is set, `Count` words each.
template <u32 Count = 1>
[[gnu::always_inline]] inline void blend(u32* row, std::size_t stride, const u32* values, u32 exec) {
  using detail::Words;
  for (u32 lane = 0; lane < 32; lane += 8) {
    const Words on = detail::onWords(exec >> lane);
    for (u32 i = 0; i < Count; ++i) {
      u32* const to = row + i * stride + lane;
      const Words merged = (detail::loadWords(values + i * 32 + lane) & on) | (detail::loadWords(to) & ~on);
      std::memcpy(to, &merged, sizeof merged);
    }
  }
}

/// Wave::onLanes, brought up to date.
inline const u32* lanesOn(Wave& wave) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32 exec = wave.exec(half);
    if (wave.onExec[half] == exec) continue;
    wave.onExec[half] = exec;
    for (u32 lane = 0; lane < 32; lane += 8) {
      const detail::Words on = detail::onWords(exec >> lane);
      std::memcpy(wave.onLanes + half * 32 + lane, &on, sizeof on);
    }
  }
  return wave.onLanes;
}

} // namespace rdna1::sim
