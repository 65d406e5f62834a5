// Bit fields, bytes and sums of absolute differences.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>

namespace rdna1::sim {

inline std::uint32_t byteOf(std::uint64_t value, unsigned index) {
  return static_cast<std::uint32_t>(value >> 8 * index) & 0xff;
}
inline std::uint32_t halfOf(std::uint32_t value, unsigned index) { return value >> 16 * index & 0xffff; }
/// The low 24 bits, with their sign or without.
inline std::uint32_t low24(std::uint32_t value) { return value & 0xffffff; }
inline std::int32_t signed24(std::int32_t value) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) << 8) >> 8;
}

inline std::uint32_t reversed(std::uint32_t value) {
  value = (value & 0x55555555) << 1 | (value >> 1 & 0x55555555);
  value = (value & 0x33333333) << 2 | (value >> 2 & 0x33333333);
  value = (value & 0x0f0f0f0f) << 4 | (value >> 4 & 0x0f0f0f0f);
  return value << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | value >> 24;
}

/// Zeros above the highest, or below the lowest, bit that is set; -1 without any.
inline std::int32_t zerosAbove(std::uint32_t value) { return value == 0 ? -1 : std::countl_zero(value); }
inline std::int32_t zerosBelow(std::uint32_t value) { return value == 0 ? -1 : std::countr_zero(value); }
/// Bits from the top that equal the sign bit; -1 when all do.
inline std::int32_t signBits(std::int32_t value) { return zerosAbove(static_cast<std::uint32_t>(value ^ value >> 31)); }

/// `width` bits from bit `offset`, both modulo 32.
inline std::uint32_t field(std::uint32_t value, std::uint32_t offset, std::uint32_t width) {
  return value >> (offset & 31) & ((1u << (width & 31)) - 1);
}
inline std::int32_t signedField(std::int32_t value, std::uint32_t offset, std::uint32_t width) {
  const std::uint32_t unused = (32 - (width & 31)) & 31, bits = static_cast<std::uint32_t>(value >> (offset & 31));
  return (width & 31) == 0 ? 0 : static_cast<std::int32_t>(bits << unused) >> unused;
}

/// Byte of v_perm_b32: 0-7 of the eight bytes, 8-11 a sign of one of the four words, 12 zero, from 13 on ones.
inline std::uint32_t selectedByte(std::uint64_t bytes, std::uint32_t selector) {
  if (selector < 8) return byteOf(bytes, selector);
  if (selector < 12) return (bytes >> (16 * (selector - 8) + 15) & 1) != 0 ? 0xff : 0;
  return selector == 12 ? 0 : 0xff;
}
inline std::uint32_t permuted(std::uint32_t high, std::uint32_t low, std::uint32_t selectors) {
  const std::uint64_t bytes = std::uint64_t{high} << 32 | low;
  std::uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) result |= selectedByte(bytes, byteOf(selectors, i)) << 8 * i;
  return result;
}

/// Averages of the four bytes, rounded up where the byte of `round` is odd.
inline std::uint32_t averages(std::uint32_t a, std::uint32_t b, std::uint32_t round) {
  std::uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) result |= (byteOf(a, i) + byteOf(b, i) + (byteOf(round, i) & 1)) >> 1 << 8 * i;
  return result;
}

inline std::uint32_t difference(std::uint32_t a, std::uint32_t b) { return a > b ? a - b : b - a; }
/// Of four bytes.
inline std::uint32_t differences(std::uint32_t a, std::uint32_t b) {
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < 4; ++i) sum += difference(byteOf(a, i), byteOf(b, i));
  return sum;
}
/// Of the bytes whose reference is not 0.
inline std::uint32_t maskedDifferences(std::uint32_t a, std::uint32_t reference) {
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < 4; ++i)
    sum += byteOf(reference, i) != 0 ? difference(byteOf(a, i), byteOf(reference, i)) : 0;
  return sum;
}

} // namespace rdna1::sim
