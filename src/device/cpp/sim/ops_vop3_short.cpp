// VOP3 on 16-bit integers and f16, and conversions to pairs of them [RDNA1 ISA §12.11].
#include "convert.hpp"
#include "division.hpp"
#include "extremes.hpp"
#include "integer_lanes.hpp"
#include "ops_vop3.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

template <typename T> T middle(T a, T b, T c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

Half halfFixup(Half quotient, Half denominator, Half numerator) {
  return Half(divFixup(float{quotient}, float{denominator}, float{numerator}));
}

u16 saturatedU16(u32 value) { return u16(std::min(value, 0xffffu)); }
u16 saturatedI16(i32 value) { return u16(clamped<i16>(value, -32768, 32767)); }

} // namespace

std::span<const Operation> vop3ShortOperations() {
  static const Operation kTable[] = {
      vop3(0x303, "v_add_nc_u16", integerLanes<u16>([](u16 a, u16 b) { return i64{a} + b; })),
      vop3(0x304, "v_sub_nc_u16", integerLanes<u16>([](u16 a, u16 b) { return i64{a} - b; })),
      vop3(0x305, "v_mul_lo_u16", lanes([](u16 a, u16 b) { return u16(u32{a} * b); })),
      vop3(0x307, "v_lshrrev_b16", lanes([](u16 n, u16 a) { return u16(a >> (n & 15)); })),
      vop3(0x308, "v_ashrrev_i16", lanes([](u16 n, i16 a) { return i16(a >> (n & 15)); })),
      vop3(0x309, "v_max_u16", lanes([](u16 a, u16 b) { return std::max(a, b); })),
      vop3(0x30a, "v_max_i16", lanes([](i16 a, i16 b) { return std::max(a, b); })),
      vop3(0x30b, "v_min_u16", lanes([](u16 a, u16 b) { return std::min(a, b); })),
      vop3(0x30c, "v_min_i16", lanes([](i16 a, i16 b) { return std::min(a, b); })),
      vop3(0x30d, "v_add_nc_i16", integerLanes<i16>([](i16 a, i16 b) { return i64{a} + b; })),
      vop3(0x30e, "v_sub_nc_i16", integerLanes<i16>([](i16 a, i16 b) { return i64{a} - b; })),
      vop3(0x311, "v_pack_b32_f16", lanes([](Half a, Half b) { return packed(a.bits, b.bits); })),
      vop3(0x312, "v_cvt_pknorm_i16_f16",
           lanes([](Half a, Half b) { return packed(u16(toSignedNorm(a)), u16(toSignedNorm(b))); })),
      vop3(0x313, "v_cvt_pknorm_u16_f16",
           lanes([](Half a, Half b) { return packed(toUnsignedNorm(a), toUnsignedNorm(b)); })),
      vop3(0x314, "v_lshlrev_b16", lanes([](u16 n, u16 a) { return u16(a << (n & 15)); })),
      vop3(0x340, "v_mad_u16", integerLanes<u16>([](u16 a, u16 b, u16 c) { return i64{a} * b + c; })),
      vop3(0x34b, "v_fma_f16", lanes([](Half a, Half b, Half c) { return fma(a, b, c); })),
      vop3(0x351, "v_min3_f16", lanes([](Half a, Half b, Half c, Mode m) { return minimum3(a, b, c, m); })),
      vop3(0x352, "v_min3_i16", lanes([](i16 a, i16 b, i16 c) { return std::min(std::min(a, b), c); })),
      vop3(0x353, "v_min3_u16", lanes([](u16 a, u16 b, u16 c) { return std::min(std::min(a, b), c); })),
      vop3(0x354, "v_max3_f16", lanes([](Half a, Half b, Half c, Mode m) { return maximum3(a, b, c, m); })),
      vop3(0x355, "v_max3_i16", lanes([](i16 a, i16 b, i16 c) { return std::max(std::max(a, b), c); })),
      vop3(0x356, "v_max3_u16", lanes([](u16 a, u16 b, u16 c) { return std::max(std::max(a, b), c); })),
      vop3(0x357, "v_med3_f16", lanes([](Half a, Half b, Half c, Mode m) { return median(a, b, c, m); })),
      vop3(0x358, "v_med3_i16", lanes([](i16 a, i16 b, i16 c) { return middle(a, b, c); })),
      vop3(0x359, "v_med3_u16", lanes([](u16 a, u16 b, u16 c) { return middle(a, b, c); })),
      vop3(0x35e, "v_mad_i16", integerLanes<i16>([](i16 a, i16 b, i16 c) { return i64{a} * b + c; })),
      vop3(0x35f, "v_div_fixup_f16", lanes([](Half q, Half d, Half n) { return halfFixup(q, d, n); })),
      vop3(0x368, "v_cvt_pknorm_i16_f32",
           lanes([](float a, float b) { return packed(u16(toSignedNorm(a)), u16(toSignedNorm(b))); })),
      vop3(0x369, "v_cvt_pknorm_u16_f32",
           lanes([](float a, float b) { return packed(toUnsignedNorm(a), toUnsignedNorm(b)); })),
      vop3(0x36a, "v_cvt_pk_u16_u32", lanes([](u32 a, u32 b) { return packed(saturatedU16(a), saturatedU16(b)); })),
      vop3(0x36b, "v_cvt_pk_i16_i32", lanes([](i32 a, i32 b) { return packed(saturatedI16(a), saturatedI16(b)); })),
  };
  return kTable;
}

} // namespace rdna1::sim
