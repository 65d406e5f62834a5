// SOP1: one scalar source, one scalar destination [RDNA1 ISA §12.3].
#include "execute.hpp"
#include "scalar.hpp"

#include <bit>

namespace rdna1::sim {
namespace {

constexpr Operation sop1(u16 opcode, std::string_view name, ScalarCode code) {
  return scalarOperation(Format::sop1, opcode, name, code);
}

/// Every group of four bits: all set where one was.
template <typename T> T wholeQuads(T a) {
  constexpr T kFirst = static_cast<T>(0x1111111111111111);
  const T any = (a | a >> 1 | a >> 2 | a >> 3) & kFirst;
  return static_cast<T>(any * 15);
}

/// One bit for each group of four.
template <typename T> T quadMask(T a) {
  T mask = 0;
  for (unsigned quad = 0; quad < sizeof(T) * 2; ++quad) mask |= static_cast<T>((a >> quad * 4 & 15) != 0) << quad;
  return mask;
}

template <typename T> T reversed(T a) {
  T out = 0;
  for (unsigned bit = 0; bit < sizeof(T) * 8; ++bit) out |= (a >> bit & 1) << (sizeof(T) * 8 - 1 - bit);
  return out;
}

template <typename T> u32 count(T a) { return static_cast<u32>(std::popcount(a)); }

/// -1 when there is no such bit.
template <typename T> i32 firstOne(T a) { return a == 0 ? -1 : std::countr_zero(a); }

/// From the top; -1 when there is no such bit.
template <typename T> i32 leadingZeros(T a) { return a == 0 ? -1 : std::countl_zero(a); }

/// Bits from the top that equal the sign; -1 when all do.
template <typename T> i32 leadingSigns(T a) {
  return leadingZeros(static_cast<std::make_unsigned_t<T>>(a < 0 ? ~a : a));
}

template <typename T> T bitAt(u32 index) { return T{1} << (index & (sizeof(T) * 8 - 1)); }

u64 replicated(u32 a) {
  u64 out = 0;
  for (unsigned bit = 0; bit < 32; ++bit) out |= u64{a >> bit & 1} * 3 << bit * 2;
  return out;
}

template <typename T> T executing(const Wave& wave) { return scalar_detail::load<T>(&wave.scalar[kExec]); }

template <typename T> T source(const Wave& wave, const Step& step) {
  return scalar_detail::load<T>(step.src[0].constant != nullptr ? step.src[0].constant
                                                                : &wave.scalar[step.scalarSrc[0]]);
}

template <typename T, auto F, bool Save> void changeExec(Wave& wave, const Step& step) {
  const T old = executing<T>(wave);
  const T mask = F(source<T>(wave, step), old);
  scalar_detail::store(&wave.scalar[step.dst], Save ? old : mask);
  scalar_detail::store(&wave.scalar[kExec], mask);
  wave.scc = mask != 0;
}

/// EXEC = F(source, EXEC), SCC = EXEC != 0; the destination takes the old EXEC.
template <typename T, auto F> constexpr ScalarCode saveExec() {
  constexpr Type kType = scalar_detail::typeOf<T>();
  return {{.dst = kType, .src = {kType}, .writesScc = true, .writesExec = true}, changeExec<T, F, true>};
}

/// The same, but the destination takes the new EXEC.
template <typename T, auto F> constexpr ScalarCode writeExec() {
  constexpr Type kType = scalar_detail::typeOf<T>();
  return {{.dst = kType, .src = {kType}, .writesScc = true, .writesExec = true}, changeExec<T, F, false>};
}

/// The register `by` behind `index`, which must be an SGPR.
u32 relative(const Wave& wave, const Step& step, u32 index, u32 by, u32 registers) {
  const u64 moved = u64{index} + by;
  if (moved + registers > kVcc) fault(wave, step, "M0 moves the operand to s" + std::to_string(moved));
  if (registers == 2 && moved % 2 != 0) fault(wave, step, "M0 moves the operand to a pair that is not aligned");
  return static_cast<u32>(moved);
}

template <typename T> void moveFromRelative(Wave& wave, const Step& step) {
  const u32 from = relative(wave, step, step.scalarSrc[0], wave.scalar[kM0], sizeof(T) / 4);
  scalar_detail::store(&wave.scalar[step.dst], scalar_detail::load<T>(&wave.scalar[from]));
}

template <typename T> void moveToRelative(Wave& wave, const Step& step) {
  const u32 to = relative(wave, step, step.dst, wave.scalar[kM0], sizeof(T) / 4);
  scalar_detail::store(&wave.scalar[to], source<T>(wave, step));
}

/// M0[9:0] moves the source, M0[25:16] the destination.
void moveBothRelative(Wave& wave, const Step& step) {
  const u32 m0 = wave.scalar[kM0];
  const u32 from = relative(wave, step, step.scalarSrc[0], m0 & 0x3ff, 1);
  wave.scalar[relative(wave, step, step.dst, m0 >> 16 & 0x3ff, 1)] = wave.scalar[from];
}

constexpr Shape kMove32{.dst = Type::u32, .src = {Type::u32}, .usesM0 = true};
constexpr Shape kMove64{.dst = Type::u64, .src = {Type::u64}, .usesM0 = true};

constexpr Operation kTable[] = {
    sop1(0x03, "s_mov_b32", scalar<[](u32 a) { return a; }>()),
    sop1(0x04, "s_mov_b64", scalar<[](u64 a) { return a; }>()),
    sop1(0x05, "s_cmov_b32", scalar<[](Before<u32> d, u32 a, const Scc& scc) { return scc ? a : d.value; }>()),
    sop1(0x06, "s_cmov_b64", scalar<[](Before<u64> d, u64 a, const Scc& scc) { return scc ? a : d.value; }>()),
    sop1(0x07, "s_not_b32", scalar<[](u32 a, Scc& scc) { return nonzero(~a, scc); }>()),
    sop1(0x08, "s_not_b64", scalar<[](u64 a, Scc& scc) { return nonzero(~a, scc); }>()),
    sop1(0x09, "s_wqm_b32", scalar<[](u32 a, Scc& scc) { return nonzero(wholeQuads(a), scc); }>()),
    sop1(0x0a, "s_wqm_b64", scalar<[](u64 a, Scc& scc) { return nonzero(wholeQuads(a), scc); }>()),
    sop1(0x0b, "s_brev_b32", scalar<[](u32 a) { return reversed(a); }>()),
    sop1(0x0c, "s_brev_b64", scalar<[](u64 a) { return reversed(a); }>()),
    sop1(0x0d, "s_bcnt0_i32_b32", scalar<[](u32 a, Scc& scc) { return nonzero(count(~a), scc); }>()),
    sop1(0x0e, "s_bcnt0_i32_b64", scalar<[](u64 a, Scc& scc) { return nonzero(count(~a), scc); }>()),
    sop1(0x0f, "s_bcnt1_i32_b32", scalar<[](u32 a, Scc& scc) { return nonzero(count(a), scc); }>()),
    sop1(0x10, "s_bcnt1_i32_b64", scalar<[](u64 a, Scc& scc) { return nonzero(count(a), scc); }>()),
    sop1(0x11, "s_ff0_i32_b32", scalar<[](u32 a) { return firstOne(~a); }>()),
    sop1(0x12, "s_ff0_i32_b64", scalar<[](u64 a) { return firstOne(~a); }>()),
    sop1(0x13, "s_ff1_i32_b32", scalar<[](u32 a) { return firstOne(a); }>()),
    sop1(0x14, "s_ff1_i32_b64", scalar<[](u64 a) { return firstOne(a); }>()),
    sop1(0x15, "s_flbit_i32_b32", scalar<[](u32 a) { return leadingZeros(a); }>()),
    sop1(0x16, "s_flbit_i32_b64", scalar<[](u64 a) { return leadingZeros(a); }>()),
    sop1(0x17, "s_flbit_i32", scalar<[](i32 a) { return leadingSigns(a); }>()),
    sop1(0x18, "s_flbit_i32_i64", scalar<[](i64 a) { return leadingSigns(a); }>()),
    sop1(0x19, "s_sext_i32_i8", scalar<[](u32 a) { return i32{static_cast<std::int8_t>(a)}; }>()),
    sop1(0x1a, "s_sext_i32_i16", scalar<[](u32 a) { return i32{static_cast<i16>(a)}; }>()),
    sop1(0x1b, "s_bitset0_b32", scalar<[](Before<u32> d, u32 bit) { return d.value & ~bitAt<u32>(bit); }>()),
    sop1(0x1c, "s_bitset0_b64", scalar<[](Before<u64> d, u32 bit) { return d.value & ~bitAt<u64>(bit); }>()),
    sop1(0x1d, "s_bitset1_b32", scalar<[](Before<u32> d, u32 bit) { return d.value | bitAt<u32>(bit); }>()),
    sop1(0x1e, "s_bitset1_b64", scalar<[](Before<u64> d, u32 bit) { return d.value | bitAt<u64>(bit); }>()),
    sop1(0x1f, "s_getpc_b64", {{.dst = Type::b64}, getPc}),
    sop1(0x20, "s_setpc_b64", {{.src = {Type::b64}}, setPc}),
    sop1(0x21, "s_swappc_b64", {{.dst = Type::b64, .src = {Type::b64}}, swapPc}),
    sop1(0x22, "s_rfe_b64", {{.src = {Type::b64}}, nullptr}), // leaves a trap handler, and there is none
    sop1(0x24, "s_and_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return s & exec; }>()),
    sop1(0x25, "s_or_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return s | exec; }>()),
    sop1(0x26, "s_xor_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return s ^ exec; }>()),
    sop1(0x27, "s_andn2_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return s & ~exec; }>()),
    sop1(0x28, "s_orn2_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return s | ~exec; }>()),
    sop1(0x29, "s_nand_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return ~(s & exec); }>()),
    sop1(0x2a, "s_nor_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return ~(s | exec); }>()),
    sop1(0x2b, "s_xnor_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return ~(s ^ exec); }>()),
    sop1(0x2c, "s_quadmask_b32", scalar<[](u32 a, Scc& scc) { return nonzero(quadMask(a), scc); }>()),
    sop1(0x2d, "s_quadmask_b64", scalar<[](u64 a, Scc& scc) { return nonzero(quadMask(a), scc); }>()),
    sop1(0x2e, "s_movrels_b32", {kMove32, moveFromRelative<u32>}),
    sop1(0x2f, "s_movrels_b64", {kMove64, moveFromRelative<u64>}),
    sop1(0x30, "s_movreld_b32", {kMove32, moveToRelative<u32>}),
    sop1(0x31, "s_movreld_b64", {kMove64, moveToRelative<u64>}),
    sop1(0x34, "s_abs_i32", scalar<[](u32 a, Scc& scc) { return nonzero(a >> 31 != 0 ? 0 - a : a, scc); }>()),
    sop1(0x37, "s_andn1_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return ~s & exec; }>()),
    sop1(0x38, "s_orn1_saveexec_b64", saveExec<u64, [](u64 s, u64 exec) { return ~s | exec; }>()),
    sop1(0x39, "s_andn1_wrexec_b64", writeExec<u64, [](u64 s, u64 exec) { return ~s & exec; }>()),
    sop1(0x3a, "s_andn2_wrexec_b64", writeExec<u64, [](u64 s, u64 exec) { return s & ~exec; }>()),
    sop1(0x3b, "s_bitreplicate_b64_b32", scalar<[](u32 a) { return replicated(a); }>()),
    sop1(0x3c, "s_and_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return s & exec; }>()),
    sop1(0x3d, "s_or_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return s | exec; }>()),
    sop1(0x3e, "s_xor_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return s ^ exec; }>()),
    sop1(0x3f, "s_andn2_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return s & ~exec; }>()),
    sop1(0x40, "s_orn2_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return s | ~exec; }>()),
    sop1(0x41, "s_nand_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return ~(s & exec); }>()),
    sop1(0x42, "s_nor_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return ~(s | exec); }>()),
    sop1(0x43, "s_xnor_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return ~(s ^ exec); }>()),
    sop1(0x44, "s_andn1_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return ~s & exec; }>()),
    sop1(0x45, "s_orn1_saveexec_b32", saveExec<u32, [](u32 s, u32 exec) { return ~s | exec; }>()),
    sop1(0x46, "s_andn1_wrexec_b32", writeExec<u32, [](u32 s, u32 exec) { return ~s & exec; }>()),
    sop1(0x47, "s_andn2_wrexec_b32", writeExec<u32, [](u32 s, u32 exec) { return s & ~exec; }>()),
    sop1(0x49, "s_movrelsd_2_b32", {kMove32, moveBothRelative}),
};

} // namespace

std::span<const Operation> sop1Operations() { return kTable; }

} // namespace rdna1::sim
