// Multiply-add of f32 as RDNA1's older operations do it, rounded twice.
#pragma once

#include "float_format.hpp"
#include "half.hpp"

namespace rdna1::sim {

/// v_mad_f32 and v_mac_f32 know no subnormal numbers, whatever MODE says [LLVM SITargetLowering::isFMADLegal].
inline float multiplyAdd(float a, float b, float c) { return flushed(flushed(flushed(a) * flushed(b)) + flushed(c)); }

/// Zero times anything is zero.
inline float legacyProduct(float a, float b) { return a == 0 || b == 0 ? 0 : a * b; }
inline float legacyMultiplyAdd(float a, float b, float c) {
  return flushed(flushed(legacyProduct(flushed(a), flushed(b))) + flushed(c));
}
inline float legacyFma(float a, float b, float c) { return a == 0 || b == 0 ? 0 + c : fma(a, b, c); }

} // namespace rdna1::sim
