// DS [RDNA1 ISA §12.15, §13.5]. GWS, ordered count, append, consume, addtid and src2 operations are left out: no
// compiler for HIP or OpenCL makes them.
#include "atomics.hpp"
#include "lds.hpp"

namespace rdna1::sim {
namespace {

using Kind = Access::Kind;

constexpr Type kTypes[] = {Type::none, Type::b32, Type::b64, Type::b96, Type::b128};

constexpr Operation ds(u16 opcode, std::string_view name, Type dst, Type data0, Type data1, Access access, Handler run,
                       bool keepsHalf = false) {
  return {.format = Format::ds,
          .opcode = opcode,
          .name = name,
          .shape = {.dst = dst, .src = {data0, data1, Type::none}, .readsDst = keepsHalf},
          .run = run,
          .access = access};
}

template <typename T, u32 words = 1> constexpr Operation reads(u16 opcode, std::string_view name) {
  return ds(opcode, name, kTypes[words], Type::none, Type::none, {Kind::load, sizeof(T) * words, false, false},
            lds::read<T, words>);
}
template <typename T, Part part> constexpr Operation readsHalf(u16 opcode, std::string_view name) {
  return ds(opcode, name, Type::b32, Type::none, Type::none, {Kind::load, sizeof(T), false, false},
            lds::read<T, 1, part>, true);
}
template <u32 words> constexpr Operation readsPair(u16 opcode, std::string_view name) {
  return ds(opcode, name, kTypes[2 * words], Type::none, Type::none, {Kind::load, 4 * words, true, false},
            lds::readPair<words>);
}
template <typename T, u32 words = 1, Part part = Part::whole>
constexpr Operation writes(u16 opcode, std::string_view name) {
  return ds(opcode, name, Type::none, kTypes[words], Type::none, {Kind::store, sizeof(T) * words, false, false},
            lds::write<T, words, part>);
}
template <u32 words> constexpr Operation writesPair(u16 opcode, std::string_view name) {
  return ds(opcode, name, Type::none, kTypes[words], kTypes[words], {Kind::store, 4 * words, true, false},
            lds::writePair<words>);
}

/// Both forms of an atomic with one data operand, or two: without a destination, and 0x20 higher with the old value.
template <typename T, auto combine, u32 operands, bool returns>
constexpr Operation combines(u16 opcode, std::string_view name) {
  constexpr Type type = kTypes[sizeof(T) / 4];
  return ds(opcode, name, returns ? type : Type::none, type, operands == 2 ? type : Type::none,
            {Kind::atomic, sizeof(T), false, returns}, lds::atomic<T, combine, operands, returns>);
}
template <typename T, auto combine> constexpr Operation changes(u16 opcode, std::string_view name) {
  return combines<T, combine, 1, false>(opcode, name);
}
template <typename T, auto combine> constexpr Operation returns(u16 opcode, std::string_view name) {
  return combines<T, combine, 1, true>(opcode, name);
}
template <typename T, auto combine> constexpr Operation changes2(u16 opcode, std::string_view name) {
  return combines<T, combine, 2, false>(opcode, name);
}
template <typename T, auto combine> constexpr Operation returns2(u16 opcode, std::string_view name) {
  return combines<T, combine, 2, true>(opcode, name);
}
template <typename T> constexpr Operation exchangesPair(u16 opcode, std::string_view name) {
  constexpr u32 words = sizeof(T) / 4;
  return ds(opcode, name, kTypes[2 * words], kTypes[words], kTypes[words], {Kind::atomic, sizeof(T), true, true},
            lds::exchangePair<T>);
}
constexpr Operation moves(u16 opcode, std::string_view name, Type data, Handler run) {
  Operation operation = ds(opcode, name, Type::b32, data, Type::none, {Kind::other, 4, false, false}, run);
  operation.shape.crossLane = true;
  return operation;
}

constexpr Operation kTable[] = {
    changes<u32, atomics::add>(0x00, "ds_add_u32"),
    changes<u32, atomics::sub>(0x01, "ds_sub_u32"),
    changes<u32, atomics::reverseSub>(0x02, "ds_rsub_u32"),
    changes<u32, atomics::inc>(0x03, "ds_inc_u32"),
    changes<u32, atomics::dec>(0x04, "ds_dec_u32"),
    changes<i32, atomics::min>(0x05, "ds_min_i32"),
    changes<i32, atomics::max>(0x06, "ds_max_i32"),
    changes<u32, atomics::min>(0x07, "ds_min_u32"),
    changes<u32, atomics::max>(0x08, "ds_max_u32"),
    changes<u32, atomics::bitAnd>(0x09, "ds_and_b32"),
    changes<u32, atomics::bitOr>(0x0a, "ds_or_b32"),
    changes<u32, atomics::bitXor>(0x0b, "ds_xor_b32"),
    changes2<u32, atomics::maskOr>(0x0c, "ds_mskor_b32"),
    writes<u32>(0x0d, "ds_write_b32"),
    writesPair<1>(0x0e, "ds_write2_b32"),
    writesPair<1>(0x0f, "ds_write2st64_b32"),
    changes2<u32, atomics::compareStore>(0x10, "ds_cmpst_b32"),
    changes2<float, atomics::compareStore>(0x11, "ds_cmpst_f32"),
    changes<float, atomics::min>(0x12, "ds_min_f32"),
    changes<float, atomics::max>(0x13, "ds_max_f32"),
    changes<float, atomics::add>(0x15, "ds_add_f32"),
    writes<u8>(0x1e, "ds_write_b8"),
    writes<u16>(0x1f, "ds_write_b16"),
    returns<u32, atomics::add>(0x20, "ds_add_rtn_u32"),
    returns<u32, atomics::sub>(0x21, "ds_sub_rtn_u32"),
    returns<u32, atomics::reverseSub>(0x22, "ds_rsub_rtn_u32"),
    returns<u32, atomics::inc>(0x23, "ds_inc_rtn_u32"),
    returns<u32, atomics::dec>(0x24, "ds_dec_rtn_u32"),
    returns<i32, atomics::min>(0x25, "ds_min_rtn_i32"),
    returns<i32, atomics::max>(0x26, "ds_max_rtn_i32"),
    returns<u32, atomics::min>(0x27, "ds_min_rtn_u32"),
    returns<u32, atomics::max>(0x28, "ds_max_rtn_u32"),
    returns<u32, atomics::bitAnd>(0x29, "ds_and_rtn_b32"),
    returns<u32, atomics::bitOr>(0x2a, "ds_or_rtn_b32"),
    returns<u32, atomics::bitXor>(0x2b, "ds_xor_rtn_b32"),
    returns2<u32, atomics::maskOr>(0x2c, "ds_mskor_rtn_b32"),
    returns<u32, atomics::swap>(0x2d, "ds_wrxchg_rtn_b32"),
    exchangesPair<u32>(0x2e, "ds_wrxchg2_rtn_b32"),
    exchangesPair<u32>(0x2f, "ds_wrxchg2st64_rtn_b32"),
    returns2<u32, atomics::compareStore>(0x30, "ds_cmpst_rtn_b32"),
    returns2<float, atomics::compareStore>(0x31, "ds_cmpst_rtn_f32"),
    returns<float, atomics::min>(0x32, "ds_min_rtn_f32"),
    returns<float, atomics::max>(0x33, "ds_max_rtn_f32"),
    returns2<u32, atomics::wrap>(0x34, "ds_wrap_rtn_b32"),
    moves(0x35, "ds_swizzle_b32", Type::none, lds::swizzle),
    reads<u32>(0x36, "ds_read_b32"),
    readsPair<1>(0x37, "ds_read2_b32"),
    readsPair<1>(0x38, "ds_read2st64_b32"),
    reads<i8>(0x39, "ds_read_i8"),
    reads<u8>(0x3a, "ds_read_u8"),
    reads<i16>(0x3b, "ds_read_i16"),
    reads<u16>(0x3c, "ds_read_u16"),
    changes<u64, atomics::add>(0x40, "ds_add_u64"),
    changes<u64, atomics::sub>(0x41, "ds_sub_u64"),
    changes<u64, atomics::reverseSub>(0x42, "ds_rsub_u64"),
    changes<u64, atomics::inc>(0x43, "ds_inc_u64"),
    changes<u64, atomics::dec>(0x44, "ds_dec_u64"),
    changes<i64, atomics::min>(0x45, "ds_min_i64"),
    changes<i64, atomics::max>(0x46, "ds_max_i64"),
    changes<u64, atomics::min>(0x47, "ds_min_u64"),
    changes<u64, atomics::max>(0x48, "ds_max_u64"),
    changes<u64, atomics::bitAnd>(0x49, "ds_and_b64"),
    changes<u64, atomics::bitOr>(0x4a, "ds_or_b64"),
    changes<u64, atomics::bitXor>(0x4b, "ds_xor_b64"),
    changes2<u64, atomics::maskOr>(0x4c, "ds_mskor_b64"),
    writes<u32, 2>(0x4d, "ds_write_b64"),
    writesPair<2>(0x4e, "ds_write2_b64"),
    writesPair<2>(0x4f, "ds_write2st64_b64"),
    changes2<u64, atomics::compareStore>(0x50, "ds_cmpst_b64"),
    changes2<double, atomics::compareStore>(0x51, "ds_cmpst_f64"),
    changes<double, atomics::min>(0x52, "ds_min_f64"),
    changes<double, atomics::max>(0x53, "ds_max_f64"),
    returns<float, atomics::add>(0x55, "ds_add_rtn_f32"),
    returns<u64, atomics::add>(0x60, "ds_add_rtn_u64"),
    returns<u64, atomics::sub>(0x61, "ds_sub_rtn_u64"),
    returns<u64, atomics::reverseSub>(0x62, "ds_rsub_rtn_u64"),
    returns<u64, atomics::inc>(0x63, "ds_inc_rtn_u64"),
    returns<u64, atomics::dec>(0x64, "ds_dec_rtn_u64"),
    returns<i64, atomics::min>(0x65, "ds_min_rtn_i64"),
    returns<i64, atomics::max>(0x66, "ds_max_rtn_i64"),
    returns<u64, atomics::min>(0x67, "ds_min_rtn_u64"),
    returns<u64, atomics::max>(0x68, "ds_max_rtn_u64"),
    returns<u64, atomics::bitAnd>(0x69, "ds_and_rtn_b64"),
    returns<u64, atomics::bitOr>(0x6a, "ds_or_rtn_b64"),
    returns<u64, atomics::bitXor>(0x6b, "ds_xor_rtn_b64"),
    returns2<u64, atomics::maskOr>(0x6c, "ds_mskor_rtn_b64"),
    returns<u64, atomics::swap>(0x6d, "ds_wrxchg_rtn_b64"),
    exchangesPair<u64>(0x6e, "ds_wrxchg2_rtn_b64"),
    exchangesPair<u64>(0x6f, "ds_wrxchg2st64_rtn_b64"),
    returns2<u64, atomics::compareStore>(0x70, "ds_cmpst_rtn_b64"),
    returns2<double, atomics::compareStore>(0x71, "ds_cmpst_rtn_f64"),
    returns<double, atomics::min>(0x72, "ds_min_rtn_f64"),
    returns<double, atomics::max>(0x73, "ds_max_rtn_f64"),
    reads<u32, 2>(0x76, "ds_read_b64"),
    readsPair<2>(0x77, "ds_read2_b64"),
    readsPair<2>(0x78, "ds_read2st64_b64"),
    returns<u64, atomics::conditionalSwap32>(0x7e, "ds_condxchg32_rtn_b64"),
    writes<u8, 1, Part::high>(0xa0, "ds_write_b8_d16_hi"),
    writes<u16, 1, Part::high>(0xa1, "ds_write_b16_d16_hi"),
    readsHalf<u8, Part::low>(0xa2, "ds_read_u8_d16"),
    readsHalf<u8, Part::high>(0xa3, "ds_read_u8_d16_hi"),
    readsHalf<i8, Part::low>(0xa4, "ds_read_i8_d16"),
    readsHalf<i8, Part::high>(0xa5, "ds_read_i8_d16_hi"),
    readsHalf<u16, Part::low>(0xa6, "ds_read_u16_d16"),
    readsHalf<u16, Part::high>(0xa7, "ds_read_u16_d16_hi"),
    moves(0xb2, "ds_permute_b32", Type::b32, lds::permute),
    moves(0xb3, "ds_bpermute_b32", Type::b32, lds::permuteBack),
    writes<u32, 3>(0xde, "ds_write_b96"),
    writes<u32, 4>(0xdf, "ds_write_b128"),
    reads<u32, 3>(0xfe, "ds_read_b96"),
    reads<u32, 4>(0xff, "ds_read_b128"),
};

} // namespace

std::span<const Operation> dsOperations() { return kTable; }

} // namespace rdna1::sim
