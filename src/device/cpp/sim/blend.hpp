// What is written where some lanes are off.
#pragma once

#include "lane_access.hpp"

namespace rdna1::sim {

/// Writes those of 32 lanes whose bit in `exec` is set, `Count` words each.
template <u32 Count = 1>
[[gnu::always_inline]] inline void blend(u32* row, std::size_t stride, const u32* values, u32 exec) {
  using detail::Words;
  constexpr Words kBits = {1, 2, 4, 8, 16, 32, 64, 128};
  for (u32 lane = 0; lane < 32; lane += 8) {
    const Words on = (Words)((((exec >> lane) + Words{}) & kBits) == kBits);
    for (u32 i = 0; i < Count; ++i) {
      u32* const to = row + i * stride + lane;
      const Words merged = (detail::loadWords(values + i * 32 + lane) & on) | (detail::loadWords(to) & ~on);
      std::memcpy(to, &merged, sizeof merged);
    }
  }
}

} // namespace rdna1::sim
