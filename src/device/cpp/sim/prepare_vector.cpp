// Operands of the vector formats: every source becomes a row, or a mask in scalar registers.
#include "float_mode.hpp"
#include "modifiers.hpp"
#include "vector.hpp"

#include <algorithm>
#include <span>

namespace rdna1::sim {
namespace {

constexpr u32 kFirstTrap = 108, kFirstAperture = 235, kLastAperture = 238, kVccZero = 251, kScc = 253;

std::string checkVgprs(const Operand& operand, u32 registers, const Program& program) {
  if (operand.index + registers <= program.vgprs()) return {};
  return "v" + std::to_string(operand.index + registers - 1) + " is not among the " + std::to_string(program.vgprs()) +
         " VGPRs that the kernel allocates";
}

/// A scalar register that a kernel may name, `registers` of them.
std::string checkScalars(u32 index, u32 registers, u32 waveSize) {
  if (index >= kFirstTrap && index < kM0) return "trap temporaries belong to trap handlers";
  if (registers == 2 && index == kM0) return "M0 is no pair";
  if (registers == 2 && index != kNull && index % 2 != 0) return "a pair of scalar registers starts at an even one";
  if (waveSize == 32 && index == kExec + 1) return "EXEC_HI has no meaning for 32 lanes";
  return {};
}

std::string prepareDestinations(const Instruction& instruction, const Program& program, Step& step) {
  const Shape& shape = instruction.operation->shape;
  const u32 lanes = program.waveSize();
  if (shape.scalarDst) {
    if (instruction.dst.kind != Operand::Kind::scalar) return "its destination is no scalar register";
    step.dst = instruction.dst.index == kNull ? kTrash : instruction.dst.index;
    return checkScalars(instruction.dst.index, registersOf(shape.dst, lanes), lanes);
  }
  if (shape.dst != Type::none) {
    if (instruction.dst.kind != Operand::Kind::vgpr) return "its destination is no vector register";
    step.dst = instruction.dst.index * lanes;
    std::string problem = checkVgprs(instruction.dst, registersOf(shape.dst, lanes), program);
    if (!problem.empty()) return problem;
  }
  if (shape.writesExec) step.sdst = kExec;
  if (shape.sdst == Type::none) return {};
  if (instruction.sdst.kind != Operand::Kind::scalar) return "its mask goes to no scalar register";
  step.sdst = instruction.sdst.index == kNull ? kTrash : instruction.sdst.index;
  return checkScalars(instruction.sdst.index, lanes / 32, lanes);
}

/// A mask operand stays in scalar registers: see maskSource.
std::string prepareMask(const Operand& operand, Program& program, Step& step, u32 i) {
  const bool constant = operand.kind == Operand::Kind::constant || operand.kind == Operand::Kind::literal;
  if (constant || (operand.kind == Operand::Kind::scalar && operand.index == kNull)) {
    step.src[i].constant = program.constantPair(constant ? constantBits(operand, Type::b64) : 0);
    return {};
  }
  if (operand.kind != Operand::Kind::scalar || operand.index >= kTrash) return "its mask is in no scalar register";
  step.scalarSrc[i] = operand.index;
  return checkScalars(operand.index, program.waveSize() / 32, program.waveSize());
}

/// A scalar is copied to all lanes of a row before the step runs: of a row of its own (a pair's are neighbours), so
/// that only changes are copied. NULL and what is no register share rows.
std::string prepareScalarSource(const Operand& operand, u32 registers, const Program& program, Step& step, u32 i) {
  const u32 index = operand.index, lanes = program.waveSize();
  const bool special = (index >= kFirstAperture && index <= kLastAperture) || (index >= kVccZero && index <= kScc);
  if (index >= kTrash && !special) return "the simulator has no source with code " + std::to_string(index);
  if (registers > 2) return "a source of " + std::to_string(registers) + " scalar registers";
  step.scalarSrc[i] = operand.index;
  if (special || index == kNull) {
    step.specials |= static_cast<u8>((registers == 2 ? 0x11 : 1) << i);
    step.src[i].offset = (program.vgprs() + kSpecialRows + 2 * i) * lanes;
    return {};
  }
  step.src[i].offset = (program.vgprs() + kScalarRows + index) * lanes;
  for (u32 word = 0; word < registers; ++word) {
    const Spread spread{static_cast<u16>(index + word), step.src[i].offset + word * lanes};
    const std::span known(step.spreads, step.spreadCount);
    if (std::ranges::find(known, spread.scalar, &Spread::scalar) != known.end()) continue;
    if (known.size() == std::size(step.spreads)) return "reads more than four scalar registers";
    step.spreads[step.spreadCount++] = spread;
  }
  return checkScalars(index, registers, lanes);
}

/// The type that a constant takes: v_fma_mix* read each source as f32 or f16, as OP_SEL_HI says.
Type constantType(const Instruction& instruction, u32 i) {
  const Type type = instruction.operation->shape.src[i];
  if (type != Type::mixed) return type;
  return (instruction.opSelHi >> i & 1) != 0 ? Type::f16 : Type::f32;
}

std::string prepareSource(const Instruction& instruction, Program& program, Step& step, u32 i) {
  const Operand& operand = instruction.src[i];
  const Type type = instruction.operation->shape.src[i];
  if (type == Type::mask) return prepareMask(operand, program, step, i);
  const u32 registers = registersOf(type, program.waveSize());
  switch (operand.kind) {
  case Operand::Kind::vgpr:
    step.src[i].offset = operand.index * program.waveSize();
    return checkVgprs(operand, registers, program);
  case Operand::Kind::scalar: return prepareScalarSource(operand, registers, program, step, i);
  case Operand::Kind::constant:
  case Operand::Kind::literal:
    if (registers > 2) return "a constant of " + std::to_string(registers) + " registers";
    step.src[i].constant = program.constantRow(constantBits(operand, constantType(instruction, i)), registers == 2);
    return {};
  case Operand::Kind::none: break;
  }
  return "source " + std::to_string(i) + " is missing";
}

} // namespace

std::string prepareVector(const Instruction& instruction, Program& program, Step& step) {
  step.immediate = instruction.immediate;
  std::string problem = prepareDestinations(instruction, program, step);
  const Shape& shape = instruction.operation->shape;
  for (u32 i = 0; problem.empty() && i < 3 && shape.src[i] != Type::none; ++i)
    problem = prepareSource(instruction, program, step, i);
  if (!problem.empty()) return problem;
  if (step.specials != 0 || step.spreadCount > 1) step.scalars = Scalars::several;
  else if (step.spreadCount == 1) step.scalars = Scalars::one;
  prepareFloatMode(step);
  return prepareModifiers(instruction, program, step);
}

} // namespace rdna1::sim
