#include "print_parts.hpp"

namespace rdna1::sim {

void Text::operand(const std::string& text) {
  operands_ += operands_.empty() ? " " : ", ";
  operands_ += text;
}

void Text::flag(bool set, const char* name) {
  if (set) modifier(name);
}

void Text::value(const char* name, std::int64_t value) {
  if (value != 0) modifier(std::string(name) + ":" + std::to_string(value));
}

std::string Text::line(const std::string& name) const { return name + operands_ + modifiers_; }

std::string print(const Instruction& instruction, std::uint32_t waveSize) {
  switch (instruction.operation->format) {
  case Format::sop1:
  case Format::sop2:
  case Format::sopk:
  case Format::sopc: return printScalar(instruction, waveSize);
  case Format::sopp: return printSopp(instruction);
  case Format::smem: return printSmem(instruction, waveSize);
  case Format::vop1:
  case Format::vop2:
  case Format::vopc:
  case Format::vop3:
  case Format::vop3p: return printVector(instruction, waveSize);
  default: return printMemory(instruction, waveSize);
  }
}

} // namespace rdna1::sim
