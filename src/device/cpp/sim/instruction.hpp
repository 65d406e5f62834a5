// One decoded instruction: the operation and every field of its encoding, as found, nothing executed.
#pragma once

#include "operation.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <variant>

namespace rdna1::sim {

/// A register, constant or literal of an instruction.
struct Operand {
  enum class Kind : std::uint8_t { none, vgpr, scalar, constant, literal };
  Kind kind = Kind::none;
  bool neg = false;
  bool abs = false;
  /// vgpr: its number. scalar: number in the source encoding: 0-105 SGPR, 106/107 VCC, 108-123 TTMP, 124 M0, 125 NULL,
  /// 126/127 EXEC, 235-239 apertures, 251 VCCZ, 252 EXECZ, 253 SCC. constant: its code, 128-208 or 240-248.
  std::uint16_t index = 0;
  std::uint32_t literal = 0; ///< the 32 bits that follow the instruction
};

/// The bits of an inline constant (code 128-208, 240-248) or of a literal, as an operand of `type` sees them: sign- or
/// zero-extended integers, floats in the operand's own width, 16-bit types in the low half, packed types [RDNA1 ISA
/// §6.2.3, LLVM AMDGPUOperandSyntax].
std::uint64_t constantBits(const Operand& operand, Type type);

enum class Form : std::uint8_t { plain, vop3, sdwa, dpp16, dpp8 };

struct Sdwa { ///< [RDNA1 ISA §13.3.10]: selections 0-3 a byte, 4-5 a word, 6 the whole
  std::uint8_t dstSelect = 6, dstUnused = 0;
  std::uint8_t select[2] = {6, 6};
  bool signExtend[2] = {false, false};
};

struct Dpp {
  std::uint16_t control = 0; ///< dpp16: DPP_CTRL
  std::uint8_t rowMask = 15, bankMask = 15;
  bool boundControl = false; ///< out-of-range lanes read 0 and stay enabled
  bool fetchInactive = false;
  std::uint32_t select = 0; ///< dpp8: eight 3-bit lane numbers
};

struct Instruction {
  const Operation* operation = nullptr;
  std::uint64_t offset = 0; ///< bytes from the start of the code object's image
  std::uint8_t size = 0;    ///< bytes, 4 to 12
  Form form = Form::plain;
  std::uint32_t words[3] = {};

  Operand dst;    ///< vgpr, or scalar for scalar formats; memory: what a load or returning atomic writes
  Operand sdst;   ///< second destination, VCC in the plain forms
  Operand src[3]; ///< as in Shape::src; VCC as carry-in of the plain forms is here too
  /// SOPK, SOPP: SIMM16, sign-extended; s_setreg_imm32: the literal is src[0]. SOPK without a destination (s_cmpk_*,
  /// s_setreg_b32, s_waitcnt_*): the register in the SDST field is src[0]; s_addk, s_mulk, s_cmovk: it is dst alone.
  std::int32_t immediate = 0;

  // vector arithmetic
  bool clamp = false;
  std::uint8_t outputModifier = 0;      ///< OMOD: 1 times 2, 2 times 4, 3 divided by 2
  std::uint8_t opSel = 0;               ///< bits 0-2 sources, 3 destination
  std::uint8_t opSelHi = 7;             ///< VOP3P
  std::uint8_t negLow = 0, negHigh = 0; ///< VOP3P (v_fma_mix: neg, abs)
  Sdwa sdwa;
  Dpp dpp;

  // memory
  Operand address;               ///< VGPR(s) of the address; none where the instruction has none
  Operand data[2];               ///< VGPRs (SMEM: SGPRs) that are stored or combined
  Operand base;                  ///< SADDR, SBASE, or the first SGPR of SRSRC
  Operand scalarOffset;          ///< SOFFSET
  std::int32_t memoryOffset = 0; ///< instruction offset in bytes; DS: OFFSET0, or the 16-bit offset
  std::uint8_t offset1 = 0;      ///< DS: OFFSET1 of read2 and write2
  bool glc = false, slc = false, dlc = false, lds = false, offen = false, idxen = false, gds = false, tfe = false;
  std::uint8_t bufferFormat = 0; ///< MTBUF
};

/// Decodes the instruction at the start of `words` (at least one). `offset` is only kept. A string says what is wrong:
/// unknown opcode or one of another target, an operand or modifier that the encoding does not allow, cut off.
std::variant<Instruction, std::string> decode(std::span<const std::uint32_t> words, std::uint64_t offset,
                                              Targets target);

/// What is wrong with a decoded instruction in waves of this size, or nothing: in 64 lanes a mask is an aligned pair.
std::string problemInWave(const Instruction& instruction, std::uint32_t waveSize);

/// As llvm-objdump prints it for the wave size, without the leading tab, address and comment.
std::string print(const Instruction& instruction, std::uint32_t waveSize);

/// Registers that an instruction reads or writes, for checks and analyses.
struct RegisterRange {
  bool vector = false; ///< VGPRs, else scalars in the source encoding's numbering
  std::uint16_t first = 0;
  std::uint16_t count = 0;
};

/// All registers read (including EXEC for vector and memory instructions, VCC, M0, the old destination where it counts)
/// and written. SCC is not among them: see Shape.
struct RegisterUse {
  RegisterRange reads[12];
  std::uint8_t readCount = 0;
  RegisterRange writes[4];
  std::uint8_t writeCount = 0;
};
RegisterUse registersUsed(const Instruction& instruction, std::uint32_t waveSize);

} // namespace rdna1::sim
