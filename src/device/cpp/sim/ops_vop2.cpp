// VOP2 [RDNA1 ISA §12.7].
#include "bits.hpp"
#include "extremes.hpp"
#include "integer_lanes.hpp"
#include "multiply_add.hpp"
#include "vector.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

Carry<u32> addWithCarry(u32 a, u32 b, bool carry) {
  const u32 sum = a + b + carry;
  return {sum, sum < a || (carry && sum == a)};
}
Carry<u32> subtractWithBorrow(u32 a, u32 b, bool borrow) { return {a - b - borrow, a < b || (borrow && a == b)}; }
/// The same, what CLAMP saturates.
Carry<i64> exactSum(u32 a, u32 b, bool carry) { return {i64{a} + b + carry, addWithCarry(a, b, carry).bit}; }
Carry<i64> exactDifference(u32 a, u32 b, bool borrow) {
  return {i64{a} - b - borrow, subtractWithBorrow(a, b, borrow).bit};
}

/// Towards zero, whatever the rounding mode; what is too large becomes the largest half.
u16 towardZero(float value) {
  const u32 bits = std::bit_cast<u32>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  const u32 subnormal = static_cast<u32>(std::bit_cast<float>(std::min(magnitude, 0x38800000u)) * 0x1p24f);
  const u32 finite = magnitude < 0x38800000 ? subnormal : (magnitude - 0x38000000) >> 13;
  const u32 nan = 0x7e00 | (magnitude >> 13 & 0x3ff);
  const u32 special = magnitude > 0x7f800000 ? nan : magnitude == 0x7f800000 ? 0x7c00 : 0x7bff;
  return static_cast<u16>(sign | (magnitude >= 0x47800000 ? special : finite));
}

/// Exact, then rounded once.
Half scaled(Half value, i16 exponent) { return Half(std::ldexp(double{float{value}}, exponent)); }

i32 dot4(u32 a, u32 b, i32 c) {
  u32 sum = static_cast<u32>(c);
  for (u32 shift = 0; shift < 32; shift += 8)
    sum += static_cast<u32>(static_cast<i32>(static_cast<i8>(a >> shift)) * static_cast<i8>(b >> shift));
  return static_cast<i32>(sum);
}

} // namespace

