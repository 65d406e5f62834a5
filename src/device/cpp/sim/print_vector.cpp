// VOP1, VOP2, VOPC, VOP3 and VOP3P with SDWA and DPP as LLVM prints them.
#include "print_parts.hpp"

#include "../hexadecimal.hpp"

namespace rdna1::sim {
namespace {

bool isMixed(const Operation& operation) { return operation.shape.src[0] == Type::mixed; }

std::string nameOf(const Instruction& instruction) {
  const Operation& operation = *instruction.operation;
  const std::string name(operation.name);
  if (operation.format == Format::vop3 || operation.format == Format::vop3p) return name;
  switch (instruction.form) {
  case Form::sdwa: return name + "_sdwa";
  case Form::dpp16:
  case Form::dpp8: return name + "_dpp";
  case Form::vop3: return operation.shape.src[0] == Type::none ? name : name + "_e64";
  default: return formsOf(operation).vop3 && operation.shape.src[0] != Type::none ? name + "_e32" : name;
  }
}

/// LLVM writes neg(1.0), since -1.0 is another constant.
std::string signedText(const std::string& text, const Operand& operand, bool neg, bool abs) {
  const std::string inner = abs ? "|" + text + "|" : text;
  if (!neg) return inner;
  const bool number =
      operand.kind == Operand::Kind::constant || (operand.kind == Operand::Kind::literal && !text.starts_with("lit("));
  return number && !abs ? "neg(" + inner + ")" : "-" + inner;
}

std::string source(const Instruction& instruction, std::size_t index, std::uint32_t waveSize) {
  const Operation& operation = *instruction.operation;
  const Operand& operand = instruction.src[index];
  const bool mandatory = literalPlace(operation) == (index == 1 ? LiteralPlace::second : LiteralPlace::third);
  if (index > 0 && mandatory) return hexadecimal(operand.literal);
  const bool exponent = index == 1 && operation.name == "v_ldexp_f16"; // an integer, which LLVM prints as a half
  const std::string text = operandText(operand, exponent ? Type::f16 : operation.shape.src[index], waveSize);
  if (isMixed(operation)) {
    return signedText(text, operand, (instruction.negLow >> index & 1) != 0, (instruction.negHigh >> index & 1) != 0);
  }
  if (instruction.form == Form::sdwa && index < 2 && instruction.sdwa.signExtend[index]) return "sext(" + text + ")";
  return signedText(text, operand, operand.neg, operand.abs);
}

std::string bitList(const char* name, std::uint32_t bits, std::size_t count) {
  std::string text = std::string(name) + ":[";
  for (std::size_t i = 0; i < count; i++) text += (i == 0 ? "" : ",") + std::to_string(bits >> i & 1);
  return text + "]";
}

std::size_t sourcesOf(const Instruction& instruction) {
  std::size_t count = 0;
  while (count < 3 && instruction.src[count].kind != Operand::Kind::none) count++;
  return count;
}

void packed(Text& text, std::size_t sources) {
  const Instruction& instruction = text.instruction;
  const std::uint32_t all = (1U << sources) - 1;
  const bool mixed = isMixed(*instruction.operation);
  if ((instruction.opSel & all) != 0) text.modifier(bitList("op_sel", instruction.opSel, sources));
  if ((instruction.opSelHi & all) != (mixed ? 0 : all))
    text.modifier(bitList("op_sel_hi", instruction.opSelHi, sources));
  if (mixed) return;
  if ((instruction.negLow & all) != 0) text.modifier(bitList("neg_lo", instruction.negLow, sources));
  if ((instruction.negHigh & all) != 0) text.modifier(bitList("neg_hi", instruction.negHigh, sources));
}

/// The destination's bit comes last.
void halfSelects(Text& text, std::size_t sources) {
  const Instruction& instruction = text.instruction;
  const std::uint32_t bits = (instruction.opSel & ((1U << sources) - 1)) | (instruction.opSel >> 3 & 1U) << sources;
  const bool permutes = instruction.operation->name.starts_with("v_permlane");
  if (bits != 0) text.modifier(bitList("op_sel", bits, permutes ? 2 : sources + 1));
}

void output(Text& text) {
  constexpr const char* kModifiers[] = {nullptr, "mul:2", "mul:4", "div:2"};
  text.flag(text.instruction.clamp, "clamp");
  if (text.instruction.outputModifier != 0) text.modifier(kModifiers[text.instruction.outputModifier]);
}

void sdwa(Text& text) {
  constexpr const char* kSelect[] = {"BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3", "WORD_0", "WORD_1", "DWORD"};
  constexpr const char* kUnused[] = {"UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE"};
  const Instruction& instruction = text.instruction;
  if (instruction.operation->format != Format::vopc) {
    text.modifier(std::string("dst_sel:") + kSelect[instruction.sdwa.dstSelect]);
    text.modifier(std::string("dst_unused:") + kUnused[instruction.sdwa.dstUnused]);
  }
  text.modifier(std::string("src0_sel:") + kSelect[instruction.sdwa.select[0]]);
  if (instruction.src[1].kind != Operand::Kind::none) {
    text.modifier(std::string("src1_sel:") + kSelect[instruction.sdwa.select[1]]);
  }
}

std::string control(std::uint32_t bits) {
  if (bits < 0x100) {
    return "quad_perm:[" + std::to_string(bits & 3) + "," + std::to_string(bits >> 2 & 3) + "," +
           std::to_string(bits >> 4 & 3) + "," + std::to_string(bits >> 6 & 3) + "]";
  }
  const std::string amount = std::to_string(bits & 15);
  switch (bits >> 4) {
  case 0x10: return "row_shl:" + amount;
  case 0x11: return "row_shr:" + amount;
  case 0x12: return "row_ror:" + amount;
  case 0x14: return bits == 0x140 ? "row_mirror" : "row_half_mirror";
  case 0x15: return "row_share:" + amount;
  default: return "row_xmask:" + amount;
  }
}

void dpp(Text& text) {
  const Dpp& dpp = text.instruction.dpp;
  if (text.instruction.form == Form::dpp8) {
    std::string lanes = "dpp8:[";
    for (int i = 0; i < 8; i++) lanes += (i == 0 ? "" : ",") + std::to_string(dpp.select >> (3 * i) & 7);
    text.modifier(lanes + "]");
  } else {
    text.modifier(control(dpp.control));
    text.modifier("row_mask:" + hexadecimal(dpp.rowMask));
    text.modifier("bank_mask:" + hexadecimal(dpp.bankMask));
    text.flag(dpp.boundControl, "bound_ctrl:1");
  }
  text.flag(dpp.fetchInactive, "fi:1");
}

} // namespace

std::string printVector(const Instruction& instruction, std::uint32_t waveSize) {
  const Operation& operation = *instruction.operation;
  Text text(instruction, waveSize);
  if (instruction.dst.kind != Operand::Kind::none) {
    text.operand(operandText(instruction.dst, operation.shape.dst, waveSize));
  }
  if (instruction.sdst.kind != Operand::Kind::none) text.operand(operandText(instruction.sdst, Type::mask, waveSize));
  const std::size_t sources = sourcesOf(instruction);
  for (std::size_t i = 0; i < sources; i++) text.operand(source(instruction, i, waveSize));
  if (operation.format == Format::vop3p) packed(text, sources);
  else if (instruction.form == Form::vop3) halfSelects(text, sources);
  output(text);
  if (instruction.form == Form::sdwa) sdwa(text);
  if (instruction.form == Form::dpp16 || instruction.form == Form::dpp8) dpp(text);
  return text.line(nameOf(instruction));
}

} // namespace rdna1::sim
