// VOP1, VOP2, VOPC, VOP3A/B, VOP3P [RDNA1 ISA §13.3].
#include "decode_fields.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

constexpr std::uint32_t kDpp8 = 233, kDpp8FetchInactive = 234, kSdwa = 249, kDpp16 = 250;

Operand scalar(std::uint32_t index) {
  return {.kind = Operand::Kind::scalar, .index = static_cast<std::uint16_t>(index)};
}

std::size_t sourcesOf(const Shape& shape) {
  std::size_t count = 0;
  while (count < shape.src.size() && shape.src[count] != Type::none) count++;
  return count;
}

/// The destination of a plain form, or of DPP or SDWA; VOPC has VCC alone, v_cmpx EXEC.
void plainDestination(Fields& fields) {
  Instruction& instruction = fields.instruction;
  const Shape& shape = instruction.operation->shape;
  if (shape.sdst != Type::none) instruction.sdst = scalar(kVcc);
  if (instruction.operation->format == Format::vopc) return;
  const std::uint32_t number = fields.bits(17, 8);
  if (shape.dst == Type::none) return fields.requireZero(17, 8, "VDST");
  if (!shape.scalarDst) instruction.dst = fields.vgpr(number, shape.dst);
  else if (number == kM0) throw DecodeError{std::string(instruction.operation->name) + " cannot write M0"};
  else if (number < 128) instruction.dst = fields.scalarRegister(number, registersOf(shape.dst, 32));
  else throw DecodeError{"scalar destination " + std::to_string(number) + " does not exist"};
}

const Operation& findVop3(Fields& fields) {
  const std::uint32_t opcode = fields.bits(16, 10);
  if (opcode < 0x100) return fields.findOperation(Format::vopc, opcode);
  if (opcode < 0x140) return fields.findOperation(Format::vop2, opcode - 0x100);
  if (opcode >= 0x180 && opcode < 0x200) return fields.findOperation(Format::vop1, opcode - 0x180);
  return fields.findOperation(Format::vop3, opcode);
}

/// Moves between lanes take their data from VGPRs and lane numbers from scalars; wide sources are VGPRs.
enum class Allowed : std::uint8_t { any, vector, scalar };
Allowed allowedSource(const Operation& operation, std::size_t index) {
  const std::string_view name = operation.name;
  if (registersOf(operation.shape.src[index], 32) > 2) return Allowed::vector;
  if (name == "v_readfirstlane_b32" || name.starts_with("v_movrels") || name.starts_with("v_swap"))
    return Allowed::vector;
  if (name == "v_readlane_b32") return index == 0 ? Allowed::vector : Allowed::scalar;
  if (name == "v_writelane_b32") return index < 2 ? Allowed::scalar : Allowed::any;
  if (name.starts_with("v_permlane")) return index == 0 ? Allowed::vector : Allowed::scalar;
  return Allowed::any;
}

Operand vectorSource(Fields& fields, std::uint32_t code, std::size_t index) {
  const Operation& operation = *fields.instruction.operation;
  const Operand source = fields.source(code, operation.shape.src[index]);
  const bool vector = source.kind == Operand::Kind::vgpr;
  if (operation.shape.src[index] == Type::mask && (source.kind != Operand::Kind::scalar || source.index > 127)) {
    throw DecodeError{std::string(operation.name) + " needs a scalar register as lane mask"};
  }
  const Allowed allowed = allowedSource(operation, index);
  if ((allowed == Allowed::vector && !vector) || (allowed == Allowed::scalar && vector)) {
    throw DecodeError{std::string(operation.name) + " cannot have " + (vector ? "a vector register" : "a scalar") +
                      " as source " + std::to_string(index)};
  }
  return source;
}

void plainSources(Fields& fields, std::uint32_t first, std::uint32_t second) {
  Instruction& instruction = fields.instruction;
  const Operation& operation = *instruction.operation;
  const Shape& shape = operation.shape;
  const LiteralPlace place = literalPlace(operation);
  if (place != LiteralPlace::none) fields.literal(); // always there, even if SRC0 does not ask for it
  instruction.src[0] = vectorSource(fields, first, 0);
  if (shape.src[1] == Type::none) return;
  const Operand literal{.kind = Operand::Kind::literal, .literal = instruction.words[1]};
  const Operand vector = fields.vgpr(second, place == LiteralPlace::second ? shape.src[2] : shape.src[1]);
  instruction.src[1] = place == LiteralPlace::second ? literal : vector;
  if (place == LiteralPlace::second) instruction.src[2] = vector;
  else if (place == LiteralPlace::third) instruction.src[2] = literal;
  else if (shape.src[2] == Type::mask) instruction.src[2] = scalar(kVcc);
}

void vop3Sources(Fields& fields) {
  for (std::size_t i = 0; i < sourcesOf(fields.instruction.operation->shape); i++) {
    Operand& source = fields.instruction.src[i] = vectorSource(fields, fields.bits(32 + 9 * unsigned(i), 9), i);
    source.neg = (fields.bits(61, 3) >> i & 1) != 0;
  }
}

} // namespace

