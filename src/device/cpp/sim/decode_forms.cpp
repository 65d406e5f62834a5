// Which encodings an operation has, and the SDWA and DPP words behind VOP1, VOP2 and VOPC [RDNA1 ISA §13.3.8-10].
#include "decode_fields.hpp"

#include "../hexadecimal.hpp"
#include "wave.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

constexpr std::uint32_t kFirstVgpr = 256, kLiteral = 255;

bool isWide(const Shape& shape) {
  const auto wide = [](Type type) { return type != Type::mask && registersOf(type, 32) > 1; };
  return wide(shape.dst) || std::ranges::any_of(shape.src, wide);
}

/// The word behind the instruction, its first source a VGPR.
std::uint32_t modifierWord(Fields& fields, Form form) {
  fields.instruction.form = form;
  return fields.takeWord();
}

std::uint32_t part(std::uint32_t word, unsigned first, unsigned count) { return word >> first & ((1U << count) - 1); }

/// The second source is a VGPR and the third, a carry-in, VCC.
void otherSources(Fields& fields, std::uint32_t second) {
  Instruction& instruction = fields.instruction;
  const Shape& shape = instruction.operation->shape;
  if (shape.src[1] != Type::none) instruction.src[1] = fields.vgpr(second, shape.src[1]);
  if (shape.src[2] == Type::mask) instruction.src[2] = {.kind = Operand::Kind::scalar, .index = kVcc};
}

void signs(Operand& operand, bool neg, bool abs) {
  operand.neg = neg;
  operand.abs = abs;
}

bool isControl(std::uint32_t control) {
  const auto within = [control](std::uint32_t first, std::uint32_t last) {
    return control >= first && control <= last;
  };
  return within(0x000, 0x0ff) || within(0x101, 0x10f) || within(0x111, 0x11f) || within(0x121, 0x12f) ||
         within(0x140, 0x141) || within(0x150, 0x15f) || within(0x160, 0x16f);
}

} // namespace

bool hasImmediate(const Operation& operation) {
  constexpr std::string_view kWithout[] = {"s_wakeup",     "s_barrier",      "s_icache_inv",
                                           "s_ttracedata", "s_endpgm_saved", "s_endpgm_ordered_ps_done",
                                           "s_code_end",   "s_wait_idle"};
  return std::ranges::find(kWithout, operation.name) == std::end(kWithout);
}

LiteralPlace literalPlace(const Operation& operation) {
  if (operation.format != Format::vop2) return LiteralPlace::none;
  if (operation.name.starts_with("v_madmk_") || operation.name.starts_with("v_fmamk_")) return LiteralPlace::second;
  if (operation.name.starts_with("v_madak_") || operation.name.starts_with("v_fmaak_")) return LiteralPlace::third;
  return LiteralPlace::none;
}

Forms formsOf(const Operation& operation) {
  const std::string_view name = operation.name;
  const bool moves = name == "v_readfirstlane_b32" || name.starts_with("v_swap");
  if (moves || literalPlace(operation) != LiteralPlace::none) return {false, false, false};
  const bool empty = operation.shape.src[0] == Type::none; // v_nop
  const bool dot = name.starts_with("v_dot") || name == "v_pk_fmac_f16";
  const bool legacy = name == "v_mac_legacy_f32" || name == "v_fmac_legacy_f32";
  const bool accumulates = dot || legacy || name == "v_mac_f32" || name.starts_with("v_fmac_");
  const bool narrow = !empty && !isWide(operation.shape);
  return {.vop3 = !dot, .sdwa = narrow && !accumulates, .dpp = narrow && !legacy && operation.format != Format::vopc};
}

