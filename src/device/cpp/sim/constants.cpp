#include "instruction.hpp"

namespace rdna1::sim {
namespace {

constexpr std::uint16_t kFirstFloat = 240;

/// Inline floats 240-248: 0.5, -0.5, 1, -1, 2, -2, 4, -4, 1/(2 pi) [RDNA1 ISA §6.2.3].
constexpr std::uint16_t kHalf[] = {0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000, 0xc000, 0x4400, 0xc400, 0x3118};
constexpr std::uint32_t kSingle[] = {0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
                                     0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983};
constexpr std::uint64_t kDouble[] = {0x3fe0000000000000, 0xbfe0000000000000, 0x3ff0000000000000,
                                     0xbff0000000000000, 0x4000000000000000, 0xc000000000000000,
                                     0x4010000000000000, 0xc010000000000000, 0x3fc45f306dc9c882};

bool isHalfWide(Type type) { return type == Type::b16 || type == Type::i16 || type == Type::u16 || type == Type::f16; }

/// 16-bit integers see the half's bits, packed ones the single's [LLVM AMDGPUDisassembler].
std::uint64_t floatBits(std::size_t index, Type type) {
  if (isHalfWide(type) || type == Type::packedF16) return kHalf[index];
  return registersOf(type, 32) == 2 ? kDouble[index] : kSingle[index];
}

/// Of a 64-bit operand a literal is the high half where it is a float, else extended by the type's sign.
std::uint64_t literalBits(std::uint32_t literal, Type type) {
  if (isHalfWide(type)) return literal & 0xffff;
  if (type == Type::f64) return std::uint64_t{literal} << 32;
  if (type == Type::i64) return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(literal)});
  return literal;
}

} // namespace

std::uint64_t constantBits(const Operand& operand, Type type) {
  if (operand.kind == Operand::Kind::literal) return literalBits(operand.literal, type);
  if (operand.index >= kFirstFloat) return floatBits(operand.index - kFirstFloat, type);
  const std::int64_t value = operand.index <= 192 ? operand.index - 128 : 192 - operand.index;
  const auto bits = static_cast<std::uint64_t>(value);
  if (isHalfWide(type)) return bits & 0xffff;
  return registersOf(type, 64) >= 2 ? bits : bits & 0xffffffff;
}

} // namespace rdna1::sim
