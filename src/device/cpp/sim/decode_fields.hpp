// What the decoders of the formats share: the bits of the instruction, and operands by their code.
#pragma once

#include "instruction.hpp"

#include <string>

namespace rdna1::sim {

/// Ends the decoding of an instruction.
struct DecodeError {
  std::string problem;
};

/// The words at hand and the instruction that is made of them. Functions throw DecodeError.
class Fields {
public:
  Fields(std::span<const std::uint32_t> words, Targets target, Instruction& instruction);

  Instruction& instruction;
  const Targets target;

  /// Bits `first` and up of the words taken so far, numbered as in the manual's 64-bit formats.
  std::uint32_t bits(unsigned first, unsigned count) const;
  bool bit(unsigned index) const { return bits(index, 1) != 0; }
  /// One more word belongs to the instruction.
  std::uint32_t takeWord();
  /// The literal, one for all operands that ask for it.
  std::uint32_t literal();

  /// Looks the opcode up; instruction.operation is what it finds.
  const Operation& findOperation(Format format, std::uint32_t opcode);
  /// Fields that the operation does not use have to be zero.
  void requireZero(unsigned first, unsigned count, const char* field) const;

  /// A scalar register by its 7-bit number.
  Operand scalarRegister(std::uint32_t code, std::uint32_t registers) const;
  /// A scalar register, constant or literal by its 8-bit code.
  Operand scalarSource(std::uint32_t code, Type type);
  /// The same, or a VGPR from 256.
  Operand source(std::uint32_t code, Type type);
  Operand vgpr(std::uint32_t number, std::uint32_t registers) const;
  Operand vgpr(std::uint32_t number, Type type) const { return vgpr(number, registersOf(type, 32)); }

private:
  std::span<const std::uint32_t> words_;
  bool hasLiteral_ = false;
  std::uint32_t literal_ = 0;
};

/// VOP1, VOP2 and VOPC operations have other encodings; not all of them have all.
struct Forms {
  bool vop3, sdwa, dpp;
};
Forms formsOf(const Operation& operation);

/// OP_SEL means something: 16-bit operands of operations that exist in VOP3 only.
bool hasHalfSelects(const Operation& operation);
/// Throw DecodeError for a modifier that the operation cannot have. `neg`, `abs`: a bit for each source.
void checkSigns(const Instruction& instruction, std::uint32_t neg, std::uint32_t abs);
void checkOutput(const Instruction& instruction);
void checkSignExtensions(const Instruction& instruction);
void checkPacked(const Instruction& instruction, std::size_t sources);

/// VGPRs of Instruction::address and scalars of Instruction::base, of an instruction that has them.
std::uint32_t addressRegisters(const Instruction& instruction);
std::uint32_t baseRegisters(const Instruction& instruction);

/// SOPP without an immediate, which then is 0: s_barrier, s_code_end …
bool hasImmediate(const Operation& operation);

/// v_madmk, v_fmamk: the literal is the second source; v_madak, v_fmaak: the third.
enum class LiteralPlace : std::uint8_t { none, second, third };
LiteralPlace literalPlace(const Operation& operation);

void decodeSop(Fields& fields); ///< SOP1, SOP2, SOPK, SOPC, SOPP
void decodeVop(Fields& fields); ///< VOP1, VOP2, VOPC with SDWA and DPP
void decodeVop3(Fields& fields);
void decodeVop3p(Fields& fields);
void decodeSdwa(Fields& fields, std::uint32_t secondSource);
void decodeDpp16(Fields& fields, std::uint32_t secondSource);
void decodeDpp8(Fields& fields, std::uint32_t secondSource);
void decodeSmem(Fields& fields);
void decodeDs(Fields& fields);
void decodeMubuf(Fields& fields);
void decodeMtbuf(Fields& fields);
void decodeFlat(Fields& fields); ///< FLAT, GLOBAL, SCRATCH

} // namespace rdna1::sim
