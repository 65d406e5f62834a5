// Operands as LLVM prints them [LLVM AMDGPUInstPrinter].
#include "print_parts.hpp"

#include "../hexadecimal.hpp"

namespace rdna1::sim {
namespace {

std::string range(const char* prefix, std::uint32_t first, std::uint32_t registers) {
  if (registers <= 1) return prefix + std::to_string(first);
  return std::string(prefix) + "[" + std::to_string(first) + ":" + std::to_string(first + registers - 1) + "]";
}

constexpr const char* kFloats[] = {"0.5", "-0.5", "1.0", "-1.0", "2.0", "-2.0", "4.0", "-4.0"};
constexpr std::uint16_t kFirstFloat = 240, kInverseTwoPi = 248;

bool isHalfInteger(Type type) { return type == Type::b16 || type == Type::i16 || type == Type::u16; }

std::string constantText(const Operand& operand, Type type) {
  if (operand.index < kFirstFloat) {
    return std::to_string(operand.index <= 192 ? operand.index - 128 : 192 - operand.index);
  }
  if (isHalfInteger(type)) return hexadecimal(constantBits(operand, type));
  if (operand.index != kInverseTwoPi) return kFloats[operand.index - kFirstFloat];
  return registersOf(type, 32) == 2 ? "0.15915494309189532" : "0.15915494";
}

/// Whether an inline constant of this type has these bits: LLVM then marks a literal, to be assembled as one again.
bool isInline(std::uint64_t bits, Type type) {
  for (std::uint16_t code = kFirstFloat; code <= kInverseTwoPi; code++) {
    if (constantBits({.kind = Operand::Kind::constant, .index = code}, type) == bits) return true;
  }
  return false;
}

bool isSmallInteger(std::int64_t value) { return value >= -16 && value <= 64; }

std::string literalText(std::uint32_t literal, Type type) {
  const std::string marked = "lit(" + hexadecimal(literal) + ")";
  const auto whole = static_cast<std::int32_t>(literal);
  switch (type) {
  case Type::f64: return literal == 0 ? "0" : hexadecimal(literal);
  case Type::b64:
  case Type::i64:
  case Type::u64: return isSmallInteger(literal) ? marked : hexadecimal(literal);
  case Type::f16:
  case Type::mixed: {
    const std::uint32_t low = literal & 0xffff;
    const bool reads = isSmallInteger(static_cast<std::int16_t>(low)) || isInline(low, Type::f16);
    return reads ? marked : hexadecimal(low);
  }
  case Type::b16:
  case Type::i16:
  case Type::u16: return isSmallInteger(whole) || isInline(literal, Type::b32) ? marked : hexadecimal(literal & 0xffff);
  default: return isSmallInteger(whole) || isInline(literal, type) ? marked : hexadecimal(literal);
  }
}

} // namespace

std::string valueText(std::uint32_t bits) {
  if (isSmallInteger(static_cast<std::int32_t>(bits))) return std::to_string(static_cast<std::int32_t>(bits));
  for (std::uint16_t code = kFirstFloat; code <= kInverseTwoPi; code++) {
    const Operand constant{.kind = Operand::Kind::constant, .index = code};
    if (constantBits(constant, Type::b32) == bits) return constantText(constant, Type::b32);
  }
  return hexadecimal(bits);
}

std::string vectorName(std::uint32_t number, std::uint32_t registers) { return range("v", number, registers); }

std::string scalarName(std::uint32_t code, std::uint32_t registers) {
  if (code <= 105) return range("s", code, registers);
  if (code >= 108 && code <= 123) return range("ttmp", code - 108, registers);
  const bool pair = registers > 1;
  switch (code) {
  case 106: return pair ? "vcc" : "vcc_lo";
  case 107: return "vcc_hi";
  case 124: return "m0";
  case 125: return "null";
  case 126: return pair ? "exec" : "exec_lo";
  case 127: return "exec_hi";
  case 235: return "src_shared_base";
  case 236: return "src_shared_limit";
  case 237: return "src_private_base";
  case 238: return "src_private_limit";
  case 239: return "src_pops_exiting_wave_id";
  case 251: return "src_vccz";
  case 252: return "src_execz";
  case 253: return "src_scc";
  default: return "scalar" + std::to_string(code);
  }
}

std::string registersText(const Operand& operand, std::uint32_t registers) {
  return operand.kind == Operand::Kind::vgpr ? vectorName(operand.index, registers)
                                             : scalarName(operand.index, registers);
}

std::string operandText(const Operand& operand, Type type, std::uint32_t waveSize) {
  switch (operand.kind) {
  case Operand::Kind::none: return "none";
  case Operand::Kind::constant: return constantText(operand, type);
  case Operand::Kind::literal: return literalText(operand.literal, type);
  default: return registersText(operand, registersOf(type, waveSize));
  }
}

} // namespace rdna1::sim
