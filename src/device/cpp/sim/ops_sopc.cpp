// SOPC: two scalar sources compared, the outcome in SCC [RDNA1 ISA §12.4].
#include "scalar.hpp"

namespace rdna1::sim {
namespace {

constexpr Operation sopc(u16 opcode, std::string_view name, ScalarCode code) {
  return scalarOperation(Format::sopc, opcode, name, code);
}

constexpr Operation kTable[] = {
    sopc(0x00, "s_cmp_eq_i32", scalar<[](i32 a, i32 b) { return a == b; }>()),
    sopc(0x01, "s_cmp_lg_i32", scalar<[](i32 a, i32 b) { return a != b; }>()),
    sopc(0x02, "s_cmp_gt_i32", scalar<[](i32 a, i32 b) { return b < a; }>()),
    sopc(0x03, "s_cmp_ge_i32", scalar<[](i32 a, i32 b) { return b <= a; }>()),
    sopc(0x04, "s_cmp_lt_i32", scalar<[](i32 a, i32 b) { return a < b; }>()),
    sopc(0x05, "s_cmp_le_i32", scalar<[](i32 a, i32 b) { return a <= b; }>()),
    sopc(0x06, "s_cmp_eq_u32", scalar<[](u32 a, u32 b) { return a == b; }>()),
    sopc(0x07, "s_cmp_lg_u32", scalar<[](u32 a, u32 b) { return a != b; }>()),
    sopc(0x08, "s_cmp_gt_u32", scalar<[](u32 a, u32 b) { return b < a; }>()),
    sopc(0x09, "s_cmp_ge_u32", scalar<[](u32 a, u32 b) { return b <= a; }>()),
    sopc(0x0a, "s_cmp_lt_u32", scalar<[](u32 a, u32 b) { return a < b; }>()),
    sopc(0x0b, "s_cmp_le_u32", scalar<[](u32 a, u32 b) { return a <= b; }>()),
    sopc(0x0c, "s_bitcmp0_b32", scalar<[](u32 a, u32 bit) { return (a >> (bit & 31) & 1) == 0; }>()),
    sopc(0x0d, "s_bitcmp1_b32", scalar<[](u32 a, u32 bit) { return (a >> (bit & 31) & 1) == 1; }>()),
    sopc(0x0e, "s_bitcmp0_b64", scalar<[](u64 a, u32 bit) { return (a >> (bit & 63) & 1) == 0; }>()),
    sopc(0x0f, "s_bitcmp1_b64", scalar<[](u64 a, u32 bit) { return (a >> (bit & 63) & 1) == 1; }>()),
    sopc(0x12, "s_cmp_eq_u64", scalar<[](u64 a, u64 b) { return a == b; }>()),
    sopc(0x13, "s_cmp_lg_u64", scalar<[](u64 a, u64 b) { return a != b; }>()),
};

} // namespace

std::span<const Operation> sopcOperations() { return kTable; }

} // namespace rdna1::sim
