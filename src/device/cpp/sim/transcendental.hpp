// Reciprocals, roots, powers, logarithms and trigonometric functions of the vector unit.
// f32: correctly rounded (a card is within 1 ulp), subnormal operands and results flushed whatever MODE says [RDNA ISA:
// "denormals are flushed"; LLVM scales operands where that matters]. f16: correctly rounded, subnormal numbers kept.
// f64: v_rcp and v_sqrt correctly rounded, v_rsq within an ulp; a card's are within 2^29 ulp [RDNA1 ISA §12.8]. From a
// coarse result LLVM's expansion of a division goes wrong in the last bit for powers of two over denominators whose
// fraction is all ones; from a correctly rounded one it never does, and that is what programs are promised.
#pragma once

#include "float_format.hpp"
#include "half.hpp"

namespace rdna1::sim {

inline float reciprocal(float value) { return flushed(1 / flushed(value)); }
inline float squareRoot(float value) { return std::sqrt(flushed(value)); }
/// Double has more than twice the bits of float: rounding twice is rounding once.
inline float reciprocalRoot(float value) { return static_cast<float>(1 / std::sqrt(double{flushed(value)})); }
inline double reciprocal(double value) { return 1 / value; }
inline double squareRoot(double value) { return std::sqrt(value); }
inline double reciprocalRoot(double value) { return 1 / std::sqrt(value); }

inline float powerOfTwo(float value) { return flushed(static_cast<float>(std::exp2(double{value}))); }
inline float logarithm(float value) { return static_cast<float>(std::log2(double{flushed(value)})); }

/// Of an angle in turns, any size; exact at multiples of a quarter turn. Zeros are positive, but for the sine of -0.
double sineOfTurns(double turns);
double cosineOfTurns(double turns);

/// 2 / pi's bits `segment` x 53 and following as a double, shifted as a reduction of `operand` needs them
/// (v_trig_preop_f64).
double trigPreop(double operand, std::uint32_t segment);

} // namespace rdna1::sim
