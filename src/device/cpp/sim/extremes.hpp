// Minimum, maximum and median of floats [RDNA1 ISA §12.7, §12.11]: a NaN loses against a number, -0 is below +0. With
// MODE.IEEE a signalling NaN wins and becomes quiet. Written with integers and choices, for loops that are vectorised.
#pragma once

#include "float_format.hpp"
#include "vector.hpp"

namespace rdna1::sim {

/// The bits of a float as an integer with its sign, and where NaN begins.
template <typename F> struct SignedBits;
template <> struct SignedBits<float> {
  using Integer = i32;
  static constexpr i32 kMagnitude = 0x7fffffff, kInfinity = 0x7f800000, kQuiet = 0x00400000;
  static i32 of(float value) { return std::bit_cast<i32>(value); }
  static float from(i32 bits) { return std::bit_cast<float>(bits); }
};
template <> struct SignedBits<double> {
  using Integer = i64;
  static constexpr i64 kMagnitude = 0x7fffffffffffffff, kInfinity = 0x7ff0000000000000, kQuiet = 0x0008000000000000;
  static i64 of(double value) { return std::bit_cast<i64>(value); }
  static double from(i64 bits) { return std::bit_cast<double>(bits); }
};
template <> struct SignedBits<Half> {
  using Integer = i32;
  static constexpr i32 kMagnitude = 0x7fff, kInfinity = 0x7c00, kQuiet = 0x0200;
  static i32 of(Half value) { return static_cast<i16>(value.bits); }
  static Half from(i32 bits) { return Half::of(static_cast<u16>(bits)); }
};

/// A float's bits in the order of the numbers: negative ones with their magnitude inverted. Undoes itself.
template <typename Bits, typename Integer> inline Integer ranked(Integer bits) {
  return bits ^ (bits < 0 ? Bits::kMagnitude : 0);
}

/// `a` or `b`: the smaller or the greater one.
template <bool kGreater, typename F> inline F extreme(F a, F b, Mode mode) {
  using Bits = SignedBits<F>;
  using Integer = typename Bits::Integer;
  const Integer x = Bits::of(a), y = Bits::of(b), rankX = ranked<Bits>(x), rankY = ranked<Bits>(y);
  const bool nanX = (x & Bits::kMagnitude) > Bits::kInfinity, nanY = (y & Bits::kMagnitude) > Bits::kInfinity;
  const Integer ieeeQuiet = mode.ieee() ? Bits::kQuiet : 0;
  const bool signalX = nanX && (~x & ieeeQuiet) != 0, signalY = nanY && (~y & ieeeQuiet) != 0;
  Integer result = (kGreater ? rankX > rankY : rankX < rankY) ? x : y;
  result = nanY ? x : result;
  result = nanX ? y : result;
  result = signalY ? y : result;
  result = signalX ? x : result;
  return Bits::from(result | ((result & Bits::kMagnitude) > Bits::kInfinity ? Bits::kQuiet : 0));
}

template <typename F> inline F minimum(F a, F b, Mode mode) { return extreme<false>(a, b, mode); }
template <typename F> inline F maximum(F a, F b, Mode mode) { return extreme<true>(a, b, mode); }
template <typename F> inline F minimum3(F a, F b, F c, Mode mode) { return minimum(minimum(a, b, mode), c, mode); }
template <typename F> inline F maximum3(F a, F b, F c, Mode mode) { return maximum(maximum(a, b, mode), c, mode); }

/// Cards tell -0 from +0 here, where the manual's pseudo-code compares [LLVM pull request 201896].
template <typename F> inline F median(F a, F b, F c, Mode mode) {
  using Bits = SignedBits<F>;
  const auto x = ranked<Bits>(Bits::of(a)), y = ranked<Bits>(Bits::of(b)), z = ranked<Bits>(Bits::of(c));
  const auto smaller = x < y ? x : y, greater = x < y ? y : x;
  const auto lower = greater < z ? greater : z, middle = smaller > lower ? smaller : lower;
  return a != a || b != b || c != c ? minimum3(a, b, c, mode) : Bits::from(ranked<Bits>(middle));
}

} // namespace rdna1::sim
