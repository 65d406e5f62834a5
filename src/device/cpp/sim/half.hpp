// IEEE 754 binary16 as the vector unit handles it: 16 bits in the low half of a register, every result rounded once.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace rdna1::sim {

/// The exact value of 16 bits. A signalling NaN becomes quiet, its payload is kept.
inline float halfToFloat(std::uint16_t bits) {
#ifdef __F16C__
  return static_cast<float>(std::bit_cast<_Float16>(bits));
#else
  const std::uint32_t sign = std::uint32_t{bits} << 16 & 0x80000000u;
  const std::uint32_t magnitude = std::uint32_t{bits} << 13 & 0x0fffe000u;
  // Subnormal halves: 2^-14 in the exponent, then take 2^-14 away; no subnormal float occurs, so DAZ does no harm.
  const float small = std::bit_cast<float>(magnitude + 0x38800000u) - 0x1p-14f;
  const std::uint32_t normal = magnitude + 0x38000000u;
  const std::uint32_t special = (magnitude + 0x70000000u) | ((magnitude & 0x007fffffu) != 0 ? 0x00400000u : 0u);
  const std::uint32_t finite = magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(small) : normal;
  return std::bit_cast<float>(sign | (magnitude >= 0x0f800000u ? special : finite));
#endif
}

/// Rounds once, to nearest even (with F16C: as MXCSR says), subnormal results kept.
inline std::uint16_t floatToHalf(float value) {
#ifdef __F16C__
  return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
#else
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 16 & 0x8000u,
                      magnitude = bits & 0x7fffffffu;
  const std::uint32_t normal = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1)) >> 13;
  // 0.5 has an ulp of 2^-24, the spacing of subnormal halves: the addition rounds.
  const std::uint32_t small = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  const std::uint32_t nan = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  std::uint32_t result = magnitude < 0x38800000u ? small : normal;
  if (magnitude >= 0x477ff000u) result = 0x7c00u; // 65520 and more, infinity
  if (magnitude > 0x7f800000u) result = nan;
  return static_cast<std::uint16_t>(sign | result);
#endif
}

/// `value` cut to float's 24 bits with the last one set when anything was cut (rounding to odd): a second rounding to
/// fewer bits then gives what a single rounding gives. For values in the range of normal floats.
inline float roundToOdd(double value) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value), cut = (1ull << 29) - 1;
  return static_cast<float>(std::bit_cast<double>((bits & ~cut) | ((bits & cut) != 0 ? 1ull << 29 : 0)));
}

struct Half {
  std::uint16_t bits = 0;

  constexpr Half() = default;
  explicit Half(float value) : bits(floatToHalf(value)) {}
  explicit Half(double value) : bits(floatToHalf(roundToOdd(value))) {}
  static constexpr Half of(std::uint16_t bits) {
    Half half;
    half.bits = bits;
    return half;
  }
  operator float() const { return halfToFloat(bits); }

  // Sums, products and quotients of halves in float, rounded again: float has more than twice 11 bits, so the first
  // rounding never changes the second.
  friend Half operator+(Half a, Half b) { return Half(float{a} + float{b}); }
  friend Half operator-(Half a, Half b) { return Half(float{a} - float{b}); }
  friend Half operator*(Half a, Half b) { return Half(float{a} * float{b}); }
  friend bool operator<(Half a, Half b) { return float{a} < float{b}; }
  friend bool operator>(Half a, Half b) { return float{a} > float{b}; }
  friend bool operator<=(Half a, Half b) { return float{a} <= float{b}; }
  friend bool operator>=(Half a, Half b) { return float{a} >= float{b}; }
  friend bool operator==(Half a, Half b) { return float{a} == float{b}; }
};

/// a * b + c rounded once. The product is exact in double; where the sum is not, its lost part lies so far below the
/// last bit of a half that it cannot matter, except for directed rounding, which rounding to odd covers.
inline Half fma(Half a, Half b, Half c) { return Half(double{float{a}} * double{float{b}} + double{float{c}}); }
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

} // namespace rdna1::sim
