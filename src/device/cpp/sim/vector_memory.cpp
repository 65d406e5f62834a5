#include "vector_memory.hpp"

#include "atomics.hpp"
#include "moves.hpp"

#include <deque>
#include <mutex>

namespace rdna1::sim {
namespace {

constexpr Type kTypes[] = {Type::none, Type::b32, Type::b64, Type::b96, Type::b128};

template <typename T, u32 words = 1> constexpr VectorMemoryRow loads(u16 opcode, std::string_view name) {
  return {opcode,        name, kTypes[words], Type::none, {Access::Kind::load, sizeof(T) * words, false, false},
          load<T, words>};
}
template <typename T, Part part> constexpr VectorMemoryRow loadsHalf(u16 opcode, std::string_view name) {
  return {opcode, name, Type::b32, Type::none, {Access::Kind::load, sizeof(T), false, false}, load<T, 1, part>, true};
}
template <typename T, u32 words = 1, Part part = Part::whole>
constexpr VectorMemoryRow stores(u16 opcode, std::string_view name) {
  return {opcode,
          name,
          Type::none,
          kTypes[words],
          {Access::Kind::store, sizeof(T) * words, false, false},
          store<T, words, part>};
}
template <typename T, auto combine> constexpr VectorMemoryRow combines(u16 opcode, std::string_view name) {
  constexpr u32 words = sizeof(T) / 4;
  return {
      opcode, name, kTypes[words], kTypes[words], {Access::Kind::atomic, sizeof(T), false, true}, atomic<T, combine>};
}
template <typename T> constexpr VectorMemoryRow compares(u16 opcode, std::string_view name) {
  constexpr u32 words = sizeof(T) / 4;
  return {opcode,
          name,
          kTypes[words],
          kTypes[2 * words],
          {Access::Kind::atomic, sizeof(T), false, true},
          atomic<T, atomics::compareSwap, true>};
}
constexpr VectorMemoryRow on(Targets targets, VectorMemoryRow row) {
  row.targets = targets;
  return row;
}

constexpr VectorMemoryRow kRows[] = {
    loads<u8>(0x08, "load_ubyte"),
    loads<i8>(0x09, "load_sbyte"),
    loads<u16>(0x0a, "load_ushort"),
    loads<i16>(0x0b, "load_sshort"),
    loads<u32>(0x0c, "load_dword"),
    loads<u32, 2>(0x0d, "load_dwordx2"),
    loads<u32, 4>(0x0e, "load_dwordx4"),
    loads<u32, 3>(0x0f, "load_dwordx3"),
    stores<u8>(0x18, "store_byte"),
    stores<u8, 1, Part::high>(0x19, "store_byte_d16_hi"),
    stores<u16>(0x1a, "store_short"),
    stores<u16, 1, Part::high>(0x1b, "store_short_d16_hi"),
    stores<u32>(0x1c, "store_dword"),
    stores<u32, 2>(0x1d, "store_dwordx2"),
    stores<u32, 4>(0x1e, "store_dwordx4"),
    stores<u32, 3>(0x1f, "store_dwordx3"),
    loadsHalf<u8, Part::low>(0x20, "load_ubyte_d16"),
    loadsHalf<u8, Part::high>(0x21, "load_ubyte_d16_hi"),
    loadsHalf<i8, Part::low>(0x22, "load_sbyte_d16"),
    loadsHalf<i8, Part::high>(0x23, "load_sbyte_d16_hi"),
    loadsHalf<u16, Part::low>(0x24, "load_short_d16"),
    loadsHalf<u16, Part::high>(0x25, "load_short_d16_hi"),
};

constexpr VectorMemoryRow kAtomics[] = {
    combines<u32, atomics::swap>(0x30, "atomic_swap"),
    compares<u32>(0x31, "atomic_cmpswap"),
    combines<u32, atomics::add>(0x32, "atomic_add"),
    combines<u32, atomics::sub>(0x33, "atomic_sub"),
    on(kGfx1030, combines<u32, atomics::clampSub>(0x34, "atomic_csub")),
    combines<i32, atomics::min>(0x35, "atomic_smin"),
    combines<u32, atomics::min>(0x36, "atomic_umin"),
    combines<i32, atomics::max>(0x37, "atomic_smax"),
    combines<u32, atomics::max>(0x38, "atomic_umax"),
    combines<u32, atomics::bitAnd>(0x39, "atomic_and"),
    combines<u32, atomics::bitOr>(0x3a, "atomic_or"),
    combines<u32, atomics::bitXor>(0x3b, "atomic_xor"),
    combines<u32, atomics::inc>(0x3c, "atomic_inc"),
    combines<u32, atomics::dec>(0x3d, "atomic_dec"),
    compares<float>(0x3e, "atomic_fcmpswap"),
    combines<float, atomics::min>(0x3f, "atomic_fmin"),
    combines<float, atomics::max>(0x40, "atomic_fmax"),
    combines<u64, atomics::swap>(0x50, "atomic_swap_x2"),
    compares<u64>(0x51, "atomic_cmpswap_x2"),
    combines<u64, atomics::add>(0x52, "atomic_add_x2"),
    combines<u64, atomics::sub>(0x53, "atomic_sub_x2"),
    combines<i64, atomics::min>(0x55, "atomic_smin_x2"),
    combines<u64, atomics::min>(0x56, "atomic_umin_x2"),
    combines<i64, atomics::max>(0x57, "atomic_smax_x2"),
    combines<u64, atomics::max>(0x58, "atomic_umax_x2"),
    combines<u64, atomics::bitAnd>(0x59, "atomic_and_x2"),
    combines<u64, atomics::bitOr>(0x5a, "atomic_or_x2"),
    combines<u64, atomics::bitXor>(0x5b, "atomic_xor_x2"),
    combines<u64, atomics::inc>(0x5c, "atomic_inc_x2"),
    combines<u64, atomics::dec>(0x5d, "atomic_dec_x2"),
    compares<double>(0x5e, "atomic_fcmpswap_x2"),
    combines<double, atomics::min>(0x5f, "atomic_fmin_x2"),
    combines<double, atomics::max>(0x60, "atomic_fmax_x2"),
};

/// Not executed: no compiler emits them.
constexpr VectorMemoryRow kByThread[] = {
    {0x16, "load_dword_addtid", Type::b32, Type::none, {Access::Kind::load, 4, false, false}, nullptr, false, kGfx1030},
    {0x17,
     "store_dword_addtid",
     Type::none,
     Type::b32,
     {Access::Kind::store, 4, false, false},
     nullptr,
     false,
     kGfx1030},
};

/// Keeps names that are put together here.
std::string_view keep(std::string name) {
  static std::deque<std::string> names;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return names.emplace_back(std::move(name));
}

void add(std::vector<Operation>& table, Format format, std::string_view prefix, const VectorMemoryRow& row) {
  Shape shape{.dst = row.loaded, .readsDst = row.keepsHalf};
  shape.src[0] = row.stored;
  table.push_back(
      {format, row.opcode, keep(std::string(prefix) + std::string(row.name)), shape, row.run, row.access, row.targets});
}

} // namespace

void addVectorMemory(std::vector<Operation>& table, Format format, std::string_view prefix, bool atomics) {
  for (const VectorMemoryRow& row : kRows) add(table, format, prefix, row);
  if (format == Format::global) {
    for (const VectorMemoryRow& row : kByThread) add(table, format, prefix, row);
  }
  if (!atomics) return;
  for (const VectorMemoryRow& row : kAtomics) {
    const bool clampSub = row.opcode == 0x34; // FLAT has none
    if (!(clampSub && format == Format::flat)) add(table, format, prefix, row);
  }
}

} // namespace rdna1::sim