void decodeVop(Fields& fields) {
  const std::uint32_t top = fields.bits(25, 7);
  Instruction& instruction = fields.instruction;
  const bool vop1 = top == 0b0111111;
  const bool vopc = top == 0b0111110;
  const Operation& operation = vop1   ? fields.findOperation(Format::vop1, fields.bits(9, 8))
                               : vopc ? fields.findOperation(Format::vopc, fields.bits(17, 8))
                                      : fields.findOperation(Format::vop2, fields.bits(25, 6));
  const std::uint32_t first = fields.bits(0, 9);
  const std::uint32_t second = fields.bits(9, 8);
  const Forms forms = formsOf(operation);
  plainDestination(fields);
  if (first == kSdwa && forms.sdwa) return decodeSdwa(fields, second);
  if (first == kDpp16 && forms.dpp) return decodeDpp16(fields, second);
  if ((first == kDpp8 || first == kDpp8FetchInactive) && forms.dpp) {
    decodeDpp8(fields, second);
    instruction.dpp.fetchInactive = first == kDpp8FetchInactive;
    return;
  }
  if (first == kSdwa || first == kDpp16 || first == kDpp8 || first == kDpp8FetchInactive) {
    throw DecodeError{std::string(operation.name) + " has no " + (first == kSdwa ? "SDWA" : "DPP") + " form"};
  }
  if (operation.shape.src[0] != Type::none) plainSources(fields, first, second); // else v_nop
}

void decodeVop3(Fields& fields) {
  fields.takeWord();
  const Operation& operation = findVop3(fields);
  const Shape& shape = operation.shape;
  Instruction& instruction = fields.instruction;
  if (operation.format != Format::vop3 && !formsOf(operation).vop3) {
    throw DecodeError{std::string(operation.name) + " has no VOP3 form"};
  }
  instruction.form = Form::vop3;
  const std::uint32_t number = fields.bits(0, 8);
  const bool scalarResult = shape.scalarDst || operation.format == Format::vopc;
  if (scalarResult && number >= 128 && !shape.writesExec) {
    throw DecodeError{"scalar destination " + std::to_string(number) + " does not exist"};
  }
  if (operation.format == Format::vopc) {
    if (!shape.writesExec) instruction.sdst = fields.scalarRegister(number, 1);
  } else if (shape.scalarDst) {
    instruction.dst = fields.scalarRegister(number, registersOf(shape.dst, 32));
  } else if (shape.dst == Type::none) {
    fields.requireZero(0, 8, "VDST");
  } else {
    instruction.dst = fields.vgpr(number, shape.dst);
  }
  vop3Sources(fields);
  instruction.clamp = fields.bit(15);
  instruction.outputModifier = static_cast<std::uint8_t>(fields.bits(59, 2));
  checkOutput(instruction);
  const bool vop3b = shape.sdst != Type::none && operation.format != Format::vopc;
  checkSigns(instruction, fields.bits(61, 3), vop3b ? 0 : fields.bits(8, 3));
  if (vop3b) {
    instruction.sdst = fields.scalarRegister(fields.bits(8, 7), 1);
    return;
  }
  for (std::size_t i = 0; i < sourcesOf(shape); i++) instruction.src[i].abs = (fields.bits(8, 3) >> i & 1) != 0;
  if (operation.name.starts_with("v_alignb")) fields.requireZero(11, 4, "OP_SEL"); // what it selects is written nowhere
  if (!hasHalfSelects(operation)) return;
  const bool permutes = operation.name.starts_with("v_permlane"); // two bits: FI and BOUND_CTRL
  instruction.opSel = static_cast<std::uint8_t>(fields.bits(11, permutes ? 2 : 4));
  if (shape.src[2] == Type::none) fields.requireZero(13, 1, "OP_SEL");
}

void decodeVop3p(Fields& fields) {
  fields.takeWord();
  const Shape& shape = fields.findOperation(Format::vop3p, fields.bits(16, 7)).shape;
  Instruction& instruction = fields.instruction;
  instruction.dst = fields.vgpr(fields.bits(0, 8), shape.dst);
  for (std::size_t i = 0; i < sourcesOf(shape); i++) {
    instruction.src[i] = fields.source(fields.bits(static_cast<unsigned>(32 + 9 * i), 9), shape.src[i]);
  }
  instruction.negHigh = static_cast<std::uint8_t>(fields.bits(8, 3));
  instruction.opSel = static_cast<std::uint8_t>(fields.bits(11, 3));
  instruction.opSelHi = static_cast<std::uint8_t>(fields.bits(59, 2) | fields.bits(14, 1) << 2);
  const std::string_view name = instruction.operation->name;
  if (name.starts_with("v_dot4_") || name.starts_with("v_dot8_")) { // whole registers: nothing to select
    fields.requireZero(11, 3, "OP_SEL");
    instruction.opSelHi = 7;
  }
  instruction.clamp = fields.bit(15);
  instruction.negLow = static_cast<std::uint8_t>(fields.bits(61, 3));
  checkPacked(instruction, sourcesOf(shape));
}

} // namespace rdna1::sim
