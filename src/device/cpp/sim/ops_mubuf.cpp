// MUBUF and MTBUF [RDNA1 ISA §12.12, §12.13, §13.6].
#include "buffer_format.hpp"
#include "smem.hpp"
#include "vector_memory.hpp"

namespace rdna1::sim {
namespace {

using Kind = Access::Kind;

constexpr Type kTypes[] = {Type::none, Type::b32, Type::b64, Type::b96, Type::b128};

template <Format format, u8 components, bool packed = false, bool high = false>
constexpr Operation loads(u16 opcode, std::string_view name) {
  return {.format = format,
          .opcode = opcode,
          .name = name,
          .shape = {.dst = kTypes[packed ? (components + 1) / 2 : components], .readsDst = high},
          .run = typed::loads<components, packed, high>,
          .access = {Kind::load, static_cast<u8>(components * (packed ? 2 : 4)), false, false}};
}
template <Format format, u8 components, bool packed = false, bool high = false>
constexpr Operation stores(u16 opcode, std::string_view name) {
  return {.format = format,
          .opcode = opcode,
          .name = name,
          .shape = {.src = {kTypes[packed ? (components + 1) / 2 : components], Type::none, Type::none}},
          .run = typed::stores<components, packed, high>,
          .access = {Kind::store, static_cast<u8>(components * (packed ? 2 : 4)), false, false}};
}
constexpr Operation control(u16 opcode, std::string_view name) {
  return {.format = Format::mubuf, .opcode = opcode, .name = name, .shape = {}, .run = nothing};
}

constexpr Format kUntyped = Format::mubuf, kTyped = Format::mtbuf;

constexpr Operation kTable[] = {
    loads<kUntyped, 1>(0x00, "buffer_load_format_x"),
    loads<kUntyped, 2>(0x01, "buffer_load_format_xy"),
    loads<kUntyped, 3>(0x02, "buffer_load_format_xyz"),
    loads<kUntyped, 4>(0x03, "buffer_load_format_xyzw"),
    stores<kUntyped, 1>(0x04, "buffer_store_format_x"),
    stores<kUntyped, 2>(0x05, "buffer_store_format_xy"),
    stores<kUntyped, 3>(0x06, "buffer_store_format_xyz"),
    stores<kUntyped, 4>(0x07, "buffer_store_format_xyzw"),
    loads<kUntyped, 1, true, true>(0x26, "buffer_load_format_d16_hi_x"),
    stores<kUntyped, 1, true, true>(0x27, "buffer_store_format_d16_hi_x"),
    control(0x71, "buffer_gl0_inv"),
    control(0x72, "buffer_gl1_inv"),
    loads<kUntyped, 1, true>(0x80, "buffer_load_format_d16_x"),
    loads<kUntyped, 2, true>(0x81, "buffer_load_format_d16_xy"),
    loads<kUntyped, 3, true>(0x82, "buffer_load_format_d16_xyz"),
    loads<kUntyped, 4, true>(0x83, "buffer_load_format_d16_xyzw"),
    stores<kUntyped, 1, true>(0x84, "buffer_store_format_d16_x"),
    stores<kUntyped, 2, true>(0x85, "buffer_store_format_d16_xy"),
    stores<kUntyped, 3, true>(0x86, "buffer_store_format_d16_xyz"),
    stores<kUntyped, 4, true>(0x87, "buffer_store_format_d16_xyzw"),
    loads<kTyped, 1>(0x0, "tbuffer_load_format_x"),
    loads<kTyped, 2>(0x1, "tbuffer_load_format_xy"),
    loads<kTyped, 3>(0x2, "tbuffer_load_format_xyz"),
    loads<kTyped, 4>(0x3, "tbuffer_load_format_xyzw"),
    stores<kTyped, 1>(0x4, "tbuffer_store_format_x"),
    stores<kTyped, 2>(0x5, "tbuffer_store_format_xy"),
    stores<kTyped, 3>(0x6, "tbuffer_store_format_xyz"),
    stores<kTyped, 4>(0x7, "tbuffer_store_format_xyzw"),
    loads<kTyped, 1, true>(0x8, "tbuffer_load_format_d16_x"),
    loads<kTyped, 2, true>(0x9, "tbuffer_load_format_d16_xy"),
    loads<kTyped, 3, true>(0xa, "tbuffer_load_format_d16_xyz"),
    loads<kTyped, 4, true>(0xb, "tbuffer_load_format_d16_xyzw"),
    stores<kTyped, 1, true>(0xc, "tbuffer_store_format_d16_x"),
    stores<kTyped, 2, true>(0xd, "tbuffer_store_format_d16_xy"),
    stores<kTyped, 3, true>(0xe, "tbuffer_store_format_d16_xyz"),
    stores<kTyped, 4, true>(0xf, "tbuffer_store_format_d16_xyzw"),
};

} // namespace

std::span<const Operation> mubufOperations() {
  static const std::vector<Operation> table = [] {
    std::vector<Operation> operations(std::begin(kTable), std::end(kTable));
    addVectorMemory(operations, Format::mubuf, "buffer_", true);
    return operations;
  }();
  return table;
}

} // namespace rdna1::sim
