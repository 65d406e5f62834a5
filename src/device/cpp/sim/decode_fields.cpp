#include "decode_fields.hpp"

#include "../hexadecimal.hpp"
#include "wave.hpp"

#include <algorithm>
#include <cstdio>

namespace rdna1::sim {
namespace {

constexpr std::uint32_t kLastSgpr = 105, kFirstTtmp = 108, kLastTtmp = 123, kExecHigh = kExec + 1;
constexpr std::uint32_t kLdsDirect = 254, kLiteral = 255, kFirstVgpr = 256;

std::string scalarName(std::uint32_t code, std::uint32_t registers) {
  return "scalar register " + std::to_string(code) + " with " + std::to_string(registers) + " registers";
}

bool isConstant(std::uint32_t code) { return (code >= 128 && code <= 208) || (code >= 240 && code <= 248); }

/// Apertures, POPS_EXITING_WAVE_ID, VCCZ, EXECZ, SCC.
bool isSpecialSource(std::uint32_t code) { return (code >= 235 && code <= 239) || (code >= 251 && code <= 253); }

} // namespace

Fields::Fields(std::span<const std::uint32_t> words, Targets target, Instruction& instruction)
    : instruction(instruction), target(target), words_(words) {
  takeWord();
}

std::uint32_t Fields::takeWord() {
  const std::size_t index = instruction.size / 4;
  if (index >= words_.size()) throw DecodeError{"the instruction is cut off at the end of the code"};
  if (index >= 3) throw DecodeError{"the instruction takes more than three words"};
  instruction.size += 4;
  return instruction.words[index] = words_[index];
}

std::uint32_t Fields::literal() {
  if (!hasLiteral_) literal_ = takeWord();
  hasLiteral_ = true;
  return literal_;
}

std::uint32_t Fields::bits(unsigned first, unsigned count) const {
  const std::uint64_t both = instruction.words[0] | std::uint64_t{instruction.words[1]} << 32;
  return static_cast<std::uint32_t>(both >> first & ((std::uint64_t{1} << count) - 1));
}

const Operation& Fields::findOperation(Format format, std::uint32_t opcode) {
  const auto* operation = sim::findOperation(format, static_cast<std::uint16_t>(opcode), target);
  if (operation == nullptr) {
    for (const Targets other : {kGfx1010, kGfx1012, kGfx1030}) {
      const auto* its = sim::findOperation(format, static_cast<std::uint16_t>(opcode), other);
      if (its != nullptr) throw DecodeError{std::string(its->name) + " is an instruction of other targets only"};
    }
    throw DecodeError{"opcode " + hexadecimal(opcode) + " is unknown or not supported"};
  }
  instruction.operation = operation;
  return *operation;
}

void Fields::requireZero(unsigned first, unsigned count, const char* field) const {
  if (bits(first, count) != 0) {
    throw DecodeError{std::string(instruction.operation->name) + " has " + field + " " +
                      hexadecimal(bits(first, count)) + " where it has to be 0"};
  }
}

Operand Fields::scalarRegister(std::uint32_t code, std::uint32_t registers) const {
  const std::uint32_t last = code + registers - 1;
  const bool sgprs = last <= kLastSgpr;
  const bool traps = code >= kFirstTtmp && last <= kLastTtmp;
  const std::uint32_t alignment = registers == 1 ? 1 : registers == 2 ? 2 : 4;
  const std::uint32_t place = code - (traps ? kFirstTtmp : 0);
  bool allowed = (sgprs || traps) && place % alignment == 0;
  if (registers == 1) allowed = code <= kExecHigh;
  if (registers == 2) allowed |= code == kVcc || code == kExec;
  allowed |= code == kNull;
  if (!allowed) throw DecodeError{scalarName(code, registers) + ": no such register, or not aligned"};
  return {.kind = Operand::Kind::scalar, .index = static_cast<std::uint16_t>(code)};
}

Operand Fields::scalarSource(std::uint32_t code, Type type) {
  if (code <= kExecHigh) return scalarRegister(code, std::max(registersOf(type, 32), 1U));
  if (isConstant(code)) return {.kind = Operand::Kind::constant, .index = static_cast<std::uint16_t>(code)};
  if (isSpecialSource(code)) return {.kind = Operand::Kind::scalar, .index = static_cast<std::uint16_t>(code)};
  if (code == kLiteral) return {.kind = Operand::Kind::literal, .literal = literal()};
  if (code == kLdsDirect) throw DecodeError{"LDS_DIRECT is not supported as a source"};
  throw DecodeError{"source operand code " + std::to_string(code) + " is reserved"};
}

Operand Fields::source(std::uint32_t code, Type type) {
  return code >= kFirstVgpr ? vgpr(code - kFirstVgpr, type) : scalarSource(code, type);
}

Operand Fields::vgpr(std::uint32_t number, std::uint32_t registers) const {
  if (number + registers > 256) {
    throw DecodeError{"vector register " + std::to_string(number) + " with " + std::to_string(registers) +
                      " registers: there are 256"};
  }
  return {.kind = Operand::Kind::vgpr, .index = static_cast<std::uint16_t>(number)};
}

} // namespace rdna1::sim
