// SOP1, SOP2, SOPK, SOPC, SOPP [RDNA1 ISA §13.1] and SMEM [§13.2].
#include "decode_fields.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

void sop1(Fields& fields) {
  const Operation& operation = fields.findOperation(Format::sop1, fields.bits(8, 8));
  const Shape& shape = operation.shape;
  if (shape.dst != Type::none) {
    fields.instruction.dst = fields.scalarRegister(fields.bits(16, 7), registersOf(shape.dst, 32));
  }
  if (shape.src[0] == Type::none) return;
  const Operand source = fields.instruction.src[0] = fields.scalarSource(fields.bits(0, 8), shape.src[0]);
  const std::string_view name = operation.name;
  const bool needsRegister = name == "s_setpc_b64" || name == "s_rfe_b64" || name.starts_with("s_movrels_");
  if (needsRegister && source.kind != Operand::Kind::scalar) {
    throw DecodeError{std::string(name) + " cannot have a constant as source"};
  }
}

void sop2(Fields& fields) {
  const Shape& shape = fields.findOperation(Format::sop2, fields.bits(23, 7)).shape;
  if (shape.dst != Type::none) {
    fields.instruction.dst = fields.scalarRegister(fields.bits(16, 7), registersOf(shape.dst, 32));
  }
  fields.instruction.src[0] = fields.scalarSource(fields.bits(0, 8), shape.src[0]);
  fields.instruction.src[1] = fields.scalarSource(fields.bits(8, 8), shape.src[1]);
}

void sopc(Fields& fields) {
  const Shape& shape = fields.findOperation(Format::sopc, fields.bits(16, 7)).shape;
  fields.instruction.src[0] = fields.scalarSource(fields.bits(0, 8), shape.src[0]);
  fields.instruction.src[1] = fields.scalarSource(fields.bits(8, 8), shape.src[1]);
}

std::int32_t signed16(std::uint32_t bits) { return static_cast<std::int16_t>(bits); }

/// SDST is a destination, or the source of comparisons, s_setreg_b32 and the waits.
void sopk(Fields& fields) {
  const Operation& operation = fields.findOperation(Format::sopk, fields.bits(23, 5));
  const Shape& shape = operation.shape;
  Instruction& instruction = fields.instruction;
  instruction.immediate = signed16(fields.bits(0, 16));
  if (operation.name == "s_setreg_imm32_b32") {
    instruction.src[0] = {.kind = Operand::Kind::literal, .literal = fields.literal()};
    return;
  }
  const Type type = shape.dst != Type::none ? shape.dst : shape.src[0];
  if (type == Type::none) return; // s_version
  const Operand place = fields.scalarRegister(fields.bits(16, 7), registersOf(type, 32));
  if (shape.dst != Type::none) instruction.dst = place;
  if (shape.src[0] != Type::none) instruction.src[0] = place;
}

void sopp(Fields& fields) {
  const Operation& operation = fields.findOperation(Format::sopp, fields.bits(16, 7));
  if (!hasImmediate(operation)) fields.requireZero(0, 16, "SIMM16");
  fields.instruction.immediate = signed16(fields.bits(0, 16));
}

/// Neither M0 nor EXEC can be loaded [LLVM SMInstructions.td].
Operand loadDestination(Fields& fields, Type type) {
  const std::uint32_t code = fields.bits(6, 7);
  if (code == kM0 || code >= kExec) throw DecodeError{"scalar register " + std::to_string(code) + " cannot be loaded"};
  return fields.scalarRegister(code, registersOf(type, 32));
}

} // namespace

void decodeSop(Fields& fields) {
  switch (fields.bits(23, 7)) {
  case 0b1111101: return sop1(fields);
  case 0b1111110: return sopc(fields);
  case 0b1111111: return sopp(fields);
  default: return fields.bits(28, 4) == 0b1011 ? sopk(fields) : sop2(fields);
  }
}

void decodeSmem(Fields& fields) {
  fields.takeWord();
  const Operation& operation = fields.findOperation(Format::smem, fields.bits(18, 8));
  const Shape& shape = operation.shape;
  Instruction& instruction = fields.instruction;
  if (operation.access.kind == Access::Kind::atomic) {
    instruction.data[0] = loadDestination(fields, shape.src[0]);
    if (fields.bit(16)) instruction.dst = instruction.data[0];
  } else if (shape.dst != Type::none) {
    instruction.dst = loadDestination(fields, shape.dst);
  } else if (shape.src[0] != Type::none) {
    instruction.data[0] = loadDestination(fields, shape.src[0]);
  }
  if (operation.access.bytes == 0) return; // s_memtime, s_dcache_inv …
  instruction.dlc = fields.bit(14) && operation.access.kind != Access::Kind::other;
  instruction.glc = fields.bit(16) && operation.access.kind != Access::Kind::other;
  if (operation.name.starts_with("s_atc_probe")) {
    instruction.immediate = static_cast<std::int32_t>(fields.bits(6, 7)); // what to probe for
  }
  instruction.base = fields.scalarRegister(fields.bits(0, 6) * 2, baseRegisters(instruction));
  instruction.scalarOffset = fields.scalarRegister(fields.bits(57, 7), 1);
  const std::uint32_t offset = fields.bits(32, 21);
  instruction.memoryOffset = static_cast<std::int32_t>(offset << 11) >> 11;
}

} // namespace rdna1::sim
