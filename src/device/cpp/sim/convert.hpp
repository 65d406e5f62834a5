// Conversions between numbers: saturating, each rounded once.
// Where the manual is silent (NaN, ties, range), what a gfx1201 card was measured to do decides [rocjitsu's conversion
// tests]: NaN becomes 0, except for the conversions by floor, where it becomes the bound of its sign.
#pragma once

#include "float_format.hpp"

#include <limits>

namespace rdna1::sim {

/// Towards zero; out of range the nearest integer; NaN to 0.
template <typename I, typename F> inline I toInteger(F value) {
  using Limits = std::numeric_limits<I>;
  constexpr F kBeyond = static_cast<F>(Limits::max() / 2 + 1) * 2, kLowest = Limits::min();
  if (value >= kBeyond) return Limits::max();
  if (value <= kLowest) return Limits::min();
  return isNan(value) ? I{0} : static_cast<I>(value);
}

/// To the nearest integer, ties to even, within 0 and 255 (v_cvt_pk_u8_f32).
inline std::uint32_t toByte(float value) { return toInteger<std::uint8_t>(std::rint(value)); }

/// v_cvt_flr_i32_f32
inline std::int32_t toFloor(float value) {
  using Limits = std::numeric_limits<std::int32_t>;
  if (isNan(value)) return std::signbit(value) ? Limits::min() : Limits::max();
  return toInteger<std::int32_t>(std::floor(value));
}

/// v_cvt_rpi_i32_f32: floor(value + 0.5), the sum not rounded.
inline std::int32_t toNearestUp(float value) {
  if (isNan(value)) return toFloor(value);
  const float below = std::floor(value);
  return toInteger<std::int32_t>(value - below >= 0.5f ? below + 1 : below);
}

/// -1 to 1 as -32767 to 32767, ties to even; NaN to 0. For floats and, exactly, halves.
inline std::int16_t toSignedNorm(float value) {
  const double scaled = std::fmin(std::fmax(double{value}, -1.0), 1.0) * 32767;
  return isNan(value) ? std::int16_t{0} : static_cast<std::int16_t>(toEven(scaled));
}
/// 0 to 1 as 0 to 65535, ties to even; NaN to 0.
inline std::uint16_t toUnsignedNorm(float value) {
  const double scaled = std::fmin(std::fmax(double{value}, 0.0), 1.0) * 65535;
  return isNan(value) ? std::uint16_t{0} : static_cast<std::uint16_t>(toEven(scaled));
}

template <typename I> inline I clamped(std::int64_t value, I low, I high) {
  return static_cast<I>(value < low ? low : value > high ? high : value);
}

/// Two 16-bit values in a register.
inline std::uint32_t packed(std::uint16_t low, std::uint16_t high) { return low | std::uint32_t{high} << 16; }

} // namespace rdna1::sim
