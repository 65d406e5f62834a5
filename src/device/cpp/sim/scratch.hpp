// The buffer resource through which kernels reach their private memory.
#pragma once

#include <array>
#include <cstdint>

namespace rdna1::sim {

/// The V# that the launcher gives in the private segment buffer SGPRs: dwords interleaved by lane, the lane's number
/// added by the hardware. Private address X of lane i then lies at arena + SGPR offset + X / 4 * 4 * lanes + i * 4 + X
/// % 4. `bytes`: of the arena; not checked by the resource (OOB_SELECT 2), the regions of the launch do that [LLVM
/// AMDGPUUsage, "Private Segment Buffer"; fields: RDNA1 ISA §8.1.8].
inline std::array<std::uint32_t, 4> scratchDescriptor(std::uint64_t arena, std::uint32_t lanes, std::uint64_t bytes) {
  const std::uint32_t select = 4 | 5 << 3 | 6 << 6 | 7 << 9; // x, y, z, w
  const std::uint32_t format = 20;                           // 32_UINT
  const std::uint32_t indexStride = lanes == 64 ? 3 : 2;
  return {static_cast<std::uint32_t>(arena), static_cast<std::uint32_t>(arena >> 32 & 0xffff) | 1u << 31,
          static_cast<std::uint32_t>(bytes < 0xffffffff ? bytes : 0xffffffff),
          select | format << 12 | indexStride << 21 | 1u << 23 | 1u << 24 | 2u << 28};
}

} // namespace rdna1::sim
