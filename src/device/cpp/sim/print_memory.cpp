// DS, MUBUF, MTBUF, FLAT, GLOBAL and SCRATCH as LLVM prints them.
#include "print_parts.hpp"

namespace rdna1::sim {
namespace {

bool has(const Operand& operand) { return operand.kind != Operand::Kind::none; }

void data(Text& text) {
  const Instruction& instruction = text.instruction;
  for (std::size_t i = 0; i < 2; i++) {
    if (has(instruction.data[i])) {
      text.operand(operandText(instruction.data[i], instruction.operation->shape.src[i], text.waveSize));
    }
  }
}

void result(Text& text) {
  const Instruction& instruction = text.instruction;
  if (has(instruction.dst)) text.operand(operandText(instruction.dst, instruction.operation->shape.dst, text.waveSize));
}

std::string printDs(Text text) {
  const Instruction& instruction = text.instruction;
  result(text);
  if (has(instruction.address)) text.operand(vectorName(instruction.address.index, 1));
  data(text);
  if (instruction.operation->access.pair) {
    text.value("offset0", instruction.memoryOffset);
    text.value("offset1", instruction.offset1);
  } else if (instruction.operation->name == "ds_swizzle_b32") {
    if (instruction.memoryOffset != 0)
      text.modifier("offset:" + swizzle(static_cast<std::uint32_t>(instruction.memoryOffset)));
  } else {
    text.value("offset", instruction.memoryOffset);
  }
  text.flag(instruction.gds, "gds");
  return text.line(std::string(instruction.operation->name));
}

std::string printBuffer(Text text) {
  const Instruction& instruction = text.instruction;
  const Operation& operation = *instruction.operation;
  if (!has(instruction.base)) return std::string(operation.name); // buffer_gl0_inv
  const bool stored = has(instruction.data[0]);
  const Type type = stored ? operation.shape.src[0] : operation.shape.dst;
  const std::uint32_t registers = registersOf(type, text.waveSize) + (instruction.tfe ? 1 : 0);
  text.operand(vectorName((stored ? instruction.data[0] : instruction.dst).index, registers));
  if (has(instruction.address)) {
    text.operand(vectorName(instruction.address.index, instruction.offen && instruction.idxen ? 2 : 1));
  } else {
    text.operand("off");
  }
  text.operand(scalarName(instruction.base.index, 4));
  text.operand(operandText(instruction.scalarOffset, Type::b32, text.waveSize));
  if (operation.format == Format::mtbuf && instruction.bufferFormat != 1) {
    text.modifier("format:" + bufferFormat(instruction.bufferFormat));
  }
  text.flag(instruction.idxen, "idxen");
  text.flag(instruction.offen, "offen");
  text.value("offset", instruction.memoryOffset);
  text.flag(instruction.glc, "glc");
  text.flag(instruction.slc, "slc");
  text.flag(instruction.dlc, "dlc");
  text.flag(instruction.tfe, "tfe");
  return text.line(std::string(operation.name));
}

std::string printFlat(Text text) {
  const Instruction& instruction = text.instruction;
  const Operation& operation = *instruction.operation;
  const bool flat = operation.format == Format::flat;
  const bool scalar = has(instruction.base);
  result(text);
  if (has(instruction.address)) {
    const bool wide = !scalar && operation.format != Format::scratch;
    text.operand(vectorName(instruction.address.index, wide ? 2 : 1));
  } else if (operation.format == Format::scratch) {
    text.operand("off");
  }
  data(text);
  if (scalar) text.operand(scalarName(instruction.base.index, operation.format == Format::scratch ? 1 : 2));
  else if (!flat) text.operand("off");
  text.value("offset", instruction.memoryOffset);
  text.flag(instruction.glc, "glc");
  text.flag(instruction.slc, "slc");
  text.flag(instruction.dlc, "dlc");
  return text.line(std::string(operation.name));
}

} // namespace

std::string printMemory(const Instruction& instruction, std::uint32_t waveSize) {
  const Text text(instruction, waveSize);
  switch (instruction.operation->format) {
  case Format::ds: return printDs(text);
  case Format::mubuf:
  case Format::mtbuf: return printBuffer(text);
  default: return printFlat(text);
  }
}

} // namespace rdna1::sim
