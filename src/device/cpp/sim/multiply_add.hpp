// Multiply-add of f32 where it differs from fma: rounded twice, without subnormal numbers.
#pragma once

#include "float_format.hpp"
#include "half.hpp"
#include "lane_types.hpp"

namespace rdna1::sim {

/// v_mad_f32 and v_mac_f32 know no subnormal numbers, whatever MODE says [LLVM SITargetLowering::isFMADLegal].
inline float multiplyAdd(float a, float b, float c) { return flushed(flushed(flushed(a) * flushed(b)) + flushed(c)); }

/// Zero times anything is zero.
inline float legacyProduct(float a, float b) { return a == 0 || b == 0 ? 0 : a * b; }
inline float legacyMultiplyAdd(float a, float b, float c) {
  return flushed(flushed(legacyProduct(flushed(a), flushed(b))) + flushed(c));
}
inline float legacyFma(float a, float b, float c) { return a == 0 || b == 0 ? 0 + c : fma(a, b, c); }

/// v_dot2_f32_f16 and v_dot2c_f32_f16: the products are exact, each of the two additions is rounded. Subnormal f32
/// numbers are zeros, whatever MODE says [LLVM SITargetLowering::performFMACombine].
inline float dot2(Pair<Half> a, Pair<Half> b, float c) {
  return flushed(fma(float{a.high}, float{b.high}, fma(float{a.low}, float{b.low}, flushed(c))));
}

} // namespace rdna1::sim
