// What the printers of the formats share.
#pragma once

#include "decode_fields.hpp"

#include <string>

namespace rdna1::sim {

/// Collects an instruction's text: name, operands with commas, modifiers with spaces.
class Text {
public:
  Text(const Instruction& instruction, std::uint32_t waveSize) : instruction(instruction), waveSize(waveSize) {}

  const Instruction& instruction;
  const std::uint32_t waveSize;

  void operand(const std::string& text);
  void modifier(const std::string& text) { modifiers_ += " " + text; }
  /// " name" when it is set.
  void flag(bool set, const char* name);
  /// " name:value" unless it is 0.
  void value(const char* name, std::int64_t value);
  std::string line(const std::string& name) const;

private:
  std::string operands_, modifiers_;
};

/// "v4", "v[4:5]".
std::string vectorName(std::uint32_t number, std::uint32_t registers);
/// "s4", "s[4:5]", "vcc_lo", "vcc", "ttmp[0:3]", "src_scc" …
std::string scalarName(std::uint32_t code, std::uint32_t registers);
/// An operand as `type` sees it, without neg and abs.
std::string operandText(const Operand& operand, Type type, std::uint32_t waveSize);
/// 32 bits as the inline constant that they equal, else in hexadecimal.
std::string valueText(std::uint32_t bits);
/// An operand that takes `registers` registers, for memory formats.
std::string registersText(const Operand& operand, std::uint32_t registers);

std::string printScalar(const Instruction& instruction, std::uint32_t waveSize); ///< SOP1, SOP2, SOPC, SOPK
std::string printSopp(const Instruction& instruction);
std::string printSmem(const Instruction& instruction, std::uint32_t waveSize);
std::string printVector(const Instruction& instruction, std::uint32_t waveSize);
std::string printMemory(const Instruction& instruction, std::uint32_t waveSize); ///< DS, MUBUF, MTBUF, FLAT …

/// "hwreg(HW_REG_MODE, 0, 4)" of 16 bits.
std::string hardwareRegister(std::uint16_t bits);
/// "[BUF_FMT_8_UNORM]", or the number of a format without a name [RDNA1 ISA §8.1.5].
std::string bufferFormat(std::uint32_t format);
/// "swizzle(QUAD_PERM,0,1,2,3)" of ds_swizzle_b32's offset.
std::string swizzle(std::uint32_t offset);

} // namespace rdna1::sim
