// SOPK: one scalar register and 16 bits of the instruction [RDNA1 ISA §12.2].
#include "execute.hpp"
#include "hardware_registers.hpp"
#include "scalar.hpp"

namespace rdna1::sim {
namespace {

constexpr Operation sopk(u16 opcode, std::string_view name, ScalarCode code) {
  return scalarOperation(Format::sopk, opcode, name, code);
}

/// The immediate of the unsigned comparisons is zero-extended.
u32 zeroExtended(Immediate immediate) { return static_cast<u16>(immediate.value); }

i32 add(i32 a, i32 b, Scc& scc) {
  i32 sum;
  scc = __builtin_add_overflow(a, b, &sum);
  return sum;
}

constexpr Shape kCounter{.src = {Type::u32}}; // what to wait for: the immediate plus the register, mostly NULL
constexpr Shape kToRegister{.dst = Type::u32}, kFromRegister{.src = {Type::u32}};

constexpr Operation kTable[] = {
    sopk(0x00, "s_movk_i32", scalar<[](Immediate k) { return k.value; }>()),
    sopk(0x01, "s_version", {{}, nothing}),
    sopk(0x02, "s_cmovk_i32", scalar<[](Before<i32> d, Immediate k, const Scc& c) { return c ? k.value : d.value; }>()),
    sopk(0x03, "s_cmpk_eq_i32", scalar<[](i32 a, Immediate k) { return a == k.value; }>()),
    sopk(0x04, "s_cmpk_lg_i32", scalar<[](i32 a, Immediate k) { return a != k.value; }>()),
    sopk(0x05, "s_cmpk_gt_i32", scalar<[](i32 a, Immediate k) { return k.value < a; }>()),
    sopk(0x06, "s_cmpk_ge_i32", scalar<[](i32 a, Immediate k) { return k.value <= a; }>()),
    sopk(0x07, "s_cmpk_lt_i32", scalar<[](i32 a, Immediate k) { return a < k.value; }>()),
    sopk(0x08, "s_cmpk_le_i32", scalar<[](i32 a, Immediate k) { return a <= k.value; }>()),
    sopk(0x09, "s_cmpk_eq_u32", scalar<[](u32 a, Immediate k) { return a == zeroExtended(k); }>()),
    sopk(0x0a, "s_cmpk_lg_u32", scalar<[](u32 a, Immediate k) { return a != zeroExtended(k); }>()),
    sopk(0x0b, "s_cmpk_gt_u32", scalar<[](u32 a, Immediate k) { return zeroExtended(k) < a; }>()),
    sopk(0x0c, "s_cmpk_ge_u32", scalar<[](u32 a, Immediate k) { return zeroExtended(k) <= a; }>()),
    sopk(0x0d, "s_cmpk_lt_u32", scalar<[](u32 a, Immediate k) { return a < zeroExtended(k); }>()),
    sopk(0x0e, "s_cmpk_le_u32", scalar<[](u32 a, Immediate k) { return a <= zeroExtended(k); }>()),
    sopk(0x0f, "s_addk_i32", scalar<[](Before<i32> d, Immediate k, Scc& scc) { return add(d.value, k.value, scc); }>()),
    sopk(0x10, "s_mulk_i32", scalar<[](Before<u32> d, Immediate k) { return d.value * static_cast<u32>(k.value); }>()),
    sopk(0x12, "s_getreg_b32", {kToRegister, getHardwareRegister}),
    sopk(0x13, "s_setreg_b32", {kFromRegister, setHardwareRegister}),
    sopk(0x15, "s_setreg_imm32_b32", {kFromRegister, setHardwareRegister}),
    sopk(0x16, "s_call_b64", {{.dst = Type::b64}, callRelative}),
    sopk(0x17, "s_waitcnt_vscnt", {kCounter, nothing}),
    sopk(0x18, "s_waitcnt_vmcnt", {kCounter, nothing}),
    sopk(0x19, "s_waitcnt_expcnt", {kCounter, nothing}),
    sopk(0x1a, "s_waitcnt_lgkmcnt", {kCounter, nothing}),
    // Two passes over half a wave each, with EXEC split in memory: no compiler emits them; refused when they are met.
    sopk(0x1b, "s_subvector_loop_begin", {{.dst = Type::b32}, nullptr}),
    sopk(0x1c, "s_subvector_loop_end", {{.dst = Type::b32}, nullptr}),
};

} // namespace

std::span<const Operation> sopkOperations() { return kTable; }

} // namespace rdna1::sim
