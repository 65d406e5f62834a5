// Which modifiers an operation can have; LLVM refuses the others, so nothing relies on what a card would do with them.
#include "decode_fields.hpp"

namespace rdna1::sim {
namespace {

/// v_cndmask_b32 moves bits, but takes the signs of floats.
bool takesSigns(const Operation& operation, std::size_t source) {
  return isFloat(operation.shape.src[source]) || (operation.name == "v_cndmask_b32" && source < 2);
}

bool isHalfWide(Type type) { return type == Type::f16 || type == Type::u16 || type == Type::i16 || type == Type::b16; }

/// Floats and what saturates; of comparisons those of floats, to signal a NaN.
bool takesClamp(const Operation& operation) {
  const Shape& shape = operation.shape;
  if (operation.format == Format::vopc) {
    return isFloat(shape.src[0]) && operation.name.find("_class_") == std::string_view::npos;
  }
  if (shape.scalarDst || shape.crossLane) return false;
  return isFloat(shape.dst) || isFloat(shape.src[0]) || operation.runClamped != nullptr || hasHalfSelects(operation);
}

void refuse(const Operation& operation, bool given, const char* modifier) {
  if (given) throw DecodeError{std::string(operation.name) + " cannot have " + modifier};
}

} // namespace

bool hasHalfSelects(const Operation& operation) {
  if (operation.format != Format::vop3) return false;
  const Shape& shape = operation.shape;
  const std::string_view name = operation.name;
  return isHalfWide(shape.dst) || isHalfWide(shape.src[0]) || isHalfWide(shape.src[2]) ||
         name.starts_with("v_permlane");
}

void checkSigns(const Instruction& instruction, std::uint32_t neg, std::uint32_t abs) {
  const Operation& operation = *instruction.operation;
  for (std::size_t i = 0; i < 3; i++) {
    const bool allowed = operation.shape.src[i] != Type::none && takesSigns(operation, i);
    refuse(operation, !allowed && (neg >> i & 1) != 0, "NEG on this source");
    refuse(operation, !allowed && (abs >> i & 1) != 0, "ABS on this source");
  }
}

void checkOutput(const Instruction& instruction) {
  const Operation& operation = *instruction.operation;
  refuse(operation, instruction.outputModifier != 0 && !isFloat(operation.shape.dst), "OMOD");
  refuse(operation, instruction.clamp && !takesClamp(operation), "CLAMP");
}

void checkSignExtensions(const Instruction& instruction) {
  const Operation& operation = *instruction.operation;
  for (std::size_t i = 0; i < 2; i++) {
    refuse(operation, instruction.sdwa.signExtend[i] && takesSigns(operation, i), "SEXT on this source");
  }
}

void checkPacked(const Instruction& instruction, std::size_t sources) {
  const std::uint32_t extra = instruction.opSel | instruction.negLow | instruction.negHigh;
  refuse(*instruction.operation, extra >> sources != 0, "modifiers of a source that it has not");
}

} // namespace rdna1::sim
