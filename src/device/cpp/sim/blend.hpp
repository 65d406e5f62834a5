// What is written where some lanes are off.
#pragma once

#include "lane_access.hpp"

namespace rdna1::sim {

/// Writes those of 32 lanes whose bit in `exec` is set.
[[gnu::always_inline]] inline void blend(u32* row, const u32* values, u32 exec) {
  for (u32 lane = 0; lane < 32; lane += 8) {
    const detail::Words on = detail::onWords(exec >> lane);
    const detail::Words merged = (detail::loadWords(values + lane) & on) | (detail::loadWords(row + lane) & ~on);
    std::memcpy(row + lane, &merged, sizeof merged);
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