void decodeSdwa(Fields& fields, std::uint32_t secondSource) {
  const std::uint32_t word = modifierWord(fields, Form::sdwa);
  Instruction& instruction = fields.instruction;
  const Operation& operation = *instruction.operation;
  Sdwa& sdwa = instruction.sdwa;
  const auto source = [&](std::uint32_t number, bool scalar, Type type) {
    if (scalar && number == kLiteral) throw DecodeError{"SDWA sources cannot be literals"};
    return scalar ? fields.scalarSource(number, type) : fields.vgpr(number, 1U);
  };
  instruction.src[0] = source(part(word, 0, 8), part(word, 23, 1) != 0, operation.shape.src[0]);
  signs(instruction.src[0], part(word, 20, 1) != 0, part(word, 21, 1) != 0);
  sdwa.select[0] = static_cast<std::uint8_t>(part(word, 16, 3));
  sdwa.signExtend[0] = part(word, 19, 1) != 0;
  if (operation.shape.src[1] != Type::none) {
    instruction.src[1] = source(secondSource, part(word, 31, 1) != 0, operation.shape.src[1]);
    signs(instruction.src[1], part(word, 28, 1) != 0, part(word, 29, 1) != 0);
    sdwa.select[1] = static_cast<std::uint8_t>(part(word, 24, 3));
    sdwa.signExtend[1] = part(word, 27, 1) != 0;
  } else if (part(word, 24, 4) != 0 || part(word, 31, 1) != 0) {
    throw DecodeError{std::string(operation.name) + " has no second source for SDWA to select from"};
  }
  if (operation.shape.src[2] == Type::mask) instruction.src[2] = {.kind = Operand::Kind::scalar, .index = kVcc};
  if (operation.format == Format::vopc) {
    const bool named = part(word, 15, 1) != 0;
    if (named && operation.shape.writesExec) throw DecodeError{std::string(operation.name) + " has no destination"};
    if (named) instruction.sdst = fields.scalarRegister(part(word, 8, 7), 1);
  } else {
    sdwa.dstSelect = static_cast<std::uint8_t>(part(word, 8, 3));
    sdwa.dstUnused = static_cast<std::uint8_t>(part(word, 11, 2));
    instruction.clamp = part(word, 13, 1) != 0;
    instruction.outputModifier = static_cast<std::uint8_t>(part(word, 14, 2));
  }
  checkOutput(instruction);
  checkSignExtensions(instruction);
  checkSigns(instruction, part(word, 20, 1) | part(word, 28, 1) << 1, part(word, 21, 1) | part(word, 29, 1) << 1);
  if (sdwa.dstSelect == 7 || sdwa.select[0] == 7 || sdwa.select[1] == 7 || sdwa.dstUnused == 3) {
    throw DecodeError{"SDWA word " + hexadecimal(word) + " selects in a reserved way"};
  }
}

void decodeDpp16(Fields& fields, std::uint32_t secondSource) {
  const std::uint32_t word = modifierWord(fields, Form::dpp16);
  Instruction& instruction = fields.instruction;
  instruction.src[0] = fields.source(kFirstVgpr + part(word, 0, 8), Type::b32);
  otherSources(fields, secondSource);
  signs(instruction.src[0], part(word, 20, 1) != 0, part(word, 21, 1) != 0);
  signs(instruction.src[1], part(word, 22, 1) != 0, part(word, 23, 1) != 0);
  instruction.dpp = {.control = static_cast<std::uint16_t>(part(word, 8, 9)),
                     .rowMask = static_cast<std::uint8_t>(part(word, 28, 4)),
                     .bankMask = static_cast<std::uint8_t>(part(word, 24, 4)),
                     .boundControl = part(word, 19, 1) != 0,
                     .fetchInactive = part(word, 18, 1) != 0};
  checkSigns(instruction, part(word, 20, 1) | part(word, 22, 1) << 1, part(word, 21, 1) | part(word, 23, 1) << 1);
  if (!isControl(instruction.dpp.control)) {
    throw DecodeError{"DPP control " + hexadecimal(instruction.dpp.control) + " is reserved"};
  }
}

void decodeDpp8(Fields& fields, std::uint32_t secondSource) {
  const std::uint32_t word = modifierWord(fields, Form::dpp8);
  fields.instruction.src[0] = fields.source(kFirstVgpr + part(word, 0, 8), Type::b32);
  otherSources(fields, secondSource);
  fields.instruction.dpp.select = word >> 8;
}

} // namespace rdna1::sim
