// SOP1, SOP2, SOPC, SOPK and SMEM as LLVM prints them.
#include "print_parts.hpp"

#include "../hexadecimal.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

std::uint16_t low16(const Instruction& instruction) { return static_cast<std::uint16_t>(instruction.immediate); }

std::string printSopk(const Instruction& instruction, std::uint32_t waveSize) {
  const Operation& operation = *instruction.operation;
  const std::string_view name = operation.name;
  Text text(instruction, waveSize);
  if (name == "s_version") {
    text.operand(low16(instruction) <= 64 ? std::to_string(low16(instruction)) : hexadecimal(low16(instruction)));
    return text.line(std::string(name));
  }
  if (name.starts_with("s_setreg")) {
    text.operand(hardwareRegister(low16(instruction)));
    const Operand& source = instruction.src[0];
    text.operand(source.kind == Operand::Kind::literal ? valueText(source.literal)
                                                       : operandText(source, Type::b32, waveSize));
    return text.line(std::string(name));
  }
  const bool written = operation.shape.dst != Type::none;
  text.operand(operandText(written ? instruction.dst : instruction.src[0],
                           written ? operation.shape.dst : operation.shape.src[0], waveSize));
  if (name == "s_getreg_b32") text.operand(hardwareRegister(low16(instruction)));
  else if (name == "s_call_b64" || name.starts_with("s_subvector")) text.operand(std::to_string(low16(instruction)));
  else text.operand(hexadecimal(low16(instruction)));
  return text.line(std::string(name));
}

std::string signedHexadecimal(std::int32_t value) {
  return value < 0 ? "-" + hexadecimal(static_cast<std::uint32_t>(-value))
                   : hexadecimal(static_cast<std::uint32_t>(value));
}

} // namespace

std::string printScalar(const Instruction& instruction, std::uint32_t waveSize) {
  const Operation& operation = *instruction.operation;
  if (operation.format == Format::sopk) return printSopk(instruction, waveSize);
  Text text(instruction, waveSize);
  if (instruction.dst.kind != Operand::Kind::none) {
    text.operand(operandText(instruction.dst, operation.shape.dst, waveSize));
  }
  for (std::size_t i = 0; i < 2; i++) {
    if (instruction.src[i].kind != Operand::Kind::none) {
      text.operand(operandText(instruction.src[i], operation.shape.src[i], waveSize));
    }
  }
  return text.line(std::string(operation.name));
}

std::string printSmem(const Instruction& instruction, std::uint32_t waveSize) {
  const Operation& operation = *instruction.operation;
  Text text(instruction, waveSize);
  const bool stored = instruction.data[0].kind != Operand::Kind::none;
  const Operand& data = stored ? instruction.data[0] : instruction.dst;
  if (data.kind != Operand::Kind::none) {
    text.operand(operandText(data, stored ? operation.shape.src[0] : operation.shape.dst, waveSize));
  }
  if (operation.name.starts_with("s_atc_probe"))
    text.operand(valueText(static_cast<std::uint32_t>(instruction.immediate)));
  if (instruction.base.kind != Operand::Kind::none) {
    text.operand(scalarName(instruction.base.index, baseRegisters(instruction)));
    const std::string offset = signedHexadecimal(instruction.memoryOffset);
    const bool none = instruction.scalarOffset.index == kNull;
    text.operand(none && instruction.memoryOffset != 0 ? offset : scalarName(instruction.scalarOffset.index, 1));
    if (!none && instruction.memoryOffset != 0) text.modifier("offset:" + offset);
  }
  text.flag(instruction.glc, "glc");
  text.flag(instruction.dlc, "dlc");
  return text.line(std::string(operation.name));
}

} // namespace rdna1::sim
