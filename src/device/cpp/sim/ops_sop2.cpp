// SOP2: two scalar sources, one scalar destination [RDNA1 ISA §12.1].
#include "scalar.hpp"

namespace rdna1::sim {
namespace {

constexpr Operation sop2(u16 opcode, std::string_view name, ScalarCode code) {
  return scalarOperation(Format::sop2, opcode, name, code);
}

u32 add(u32 a, u32 b, bool carry, Scc& scc) {
  const u64 sum = u64{a} + b + carry;
  scc = sum >> 32 != 0;
  return static_cast<u32>(sum);
}

u32 subtract(u32 a, u32 b, bool borrow, Scc& scc) {
  scc = a < u64{b} + borrow;
  return a - b - borrow;
}

u32 addSigned(u32 a, u32 b, Scc& scc) {
  const u32 sum = a + b;
  scc = ((a ^ sum) & (b ^ sum)) >> 31 != 0;
  return sum;
}

u32 subtractSigned(u32 a, u32 b, Scc& scc) {
  const u32 difference = a - b;
  scc = ((a ^ b) & (a ^ difference)) >> 31 != 0;
  return difference;
}

/// (a << shift) + b, and whether it needs more than 32 bits.
template <unsigned Shift> u32 shiftAdd(u32 a, u32 b, Scc& scc) {
  const u64 sum = (u64{a} << Shift) + b;
  scc = sum >> 32 != 0;
  return static_cast<u32>(sum);
}

/// `width` low bits set; all of them when there are no more.
template <typename T> T ones(u32 width) { return width >= sizeof(T) * 8 ? ~T{0} : static_cast<T>((T{1} << width) - 1); }

/// The field's first bit in the low bits of `field`, its width in bits 16-22; bits beyond the source are zeros.
template <typename T> T extractUnsigned(T value, u32 field, Scc& scc) {
  return nonzero(static_cast<T>(value >> (field & (sizeof(T) * 8 - 1)) & ones<T>(field >> 16 & 0x7f)), scc);
}

/// As extractUnsigned, but bits beyond the source repeat its sign, and the field's own sign is extended.
template <typename T> T extractSigned(T value, u32 field, Scc& scc) {
  const u32 bits = sizeof(T) * 8, width = field >> 16 & 0x7f;
  const T shifted = value >> (field & (bits - 1));
  if (width >= bits) return nonzero(shifted, scc);
  if (width == 0) return nonzero(T{0}, scc);
  using U = std::make_unsigned_t<T>;
  return nonzero(static_cast<T>(static_cast<U>(shifted) << (bits - width)) >> (bits - width), scc);
}

u32 magnitude(u32 value) { return value >> 31 != 0 ? 0 - value : value; }

u32 high(u64 value) { return static_cast<u32>(value >> 32); }

constexpr Operation kTable[] = {
    sop2(0x00, "s_add_u32", scalar<[](u32 a, u32 b, Scc& scc) { return add(a, b, false, scc); }>()),
    sop2(0x01, "s_sub_u32", scalar<[](u32 a, u32 b, Scc& scc) { return subtract(a, b, false, scc); }>()),
    sop2(0x02, "s_add_i32", scalar<[](u32 a, u32 b, Scc& scc) { return addSigned(a, b, scc); }>()),
    sop2(0x03, "s_sub_i32", scalar<[](u32 a, u32 b, Scc& scc) { return subtractSigned(a, b, scc); }>()),
    sop2(0x04, "s_addc_u32", scalar<[](u32 a, u32 b, const Scc& old, Scc& scc) { return add(a, b, old, scc); }>()),
    sop2(0x05, "s_subb_u32", scalar<[](u32 a, u32 b, const Scc& old, Scc& scc) { return subtract(a, b, old, scc); }>()),
    sop2(0x06, "s_min_i32", scalar<[](i32 a, i32 b, Scc& scc) {
           scc = a < b;
           return scc ? a : b;
         }>()),
    sop2(0x07, "s_min_u32", scalar<[](u32 a, u32 b, Scc& scc) {
           scc = a < b;
           return scc ? a : b;
         }>()),
    sop2(0x08, "s_max_i32", scalar<[](i32 a, i32 b, Scc& scc) {
           scc = b < a;
           return scc ? a : b;
         }>()),
    sop2(0x09, "s_max_u32", scalar<[](u32 a, u32 b, Scc& scc) {
           scc = b < a;
           return scc ? a : b;
         }>()),
    sop2(0x0a, "s_cselect_b32", scalar<[](u32 a, u32 b, const Scc& scc) { return scc ? a : b; }>()),
    sop2(0x0b, "s_cselect_b64", scalar<[](u64 a, u64 b, const Scc& scc) { return scc ? a : b; }>()),
    sop2(0x0e, "s_and_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(a & b, scc); }>()),
    sop2(0x0f, "s_and_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(a & b, scc); }>()),
    sop2(0x10, "s_or_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(a | b, scc); }>()),
    sop2(0x11, "s_or_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(a | b, scc); }>()),
    sop2(0x12, "s_xor_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(a ^ b, scc); }>()),
    sop2(0x13, "s_xor_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(a ^ b, scc); }>()),
    sop2(0x14, "s_andn2_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(a & ~b, scc); }>()),
    sop2(0x15, "s_andn2_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(a & ~b, scc); }>()),
    sop2(0x16, "s_orn2_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(a | ~b, scc); }>()),
    sop2(0x17, "s_orn2_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(a | ~b, scc); }>()),
    sop2(0x18, "s_nand_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(~(a & b), scc); }>()),
    sop2(0x19, "s_nand_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(~(a & b), scc); }>()),
    sop2(0x1a, "s_nor_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(~(a | b), scc); }>()),
    sop2(0x1b, "s_nor_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(~(a | b), scc); }>()),
    sop2(0x1c, "s_xnor_b32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(~(a ^ b), scc); }>()),
    sop2(0x1d, "s_xnor_b64", scalar<[](u64 a, u64 b, Scc& scc) { return nonzero(~(a ^ b), scc); }>()),
    sop2(0x1e, "s_lshl_b32", scalar<[](u32 a, u32 shift, Scc& scc) { return nonzero(a << (shift & 31), scc); }>()),
    sop2(0x1f, "s_lshl_b64", scalar<[](u64 a, u32 shift, Scc& scc) { return nonzero(a << (shift & 63), scc); }>()),
    sop2(0x20, "s_lshr_b32", scalar<[](u32 a, u32 shift, Scc& scc) { return nonzero(a >> (shift & 31), scc); }>()),
    sop2(0x21, "s_lshr_b64", scalar<[](u64 a, u32 shift, Scc& scc) { return nonzero(a >> (shift & 63), scc); }>()),
    sop2(0x22, "s_ashr_i32", scalar<[](i32 a, u32 shift, Scc& scc) { return nonzero(a >> (shift & 31), scc); }>()),
    sop2(0x23, "s_ashr_i64", scalar<[](i64 a, u32 shift, Scc& scc) { return nonzero(a >> (shift & 63), scc); }>()),
    sop2(0x24, "s_bfm_b32", scalar<[](u32 width, u32 first) { return ones<u32>(width & 31) << (first & 31); }>()),
    sop2(0x25, "s_bfm_b64", scalar<[](u32 width, u32 first) { return ones<u64>(width & 63) << (first & 63); }>()),
    sop2(0x26, "s_mul_i32", scalar<[](u32 a, u32 b) { return a * b; }>()),
    sop2(0x27, "s_bfe_u32", scalar<[](u32 a, u32 field, Scc& scc) { return extractUnsigned(a, field, scc); }>()),
    sop2(0x28, "s_bfe_i32", scalar<[](i32 a, u32 field, Scc& scc) { return extractSigned(a, field, scc); }>()),
    sop2(0x29, "s_bfe_u64", scalar<[](u64 a, u32 field, Scc& scc) { return extractUnsigned(a, field, scc); }>()),
    sop2(0x2a, "s_bfe_i64", scalar<[](i64 a, u32 field, Scc& scc) { return extractSigned(a, field, scc); }>()),
    // The difference itself is 32 bits wide: 0x80000000 and 0 are 0x80000000 apart, 0x7fffffff and -2 are 0x7fffffff.
    sop2(0x2c, "s_absdiff_i32", scalar<[](u32 a, u32 b, Scc& scc) { return nonzero(magnitude(a - b), scc); }>()),
    sop2(0x2e, "s_lshl1_add_u32", scalar<[](u32 a, u32 b, Scc& scc) { return shiftAdd<1>(a, b, scc); }>()),
    sop2(0x2f, "s_lshl2_add_u32", scalar<[](u32 a, u32 b, Scc& scc) { return shiftAdd<2>(a, b, scc); }>()),
    sop2(0x30, "s_lshl3_add_u32", scalar<[](u32 a, u32 b, Scc& scc) { return shiftAdd<3>(a, b, scc); }>()),
    sop2(0x31, "s_lshl4_add_u32", scalar<[](u32 a, u32 b, Scc& scc) { return shiftAdd<4>(a, b, scc); }>()),
    sop2(0x32, "s_pack_ll_b32_b16", scalar<[](u32 a, u32 b) { return (a & 0xffff) | b << 16; }>()),
    sop2(0x33, "s_pack_lh_b32_b16", scalar<[](u32 a, u32 b) { return (a & 0xffff) | (b & 0xffff0000); }>()),
    sop2(0x34, "s_pack_hh_b32_b16", scalar<[](u32 a, u32 b) { return (a >> 16) | (b & 0xffff0000); }>()),
    sop2(0x35, "s_mul_hi_u32", scalar<[](u32 a, u32 b) { return high(u64{a} * b); }>()),
    sop2(0x36, "s_mul_hi_i32", scalar<[](i32 a, i32 b) { return high(static_cast<u64>(i64{a} * b)); }>()),
};

} // namespace

std::span<const Operation> sop2Operations() { return kTable; }

} // namespace rdna1::sim
