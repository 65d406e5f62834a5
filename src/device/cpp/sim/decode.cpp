// Finds an instruction's format by its leading bits [RDNA1 ISA §13].
#include "decode_fields.hpp"

#include "../hexadecimal.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

void decodeWide(Fields& fields) {
  const std::uint32_t encoding = fields.bits(26, 6);
  switch (encoding) {
  case 0b110010: throw DecodeError{"interpolation instructions are not supported"};
  case 0b110011: return decodeVop3p(fields);
  case 0b110101: return decodeVop3(fields);
  case 0b110110: return decodeDs(fields);
  case 0b110111: return decodeFlat(fields);
  case 0b111000: return decodeMubuf(fields);
  case 0b111010: return decodeMtbuf(fields);
  case 0b111100: throw DecodeError{"image instructions are not supported"};
  case 0b111101: return decodeSmem(fields);
  case 0b111110: throw DecodeError{"export instructions are not supported"};
  default: throw DecodeError{"no instruction format starts with the bits of " + hexadecimal(fields.bits(0, 32))};
  }
}

} // namespace

std::variant<Instruction, std::string> decode(std::span<const std::uint32_t> words, std::uint64_t offset,
                                              Targets target) {
  Instruction instruction;
  instruction.offset = offset;
  try {
    Fields fields(words, target, instruction);
    switch (fields.bits(30, 2)) {
    case 2: decodeSop(fields); break;
    case 3: decodeWide(fields); break;
    default: decodeVop(fields);
    }
  } catch (const DecodeError& error) {
    return error.problem;
  }
  return instruction;
}

std::string problemInWave(const Instruction& instruction, std::uint32_t waveSize) {
  const auto wrong = [waveSize](const Operand& operand) {
    if (waveSize == 32 || operand.kind != Operand::Kind::scalar) return false;
    return operand.index % 2 != 0 ? operand.index != kNull : operand.index == kM0;
  };
  bool any = wrong(instruction.sdst);
  for (std::size_t i = 0; i < 3; i++) {
    any |= instruction.operation->shape.src[i] == Type::mask && wrong(instruction.src[i]);
  }
  return any ? "a lane mask of 64 bits needs a pair of scalar registers that starts at an even one" : "";
}

} // namespace rdna1::sim
