// The fields of IEEE 754 binary32 and binary64, and what happens to subnormal numbers where a unit cannot handle them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace rdna1::sim {

template <typename F> struct FloatFormat;
template <> struct FloatFormat<float> {
  using Bits = std::uint32_t;
  static constexpr int kFraction = 23, kBias = 127, kExponentMask = 0xff;
};
template <> struct FloatFormat<double> {
  using Bits = std::uint64_t;
  static constexpr int kFraction = 52, kBias = 1023, kExponentMask = 0x7ff;
};

template <typename F> inline constexpr F kInfinity = std::numeric_limits<F>::infinity();
template <typename F> inline constexpr F kNan = std::numeric_limits<F>::quiet_NaN();

/// Biased, as it is stored: 0 for zero and subnormal numbers.
template <typename F> inline int exponentField(F value) {
  using Format = FloatFormat<F>;
  return static_cast<int>(std::bit_cast<typename Format::Bits>(value) >> Format::kFraction) & Format::kExponentMask;
}

template <typename F> inline bool isNan(F value) { return value != value; }
template <typename F> inline bool isInfinite(F value) { return std::fabs(value) == kInfinity<F>; }

/// A signalling NaN made quiet; everything else as it is.
template <typename F> inline F quieted(F value) {
  using Format = FloatFormat<F>;
  const auto bits = std::bit_cast<typename Format::Bits>(value);
  const auto quiet = typename Format::Bits{1} << (Format::kFraction - 1);
  return isNan(value) ? std::bit_cast<F>(bits | quiet) : value;
}

/// To the nearest integer, ties to even, whatever the rounding mode.
inline float toEven(float value) { return __builtin_roundevenf(value); }
inline double toEven(double value) { return __builtin_roundeven(value); }

/// A zero of the same sign for a subnormal number. Written with integers, so that it also holds under DAZ.
inline float flushed(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits);
}

} // namespace rdna1::sim
