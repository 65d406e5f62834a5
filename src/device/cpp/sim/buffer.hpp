// Buffer resources, V# [RDNA1 ISA §8.1.8].
#pragma once

#include <cstdint>

namespace rdna1::sim {

struct Resource {
  /// What is out of range; offsets do not contain base and SGPR offset [RDNA1 ISA §8.1.5.3].
  enum class Check : std::uint8_t {
    indexAndOffset, ///< index >= records or offset >= stride
    index,          ///< index >= records
    none,           ///< everything when records is 0
    raw,            ///< buffer offset >= records - SGPR offset
  };
  std::uint64_t base = 0;
  std::uint32_t stride = 0;      ///< bytes
  std::uint32_t records = 0;     ///< bytes when raw
  std::uint32_t format = 0;      ///< 0: unbound
  std::uint32_t indexStride = 8; ///< records whose elements lie next to each other
  std::uint8_t select[4] = {};   ///< of the components: 0, 1, or 4 to 7 for x to w
  std::uint8_t type = 0;         ///< 0: buffer
  bool swizzle = false;
  bool addThread = false;
  Check check = Check::raw;
};

/// Takes four words apart.
Resource readResource(const std::uint32_t* words);

} // namespace rdna1::sim
