// VOP3 on 32- and 64-bit integers [RDNA1 ISA §12.11].
#include "bits.hpp"
#include "integer_lanes.hpp"
#include "ops_vop3.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

template <typename T> T median(T a, T b, T c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

/// The bit is number 64 of the sum [RDNA1 ISA: {vcc_out, D.u64}]; of the signed sum its sign.
Carry<u64> productAndSum(u32 a, u32 b, u64 c) {
  const u64 sum = u64{a} * b + c;
  return {sum, sum < c};
}
Carry<i64> productAndSum(i32 a, i32 b, i64 c) {
  const __int128 sum = __int128{i64{a} * b} + c;
  return {static_cast<i64>(sum), sum < 0};
}

/// With the carry or borrow out.
Carry<i64> exactSum(u32 a, u32 b) { return {i64{a} + b, a + b < a}; }
Carry<i64> exactDifference(u32 a, u32 b) { return {i64{a} - b, b > a}; }

} // namespace

std::span<const Operation> vop3IntegerOperations() {
  static const Operation kTable[] = {
      vop3(0x142, "v_mad_i32_i24",
           integerLanes<i32>([](i32 a, i32 b, i32 c) { return i64{signed24(a)} * signed24(b) + c; })),
      vop3(0x143, "v_mad_u32_u24", integerLanes<u32>([](u32 a, u32 b, u32 c) { return i64{low24(a)} * low24(b) + c; })),
      vop3(0x152, "v_min3_i32", lanes([](i32 a, i32 b, i32 c) { return std::min(std::min(a, b), c); })),
      vop3(0x153, "v_min3_u32", lanes([](u32 a, u32 b, u32 c) { return std::min(std::min(a, b), c); })),
      vop3(0x155, "v_max3_i32", lanes([](i32 a, i32 b, i32 c) { return std::max(std::max(a, b), c); })),
      vop3(0x156, "v_max3_u32", lanes([](u32 a, u32 b, u32 c) { return std::max(std::max(a, b), c); })),
      vop3(0x158, "v_med3_i32", lanes([](i32 a, i32 b, i32 c) { return median(a, b, c); })),
      vop3(0x159, "v_med3_u32", lanes([](u32 a, u32 b, u32 c) { return median(a, b, c); })),
      vop3(0x169, "v_mul_lo_u32", lanes([](u32 a, u32 b) { return a * b; })),
      vop3(0x16a, "v_mul_hi_u32", lanes([](u32 a, u32 b) { return u32(u64{a} * b >> 32); })),
      vop3(0x16b, "v_mul_lo_i32", lanes([](u32 a, u32 b) { return a * b; }), kGfx101x),
      vop3(0x16c, "v_mul_hi_i32", lanes([](i32 a, i32 b) { return i32(i64{a} * b >> 32); })),
      vop3(0x176, "v_mad_u64_u32", lanes([](u32 a, u32 b, u64 c) { return productAndSum(a, b, c); })),
      vop3(0x177, "v_mad_i64_i32", lanes([](i32 a, i32 b, i64 c) { return productAndSum(a, b, c); })),
      vop3(0x2ff, "v_lshlrev_b64", lanes([](u32 n, u64 a) { return a << (n & 63); })),
      vop3(0x300, "v_lshrrev_b64", lanes([](u32 n, u64 a) { return a >> (n & 63); })),
      vop3(0x301, "v_ashrrev_i64", lanes([](u32 n, i64 a) { return a >> (n & 63); })),
      vop3(0x30f, "v_add_co_u32", integerLanes<Carry<u32>>([](u32 a, u32 b) { return exactSum(a, b); })),
      vop3(0x310, "v_sub_co_u32", integerLanes<Carry<u32>>([](u32 a, u32 b) { return exactDifference(a, b); })),
      vop3(0x319, "v_subrev_co_u32", integerLanes<Carry<u32>>([](u32 a, u32 b) { return exactDifference(b, a); })),
      vop3(0x345, "v_xad_u32", lanes([](u32 a, u32 b, u32 c) { return (a ^ b) + c; })),
      vop3(0x346, "v_lshl_add_u32", lanes([](u32 a, u32 n, u32 c) { return (a << (n & 31)) + c; })),
      vop3(0x347, "v_add_lshl_u32", lanes([](u32 a, u32 b, u32 n) { return (a + b) << (n & 31); })),
      vop3(0x36d, "v_add3_u32", lanes([](u32 a, u32 b, u32 c) { return a + b + c; })),
      vop3(0x373, "v_mad_u32_u16", integerLanes<u32>([](u16 a, u16 b, u32 c) { return i64{a} * b + c; })),
      vop3(0x375, "v_mad_i32_i16", integerLanes<i32>([](i16 a, i16 b, i32 c) { return i64{a} * b + c; })),
      vop3(0x376, "v_sub_nc_i32", integerLanes<i32>([](i32 a, i32 b) { return i64{a} - b; })),
      vop3(0x37f, "v_add_nc_i32", integerLanes<i32>([](i32 a, i32 b) { return i64{a} + b; })),
  };
  return kTable;
}

} // namespace rdna1::sim
