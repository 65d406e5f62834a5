// What atomics make of memory and data [RDNA1 ISA §12.12, §12.15, §12.18]: `memory` is the old value, the result the
// new one. The same for LDS, buffers, flat memory and scalars.
#pragma once

#include <cstdint>

namespace rdna1::sim::atomics {

inline constexpr auto swap = [](auto, auto data) { return data; };
inline constexpr auto add = [](auto memory, auto data) { return memory + data; };
inline constexpr auto sub = [](auto memory, auto data) { return memory - data; };
inline constexpr auto reverseSub = [](auto memory, auto data) { return data - memory; };
/// global_atomic_csub: stops at 0.
inline constexpr auto clampSub = [](auto memory, auto data) {
  return memory < data ? decltype(data){0} : memory - data;
};
inline constexpr auto min = [](auto memory, auto data) { return data < memory ? data : memory; };
inline constexpr auto max = [](auto memory, auto data) { return data > memory ? data : memory; };
inline constexpr auto bitAnd = [](auto memory, auto data) { return memory & data; };
inline constexpr auto bitOr = [](auto memory, auto data) { return memory | data; };
inline constexpr auto bitXor = [](auto memory, auto data) { return memory ^ data; };
/// Up to `data` and from there back to 0.
inline constexpr auto inc = [](auto memory, auto data) { return memory >= data ? decltype(data){0} : memory + 1; };
/// Down to 0 and from there, or from above, back to `data`.
inline constexpr auto dec = [](auto memory, auto data) { return memory == 0 || memory > data ? data : memory - 1; };
/// buffer_*, flat_*, s_*: data holds the new value, then the one to compare with. Floats compare as floats.
inline constexpr auto compareSwap = [](auto memory, auto data, auto compare) {
  return memory == compare ? data : memory;
};
/// ds_cmpst: the other way round.
inline constexpr auto compareStore = [](auto memory, auto compare, auto data) {
  return memory == compare ? data : memory;
};
inline constexpr auto maskOr = [](auto memory, auto mask, auto bits) { return (memory & ~mask) | bits; };
inline constexpr auto wrap = [](auto memory, auto data, auto other) {
  return memory >= data ? memory - data : memory + other;
};
/// ds_condxchg32: each dword is replaced by the low 31 bits of its data when bit 31 of that is set.
inline constexpr auto conditionalSwap32 = [](std::uint64_t memory, std::uint64_t data) {
  constexpr std::uint64_t kLow = 0xffffffff, kLowSet = 0x80000000, kHigh = kLow << 32, kHighSet = kLowSet << 32;
  const std::uint64_t low = (data & kLowSet) != 0 ? data & (kLowSet - 1) : memory & kLow;
  const std::uint64_t high = (data & kHighSet) != 0 ? data & (kHigh & ~kHighSet) : memory & kHigh;
  return high | low;
};

} // namespace rdna1::sim::atomics
