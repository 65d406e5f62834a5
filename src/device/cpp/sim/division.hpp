// v_div_scale, v_div_fmas and v_div_fixup: the steps that frame LLVM's expansion of an IEEE division.
// The manual's pseudo-code of the first two is wrong [RDNA1 ISA §12.11]; what decides here is that the expansion must
// round correctly for all operands [LLVM SITargetLowering::LowerFDIV32, LowerFDIV64].
#pragma once

#include "float_format.hpp"
#include "half.hpp"

namespace rdna1::sim {

/// Distances of the scaling: how far operands are moved, and when.
template <typename F> struct DivisionScale;
template <> struct DivisionScale<float> {
  static constexpr int kScale = 64, kFarApart = 96, kTinyNumerator = 23;
};
template <> struct DivisionScale<double> {
  static constexpr int kScale = 128, kFarApart = 768, kTinyNumerator = 53;
};

template <typename F> struct Scaled {
  F value;
  bool flag; ///< v_div_fmas has to scale the quotient back
};

/// `operand` is the numerator or the denominator: the one that is scaled. The manual scales a large denominator up when
/// the quotient is subnormal; it has to go down, so that the quotient goes up. Its tests for subnormal quotients are
/// made on exponents, one binade early: quotients that round up to the smallest normal number need the scaling too.
template <typename F> Scaled<F> divScale(F operand, F denominator, F numerator) {
  using Format = FloatFormat<F>;
  using Scale = DivisionScale<F>;
  constexpr int kSmallest = 1 - Format::kBias;
  if (numerator == 0 || denominator == 0 || !std::isfinite(numerator) || !std::isfinite(denominator))
    return {numerator == 0 || denominator == 0 ? kNan<F> : operand, false};
  const bool isDenominator = operand == denominator;
  const int fieldOfNumerator = exponentField(numerator), fieldOfDenominator = exponentField(denominator);
  const int exponentOfDenominator = std::ilogb(denominator);
  const bool tinyQuotient = std::ilogb(numerator) - exponentOfDenominator <= kSmallest;
  const bool tinyReciprocal = exponentOfDenominator >= -kSmallest;
  if (fieldOfNumerator - fieldOfDenominator >= Scale::kFarApart)
    return {isDenominator ? std::ldexp(operand, Scale::kScale) : operand, true};
  if (tinyReciprocal && tinyQuotient) return {isDenominator ? std::ldexp(operand, -Scale::kScale) : operand, true};
  if (tinyReciprocal) return {std::ldexp(operand, -Scale::kScale), false};
  if (tinyQuotient) return {operand == numerator ? std::ldexp(operand, Scale::kScale) : operand, true};
  if (fieldOfDenominator == 0 || fieldOfNumerator <= Scale::kTinyNumerator)
    return {std::ldexp(operand, Scale::kScale), false};
  return {operand, false};
}

/// a * b + c scaled by 2^scale, rounded once: a subnormal result must not be rounded before it is scaled.
float scaledFma(float a, float b, float c, int scale);
double scaledFma(double a, double b, double c, int scale);

/// The addend is the estimated quotient: a large one was made smaller by v_div_scale, a small one larger.
template <typename F> F divFmas(F a, F b, F c, bool flag) {
  constexpr int kScale = DivisionScale<F>::kScale;
  if (!flag) return fma(a, b, c);
  return scaledFma(a, b, c, exponentField(c) > FloatFormat<F>::kBias ? kScale : -kScale);
}

/// What the quotient's sign and the special cases of the operands are. A quotient that is NaN although the operands are
/// finite comes of an overflow on the way: the true quotient is infinite.
template <typename F> F divFixup(F quotient, F denominator, F numerator) {
  constexpr int kUnderflow = FloatFormat<F>::kBias + FloatFormat<F>::kFraction;
  const F sign = std::copysign(F{1}, denominator) * std::copysign(F{1}, numerator);
  if (isNan(numerator)) return quieted(numerator);
  if (isNan(denominator)) return quieted(denominator);
  if (numerator == 0 && denominator == 0) return -kNan<F>;
  if (isInfinite(numerator) && isInfinite(denominator)) return -kNan<F>;
  if (denominator == 0 || isInfinite(numerator)) return sign * kInfinity<F>;
  if (isInfinite(denominator) || numerator == 0) return sign * F{0};
  if (exponentField(numerator) - exponentField(denominator) < -kUnderflow) return sign * F{0};
  return std::copysign(isNan(quotient) ? kInfinity<F> : quotient, sign);
}

} // namespace rdna1::sim
