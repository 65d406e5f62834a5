// VOP3 on bits, bytes and lanes [RDNA1 ISA §12.11].
#include "bits.hpp"
#include "convert.hpp"
#include "cross_lane.hpp"
#include "integer_lanes.hpp"
#include "ops_vop3.hpp"

namespace rdna1::sim {

namespace {

/// Lanes below this one, of 32 x half and up.
u32 lanesBelow(Lane lane, u32 half) {
  const u32 first = 32 * half;
  return lane >= first + 32 ? ~0u : lane <= first ? 0 : (1u << (lane - first)) - 1;
}

u32 ones(u32 bits) { return u32(std::popcount(bits)); }

u32 funnel(u32 high, u32 low, u32 shift) { return u32((u64{high} << 32 | low) >> shift); }

/// The sum of differences at each of four byte offsets in `a`, added to the four halves of `c`, each by itself.
template <u32 (*kSum)(u32, u32)> u64 slidingSums(u64 a, u32 reference, u64 c) {
  u64 result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const u32 sum = kSum(u32(a >> 8 * i), reference) + u32(c >> 16 * i);
    result |= u64{sum & 0xffff} << 16 * i;
  }
  return result;
}
u64 slidingMaskedSums(u64 a, u32 reference, u64 c) { return slidingSums<maskedDifferences>(a, reference, c); }
std::array<u32, 4> slidingWideSums(u64 a, u32 reference, std::array<u32, 4> c) {
  for (unsigned i = 0; i < 4; ++i) c[i] += maskedDifferences(u32(a >> 8 * i), reference);
  return c;
}

u32 insertedByte(float value, u32 index, u32 into) {
  const u32 shift = index % 4 * 8;
  return (into & ~(0xffu << shift)) | toByte(value) << shift;
}

} // namespace

std::span<const Operation> vop3BitOperations() {
  static const Operation kTable[] = {
      vop3(0x148, "v_bfe_u32", lanes([](u32 a, u32 offset, u32 width) { return field(a, offset, width); })),
      vop3(0x149, "v_bfe_i32", lanes([](i32 a, u32 offset, u32 width) { return signedField(a, offset, width); })),
      vop3(0x14a, "v_bfi_b32", lanes([](u32 mask, u32 a, u32 b) { return (mask & a) | (~mask & b); })),
      vop3(0x14d, "v_lerp_u8", lanes([](u32 a, u32 b, u32 round) { return averages(a, b, round); })),
      vop3(0x14e, "v_alignbit_b32", lanes([](u32 a, u32 b, u32 n) { return funnel(a, b, n & 31); })),
      vop3(0x14f, "v_alignbyte_b32", lanes([](u32 a, u32 b, u32 n) { return funnel(a, b, 8 * (n & 3)); })),
      vop3(0x15a, "v_sad_u8", integerLanes<u32>([](u32 a, u32 b, u32 c) { return i64{differences(a, b)} + c; })),
      vop3(0x15b, "v_sad_hi_u8",
           integerLanes<u32>([](u32 a, u32 b, u32 c) { return i64{differences(a, b) << 16} + c; })),
      vop3(0x15c, "v_sad_u16", integerLanes<u32>([](u32 a, u32 b, u32 c) {
             return i64{difference(halfOf(a, 0), halfOf(b, 0))} + difference(halfOf(a, 1), halfOf(b, 1)) + c;
           })),
      vop3(0x15d, "v_sad_u32", integerLanes<u32>([](u32 a, u32 b, u32 c) { return i64{difference(a, b)} + c; })),
      vop3(0x15e, "v_cvt_pk_u8_f32", lanes([](float a, u32 index, u32 into) { return insertedByte(a, index, into); })),
      vop3(0x171, "v_msad_u8", integerLanes<u32>([](u32 a, u32 b, u32 c) { return i64{maskedDifferences(a, b)} + c; })),
      vop3(0x172, "v_qsad_pk_u16_u8", lanes([](u64 a, u32 b, u64 c) { return slidingSums<differences>(a, b, c); })),
      vop3(0x173, "v_mqsad_pk_u16_u8", lanes([](u64 a, u32 b, u64 c) { return slidingMaskedSums(a, b, c); })),
      vop3(0x175, "v_mqsad_u32_u8", lanes([](u64 a, u32 b, std::array<u32, 4> c) { return slidingWideSums(a, b, c); })),
      vop3(0x178, "v_xor3_b32", lanes([](u32 a, u32 b, u32 c) { return a ^ b ^ c; })),
      vop3(0x344, "v_perm_b32", lanes([](u32 a, u32 b, u32 selectors) { return permuted(a, b, selectors); })),
      vop3(0x360, "v_readlane_b32", readLane()),
      vop3(0x361, "v_writelane_b32", writeLane()),
      vop3(0x363, "v_bfm_b32", lanes([](u32 width, u32 offset) { return field(~0u, 0, width) << (offset & 31); })),
      vop3(0x364, "v_bcnt_u32_b32", lanes([](u32 a, u32 b) { return ones(a) + b; })),
      vop3(0x365, "v_mbcnt_lo_u32_b32", lanes([](u32 a, u32 b, Lane l) { return ones(a & lanesBelow(l, 0)) + b; })),
      vop3(0x366, "v_mbcnt_hi_u32_b32", lanes([](u32 a, u32 b, Lane l) { return ones(a & lanesBelow(l, 1)) + b; })),
      vop3(0x36f, "v_lshl_or_b32", lanes([](u32 a, u32 n, u32 c) { return a << (n & 31) | c; })),
      vop3(0x371, "v_and_or_b32", lanes([](u32 a, u32 b, u32 c) { return (a & b) | c; })),
      vop3(0x372, "v_or3_b32", lanes([](u32 a, u32 b, u32 c) { return a | b | c; })),
      vop3(0x377, "v_permlane16_b32", permuteRow(false)),
      vop3(0x378, "v_permlanex16_b32", permuteRow(true)),
  };
  return kTable;
}

} // namespace rdna1::sim
