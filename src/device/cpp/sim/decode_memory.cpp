// DS, MUBUF, MTBUF, FLAT, GLOBAL and SCRATCH [RDNA1 ISA §13.4-13.7].
#include "decode_fields.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

/// Data that is stored or combined; what an operation has none of stays empty.
void data(Fields& fields, std::size_t index, unsigned first, std::uint32_t more = 0) {
  const Type type = fields.instruction.operation->shape.src[index];
  if (type == Type::none) return;
  fields.instruction.data[index] = fields.vgpr(fields.bits(first, 8), registersOf(type, 32) + more);
}

/// Whether the operation gives a value: DS by its opcode, other atomics when GLC is set.
bool hasResult(const Instruction& instruction) {
  const Operation& operation = *instruction.operation;
  if (operation.shape.dst == Type::none) return false;
  return operation.access.kind != Access::Kind::atomic || operation.format == Format::ds || instruction.glc;
}

void refuse(const Fields& fields, bool given, const char* modifier) {
  if (given) throw DecodeError{std::string(fields.instruction.operation->name) + " cannot have " + modifier};
}

/// One address register, or with IDXEN and OFFEN two: index, offset.
void buffer(Fields& fields) {
  Instruction& instruction = fields.instruction;
  instruction.memoryOffset = static_cast<std::int32_t>(fields.bits(0, 12));
  instruction.offen = fields.bit(12);
  instruction.idxen = fields.bit(13);
  instruction.glc = fields.bit(14);
  instruction.dlc = fields.bit(15);
  instruction.slc = fields.bit(54);
  instruction.tfe = fields.bit(55);
  const std::uint32_t registers = (instruction.offen ? 1 : 0) + (instruction.idxen ? 1 : 0);
  if (registers != 0) instruction.address = fields.vgpr(fields.bits(32, 8), registers);
  instruction.base = fields.scalarRegister(fields.bits(48, 5) * 4, 4);
  if (fields.bits(56, 8) == 255) throw DecodeError{"a buffer instruction cannot have a literal as offset"};
  instruction.scalarOffset = fields.scalarSource(fields.bits(56, 8), Type::b32);
  const std::uint32_t more = instruction.tfe ? 1 : 0; // TFE adds a register for the status
  data(fields, 0, 40, more);
  if (!hasResult(instruction) || instruction.lds) return;
  const std::uint32_t registersOfResult = registersOf(instruction.operation->shape.dst, 32) + more;
  instruction.dst = fields.vgpr(fields.bits(40, 8), registersOfResult);
}

} // namespace

void decodeDs(Fields& fields) {
  fields.takeWord();
  const Operation& operation = fields.findOperation(Format::ds, fields.bits(18, 8));
  const Shape& shape = operation.shape;
  Instruction& instruction = fields.instruction;
  instruction.gds = fields.bit(17);
  if (operation.access.pair) {
    instruction.memoryOffset = static_cast<std::int32_t>(fields.bits(0, 8));
    instruction.offset1 = static_cast<std::uint8_t>(fields.bits(8, 8));
  } else {
    instruction.memoryOffset = static_cast<std::int32_t>(fields.bits(0, 16));
  }
  if (instruction.gds) throw DecodeError{"the global data share is not supported"};
  if (operation.name != "ds_nop" && !operation.name.ends_with("_addtid_b32")) {
    instruction.address = fields.vgpr(fields.bits(32, 8), 1);
  } else {
    fields.requireZero(32, 8, "ADDR");
  }
  if (shape.src[0] == Type::none) fields.requireZero(40, 8, "DATA0");
  if (shape.src[1] == Type::none) fields.requireZero(48, 8, "DATA1");
  data(fields, 0, 40);
  data(fields, 1, 48);
  if (hasResult(instruction)) instruction.dst = fields.vgpr(fields.bits(56, 8), shape.dst);
  else fields.requireZero(56, 8, "VDST");
}

void decodeMubuf(Fields& fields) {
  fields.takeWord();
  const Operation& operation = fields.findOperation(Format::mubuf, fields.bits(18, 8));
  if (operation.access.bytes == 0) { // buffer_gl0_inv
    fields.requireZero(12, 5, "modifiers");
    return fields.requireZero(55, 1, "TFE");
  }
  const bool atomic = operation.access.kind == Access::Kind::atomic;
  fields.instruction.lds = fields.bit(16);
  refuse(fields, atomic && fields.bit(15), "DLC");
  refuse(fields, atomic && fields.bit(55), "TFE");
  refuse(fields, fields.instruction.lds, "LDS (a load to LDS is not supported)");
  buffer(fields);
}

void decodeMtbuf(Fields& fields) {
  fields.takeWord();
  fields.findOperation(Format::mtbuf, fields.bits(16, 3) | fields.bits(53, 1) << 3);
  refuse(fields, fields.bit(55), "TFE");
  fields.instruction.bufferFormat = static_cast<std::uint8_t>(fields.bits(19, 7));
  buffer(fields);
}

void decodeFlat(Fields& fields) {
  fields.takeWord();
  const std::uint32_t segment = fields.bits(14, 2);
  if (segment == 3) throw DecodeError{"FLAT segment 3 is reserved"};
  const Format format = segment == 0 ? Format::flat : segment == 1 ? Format::scratch : Format::global;
  const Operation& operation = fields.findOperation(format, fields.bits(18, 7));
  Instruction& instruction = fields.instruction;
  instruction.dlc = fields.bit(12);
  instruction.glc = fields.bit(16);
  instruction.slc = fields.bit(17);
  refuse(fields, fields.bit(13), "LDS (a load to LDS is not supported)");
  fields.requireZero(55, 1, "NV");
  // Signed where the segment is known; FLAT's is unsigned [LLVM AMDGPUInstPrinter].
  const std::uint32_t offset = fields.bits(0, 12);
  instruction.memoryOffset =
      format == Format::flat ? static_cast<std::int32_t>(offset) : static_cast<std::int32_t>(offset << 20) >> 20;
  const std::uint32_t scalar = fields.bits(48, 7);
  const bool hasScalar = scalar != kNull;
  refuse(fields, format == Format::flat && hasScalar, "SADDR");
  if (hasScalar) instruction.base = fields.scalarRegister(scalar, format == Format::scratch ? 1 : 2);
  refuse(fields, format == Format::scratch ? scalar == kExec + 1 : scalar >= kExec, "EXEC as SADDR");
  const bool threadId = operation.name.ends_with("_addtid");
  if (format == Format::scratch ? !hasScalar : !threadId) {
    instruction.address = fields.vgpr(fields.bits(32, 8), hasScalar || format == Format::scratch ? 1 : 2);
  }
  data(fields, 0, 40);
  if (hasResult(instruction)) instruction.dst = fields.vgpr(fields.bits(56, 8), operation.shape.dst);
}

} // namespace rdna1::sim