std::span<const Operation> vop2Operations() {
  using Halves = Pair<Half>;
  static const Operation kTable[] = {
      vop2(0x01, "v_cndmask_b32", lanes([](B32 a, B32 b, bool second) { return second ? b : a; })),
      vop2(0x02, "v_dot2c_f32_f16", lanes([](Halves a, Halves b, Old<float> d) { return dot2(a, b, d); }), kDotTargets),
      vop2(0x03, "v_add_f32", lanes([](float a, float b) { return a + b; })),
      vop2(0x04, "v_sub_f32", lanes([](float a, float b) { return a - b; })),
      vop2(0x05, "v_subrev_f32", lanes([](float a, float b) { return b - a; })),
      vop2(0x06, "v_mac_legacy_f32", lanes([](float a, float b, Old<float> d) { return legacyMultiplyAdd(a, b, d); }),
           kGfx101x),
      vop2(0x06, "v_fmac_legacy_f32", lanes([](float a, float b, Old<float> d) { return legacyFma(a, b, d); }),
           kGfx1030),
      vop2(0x07, "v_mul_legacy_f32", lanes([](float a, float b) { return legacyProduct(a, b); })),
      vop2(0x08, "v_mul_f32", lanes([](float a, float b) { return a * b; })),
      vop2(0x09, "v_mul_i32_i24", integerLanes<i32>([](i32 a, i32 b) { return i64{signed24(a)} * signed24(b); })),
      vop2(0x0a, "v_mul_hi_i32_i24", lanes([](i32 a, i32 b) { return i32(i64{signed24(a)} * signed24(b) >> 32); })),
      vop2(0x0b, "v_mul_u32_u24", integerLanes<u32>([](u32 a, u32 b) { return i64{a & 0xffffff} * (b & 0xffffff); })),
      vop2(0x0c, "v_mul_hi_u32_u24", lanes([](u32 a, u32 b) { return u32(u64{a & 0xffffff} * (b & 0xffffff) >> 32); })),
      vop2(0x0d, "v_dot4c_i32_i8", lanes([](u32 a, u32 b, Old<i32> d) { return dot4(a, b, d); }), kDotTargets),
      vop2(0x0f, "v_min_f32", lanes([](float a, float b, Mode mode) { return minimum(a, b, mode); })),
      vop2(0x10, "v_max_f32", lanes([](float a, float b, Mode mode) { return maximum(a, b, mode); })),
      vop2(0x11, "v_min_i32", lanes([](i32 a, i32 b) { return std::min(a, b); })),
      vop2(0x12, "v_max_i32", lanes([](i32 a, i32 b) { return std::max(a, b); })),
      vop2(0x13, "v_min_u32", lanes([](u32 a, u32 b) { return std::min(a, b); })),
      vop2(0x14, "v_max_u32", lanes([](u32 a, u32 b) { return std::max(a, b); })),
      vop2(0x16, "v_lshrrev_b32", lanes([](u32 count, u32 a) { return a >> (count & 31); })),
      vop2(0x18, "v_ashrrev_i32", lanes([](u32 count, i32 a) { return a >> (count & 31); })),
      vop2(0x1a, "v_lshlrev_b32", lanes([](u32 count, u32 a) { return a << (count & 31); })),
      vop2(0x1b, "v_and_b32", lanes([](u32 a, u32 b) { return a & b; })),
      vop2(0x1c, "v_or_b32", lanes([](u32 a, u32 b) { return a | b; })),
      vop2(0x1d, "v_xor_b32", lanes([](u32 a, u32 b) { return a ^ b; })),
      vop2(0x1e, "v_xnor_b32", lanes([](u32 a, u32 b) { return ~(a ^ b); })),
      vop2(0x1f, "v_mac_f32", lanes([](float a, float b, Old<float> d) { return multiplyAdd(a, b, d); }), kGfx101x),
      vop2(0x20, "v_madmk_f32", lanes([](float a, float k, float b) { return multiplyAdd(a, k, b); }), kGfx101x),
      vop2(0x21, "v_madak_f32", lanes([](float a, float b, float k) { return multiplyAdd(a, b, k); }), kGfx101x),
      vop2(0x25, "v_add_nc_u32", integerLanes<u32>([](u32 a, u32 b) { return i64{a} + b; })),
      vop2(0x26, "v_sub_nc_u32", integerLanes<u32>([](u32 a, u32 b) { return i64{a} - b; })),
      vop2(0x27, "v_subrev_nc_u32", integerLanes<u32>([](u32 a, u32 b) { return i64{b} - a; })),
      vop2(0x28, "v_add_co_ci_u32",
           lanes([](u32 a, u32 b, bool carry) { return addWithCarry(a, b, carry); },
                 [](u32 a, u32 b, bool carry) { return exactSum(a, b, carry); })),
      vop2(0x29, "v_sub_co_ci_u32",
           lanes([](u32 a, u32 b, bool borrow) { return subtractWithBorrow(a, b, borrow); },
                 [](u32 a, u32 b, bool borrow) { return exactDifference(a, b, borrow); })),
      vop2(0x2a, "v_subrev_co_ci_u32",
           lanes([](u32 a, u32 b, bool borrow) { return subtractWithBorrow(b, a, borrow); },
                 [](u32 a, u32 b, bool borrow) { return exactDifference(b, a, borrow); })),
      vop2(0x2b, "v_fmac_f32", lanes([](float a, float b, Old<float> d) { return fma(a, b, d.value); })),
      vop2(0x2c, "v_fmamk_f32", lanes([](float a, float k, float b) { return fma(a, k, b); })),
      vop2(0x2d, "v_fmaak_f32", lanes([](float a, float b, float k) { return fma(a, b, k); })),
      vop2(0x2f, "v_cvt_pkrtz_f16_f32",
           lanes([](float a, float b) { return Halves{Half::of(towardZero(a)), Half::of(towardZero(b))}; })),
      vop2(0x32, "v_add_f16", lanes([](Half a, Half b) { return a + b; })),
      vop2(0x33, "v_sub_f16", lanes([](Half a, Half b) { return a - b; })),
      vop2(0x34, "v_subrev_f16", lanes([](Half a, Half b) { return b - a; })),
      vop2(0x35, "v_mul_f16", lanes([](Half a, Half b) { return a * b; })),
      vop2(0x36, "v_fmac_f16", lanes([](Half a, Half b, Old<Half> d) { return fma(a, b, d.value); })),
      vop2(0x37, "v_fmamk_f16", lanes([](Half a, Half k, Half b) { return fma(a, k, b); })),
      vop2(0x38, "v_fmaak_f16", lanes([](Half a, Half b, Half k) { return fma(a, b, k); })),
      vop2(0x39, "v_max_f16", lanes([](Half a, Half b, Mode mode) { return maximum(a, b, mode); })),
      vop2(0x3a, "v_min_f16", lanes([](Half a, Half b, Mode mode) { return minimum(a, b, mode); })),
      vop2(0x3b, "v_ldexp_f16", lanes([](Half a, i16 exponent) { return scaled(a, exponent); })),
      vop2(0x3c, "v_pk_fmac_f16", lanes([](Halves a, Halves b, Old<Halves> d) {
             return Halves{fma(a.low, b.low, d.value.low), fma(a.high, b.high, d.value.high)};
           })),
  };
  return kTable;
}

} // namespace rdna1::sim
