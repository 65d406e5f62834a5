// SMEM [RDNA1 ISA §12.6, §13.2; stores, atomics and s_get_waveid_in_workgroup: LLVM]. A row without code is an
// operation that prepareMemory refuses.
#include "atomics.hpp"
#include "smem.hpp"

namespace rdna1::sim {
namespace {

using Kind = Access::Kind;

constexpr Type typeOf(u32 words) {
  switch (words) {
  case 1: return Type::b32;
  case 2: return Type::b64;
  case 4: return Type::b128;
  case 8: return Type::b256;
  case 16: return Type::b512;
  default: return Type::none;
  }
}

constexpr Operation smem(u16 opcode, std::string_view name, Type dst, Type data, Access access, Handler run,
                         Targets targets = kAllTargets) {
  return {.format = Format::smem,
          .opcode = opcode,
          .name = name,
          .shape = {.dst = dst, .src = {data, Type::none, Type::none}},
          .run = run,
          .access = access,
          .targets = targets};
}

template <bool buffer, u32 words> constexpr Operation loads(u16 opcode, std::string_view name) {
  return smem(opcode, name, typeOf(words), Type::none, {Kind::load, 4 * words, false, false},
              smem::loads<buffer, words>);
}
template <bool buffer, u32 words> constexpr Operation stores(u16 opcode, std::string_view name) {
  return smem(opcode, name, Type::none, typeOf(words), {Kind::store, 4 * words, false, false},
              smem::stores<buffer, words>, kGfx101x);
}
constexpr Operation refusedLoad(u16 opcode, std::string_view name, u8 words) {
  return smem(opcode, name, typeOf(words), Type::none, {Kind::load, static_cast<u8>(4 * words), false, false}, nullptr,
              kGfx101x);
}
constexpr Operation refusedStore(u16 opcode, std::string_view name, u8 words) {
  return smem(opcode, name, Type::none, typeOf(words), {Kind::store, static_cast<u8>(4 * words), false, false}, nullptr,
              kGfx101x);
}
constexpr Operation control(u16 opcode, std::string_view name, Targets targets = kAllTargets) {
  return smem(opcode, name, Type::none, Type::none, {}, nothing, targets);
}
constexpr Operation probe(u16 opcode, std::string_view name, Targets targets, u8 bytes) {
  return smem(opcode, name, Type::none, Type::none, {Kind::other, bytes, false, false}, nothing, targets);
}
constexpr Operation gives(u16 opcode, std::string_view name, Type dst, Handler run, Targets targets = kAllTargets) {
  return smem(opcode, name, dst, Type::none, {}, run, targets);
}

template <bool buffer, typename T, auto combine> constexpr Operation changes(u16 opcode, std::string_view name) {
  constexpr Type type = typeOf(sizeof(T) / 4);
  return smem(opcode, name, type, type, {Kind::atomic, sizeof(T), false, true}, smem::atomic<buffer, T, combine, false>,
              kGfx101x);
}
template <bool buffer, typename T> constexpr Operation compares(u16 opcode, std::string_view name) {
  constexpr u32 words = sizeof(T) / 4;
  return smem(opcode, name, typeOf(words), typeOf(2 * words), {Kind::atomic, sizeof(T), false, true},
              smem::atomic<buffer, T, atomics::compareSwap, true>, kGfx101x);
}

constexpr Operation kTable[] = {
    loads<false, 1>(0x00, "s_load_dword"),
    loads<false, 2>(0x01, "s_load_dwordx2"),
    loads<false, 4>(0x02, "s_load_dwordx4"),
    loads<false, 8>(0x03, "s_load_dwordx8"),
    loads<false, 16>(0x04, "s_load_dwordx16"),
    refusedLoad(0x05, "s_scratch_load_dword", 1),
    refusedLoad(0x06, "s_scratch_load_dwordx2", 2),
    refusedLoad(0x07, "s_scratch_load_dwordx4", 4),
    loads<true, 1>(0x08, "s_buffer_load_dword"),
    loads<true, 2>(0x09, "s_buffer_load_dwordx2"),
    loads<true, 4>(0x0a, "s_buffer_load_dwordx4"),
    loads<true, 8>(0x0b, "s_buffer_load_dwordx8"),
    loads<true, 16>(0x0c, "s_buffer_load_dwordx16"),
    stores<false, 1>(0x10, "s_store_dword"),
    stores<false, 2>(0x11, "s_store_dwordx2"),
    stores<false, 4>(0x12, "s_store_dwordx4"),
    refusedStore(0x15, "s_scratch_store_dword", 1),
    refusedStore(0x16, "s_scratch_store_dwordx2", 2),
    refusedStore(0x17, "s_scratch_store_dwordx4", 4),
    stores<true, 1>(0x18, "s_buffer_store_dword"),
    stores<true, 2>(0x19, "s_buffer_store_dwordx2"),
    stores<true, 4>(0x1a, "s_buffer_store_dwordx4"),
    control(0x1f, "s_gl1_inv"),
    control(0x20, "s_dcache_inv"),
    control(0x21, "s_dcache_wb", kGfx101x),
    gives(0x24, "s_memtime", Type::b64, smem::time),
    gives(0x25, "s_memrealtime", Type::b64, smem::realTime),
    probe(0x26, "s_atc_probe", kAllTargets, 4),
    probe(0x27, "s_atc_probe_buffer", kAllTargets, 4),
    probe(0x28, "s_dcache_discard", kGfx101x, 4),
    probe(0x29, "s_dcache_discard_x2", kGfx101x, 4),
    gives(0x2a, "s_get_waveid_in_workgroup", Type::b32, smem::waveNumber, kGfx101x),
    changes<true, u32, atomics::swap>(0x40, "s_buffer_atomic_swap"),
    compares<true, u32>(0x41, "s_buffer_atomic_cmpswap"),
    changes<true, u32, atomics::add>(0x42, "s_buffer_atomic_add"),
    changes<true, u32, atomics::sub>(0x43, "s_buffer_atomic_sub"),
    changes<true, i32, atomics::min>(0x44, "s_buffer_atomic_smin"),
    changes<true, u32, atomics::min>(0x45, "s_buffer_atomic_umin"),
    changes<true, i32, atomics::max>(0x46, "s_buffer_atomic_smax"),
    changes<true, u32, atomics::max>(0x47, "s_buffer_atomic_umax"),
    changes<true, u32, atomics::bitAnd>(0x48, "s_buffer_atomic_and"),
    changes<true, u32, atomics::bitOr>(0x49, "s_buffer_atomic_or"),
    changes<true, u32, atomics::bitXor>(0x4a, "s_buffer_atomic_xor"),
    changes<true, u32, atomics::inc>(0x4b, "s_buffer_atomic_inc"),
    changes<true, u32, atomics::dec>(0x4c, "s_buffer_atomic_dec"),
    changes<true, u64, atomics::swap>(0x60, "s_buffer_atomic_swap_x2"),
    compares<true, u64>(0x61, "s_buffer_atomic_cmpswap_x2"),
    changes<true, u64, atomics::add>(0x62, "s_buffer_atomic_add_x2"),
    changes<true, u64, atomics::sub>(0x63, "s_buffer_atomic_sub_x2"),
    changes<true, i64, atomics::min>(0x64, "s_buffer_atomic_smin_x2"),
    changes<true, u64, atomics::min>(0x65, "s_buffer_atomic_umin_x2"),
    changes<true, i64, atomics::max>(0x66, "s_buffer_atomic_smax_x2"),
    changes<true, u64, atomics::max>(0x67, "s_buffer_atomic_umax_x2"),
    changes<true, u64, atomics::bitAnd>(0x68, "s_buffer_atomic_and_x2"),
    changes<true, u64, atomics::bitOr>(0x69, "s_buffer_atomic_or_x2"),
    changes<true, u64, atomics::bitXor>(0x6a, "s_buffer_atomic_xor_x2"),
    changes<true, u64, atomics::inc>(0x6b, "s_buffer_atomic_inc_x2"),
    changes<true, u64, atomics::dec>(0x6c, "s_buffer_atomic_dec_x2"),
    changes<false, u32, atomics::swap>(0x80, "s_atomic_swap"),
    compares<false, u32>(0x81, "s_atomic_cmpswap"),
    changes<false, u32, atomics::add>(0x82, "s_atomic_add"),
    changes<false, u32, atomics::sub>(0x83, "s_atomic_sub"),
    changes<false, i32, atomics::min>(0x84, "s_atomic_smin"),
    changes<false, u32, atomics::min>(0x85, "s_atomic_umin"),
    changes<false, i32, atomics::max>(0x86, "s_atomic_smax"),
    changes<false, u32, atomics::max>(0x87, "s_atomic_umax"),
    changes<false, u32, atomics::bitAnd>(0x88, "s_atomic_and"),
    changes<false, u32, atomics::bitOr>(0x89, "s_atomic_or"),
    changes<false, u32, atomics::bitXor>(0x8a, "s_atomic_xor"),
    changes<false, u32, atomics::inc>(0x8b, "s_atomic_inc"),
    changes<false, u32, atomics::dec>(0x8c, "s_atomic_dec"),
    changes<false, u64, atomics::swap>(0xa0, "s_atomic_swap_x2"),
    compares<false, u64>(0xa1, "s_atomic_cmpswap_x2"),
    changes<false, u64, atomics::add>(0xa2, "s_atomic_add_x2"),
    changes<false, u64, atomics::sub>(0xa3, "s_atomic_sub_x2"),
    changes<false, i64, atomics::min>(0xa4, "s_atomic_smin_x2"),
    changes<false, u64, atomics::min>(0xa5, "s_atomic_umin_x2"),
    changes<false, i64, atomics::max>(0xa6, "s_atomic_smax_x2"),
    changes<false, u64, atomics::max>(0xa7, "s_atomic_umax_x2"),
    changes<false, u64, atomics::bitAnd>(0xa8, "s_atomic_and_x2"),
    changes<false, u64, atomics::bitOr>(0xa9, "s_atomic_or_x2"),
    changes<false, u64, atomics::bitXor>(0xaa, "s_atomic_xor_x2"),
    changes<false, u64, atomics::inc>(0xab, "s_atomic_inc_x2"),
    changes<false, u64, atomics::dec>(0xac, "s_atomic_dec_x2"),
};

} // namespace

std::span<const Operation> smemOperations() { return kTable; }

} // namespace rdna1::sim
