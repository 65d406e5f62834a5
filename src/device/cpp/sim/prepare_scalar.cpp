// Operands of the scalar formats: every source becomes a place in Wave::scalar or two words of a constant.
#include "hardware_registers.hpp"

namespace rdna1::sim {
namespace {

constexpr std::uint16_t kFirstTrap = 108, kSharedBase = 235, kSharedLimit = 236, kPrivateBase = 237,
                        kPrivateLimit = 238, kVccIsZero = 251, kExecIsZero = 252, kScc = 253;

bool isPair(Type type) { return registersOf(type, 32) == 2; }

/// Registers that a kernel may name: SGPRs, VCC, M0, NULL, EXEC.
std::string checkRegister(std::uint16_t index, Type type) {
  if (index >= kFirstTrap && index < kM0) return "trap temporaries belong to trap handlers";
  if (!isPair(type)) return {};
  if (index == kM0) return "M0 is no pair";
  if (index != kNull && index % 2 != 0) return "a pair of scalar registers starts at an even one";
  return {};
}

/// Bits of a source that is no register of the wave but constant all the same; false for VCCZ, EXECZ and SCC.
bool apertureBits(std::uint16_t index, std::uint64_t& bits) {
  switch (index) {
  case kNull: bits = 0; return true;
  case kSharedBase: bits = std::uint64_t{kSharedAperture} << 32; return true;
  case kSharedLimit: bits = std::uint64_t{kSharedAperture} << 32 | 0xffffffff; return true;
  case kPrivateBase: bits = std::uint64_t{kPrivateAperture} << 32; return true;
  case kPrivateLimit: bits = std::uint64_t{kPrivateAperture} << 32 | 0xffffffff; return true;
  default: return false;
  }
}

/// Runs `inner` after the flags that its sources name were put where it looks for them.
void withFlags(Wave& wave, const Step& step) {
  for (std::uint32_t i = 0; i < 2; ++i) {
    std::uint32_t bit = 0;
    switch (step.scalarSrc[i]) {
    case kVccIsZero: bit = wave.mask(kVcc) == 0; break;
    case kExecIsZero: bit = wave.mask(kExec) == 0; break;
    case kScc: bit = wave.scc; break;
    default: continue;
    }
    wave.scalar[kSpecial + 2 * i] = bit;
    wave.scalar[kSpecial + 2 * i + 1] = 0;
  }
  step.inner->run(wave, *step.inner);
}

/// Sets `flag` when the source is VCCZ, EXECZ or SCC.
std::string prepareSource(const Operand& operand, Type type, Program& program, Step& step, std::uint32_t i,
                          bool& flag) {
  if (operand.kind == Operand::Kind::constant || operand.kind == Operand::Kind::literal) {
    step.src[i].constant = program.constantPair(constantBits(operand, type));
    return {};
  }
  if (operand.kind != Operand::Kind::scalar) return "a scalar operation has no such source";
  std::uint64_t bits = 0;
  if (apertureBits(operand.index, bits)) {
    step.src[i].constant = program.constantPair(bits);
    return {};
  }
  step.scalarSrc[i] = operand.index;
  if (operand.index < kTrash) return checkRegister(operand.index, type);
  flag = true;
  if (operand.index == kVccIsZero || operand.index == kExecIsZero || operand.index == kScc) return {};
  return "the simulator has no source with code " + std::to_string(operand.index);
}

std::string prepareDestination(const Instruction& instruction, std::uint32_t waveSize, Step& step) {
  const Shape& shape = instruction.operation->shape;
  if (waveSize == 32 && shape.writesExec && isPair(shape.dst)) return "writes EXEC_HI, which 32 lanes do not have";
  if (shape.dst == Type::none) return {};
  const Operand& dst = instruction.dst;
  if (dst.kind != Operand::Kind::scalar || dst.index >= kTrash) return "a scalar operation has no such destination";
  step.dst = dst.index == kNull ? kTrash : dst.index;
  if (dst.index == kNull && shape.readsDst) return "reads and writes NULL";
  if (waveSize == 32 && (dst.index == kExec + 1 || (dst.index == kExec && isPair(shape.dst)))) {
    return "writes EXEC_HI, which 32 lanes do not have";
  }
  return checkRegister(dst.index, shape.dst);
}

/// What the operation itself demands of its operands.
std::string checkOperation(const Instruction& instruction) {
  const std::string_view name = instruction.operation->name;
  const bool source = instruction.src[0].kind == Operand::Kind::scalar && instruction.src[0].index < kTrash;
  if ((name == "s_setpc_b64" || name == "s_swappc_b64") && !source) return "jumps to an address that is no register";
  if (name.starts_with("s_movrels") && !(source && instruction.src[0].index < kVcc)) return "M0 counts from an SGPR";
  if ((name.starts_with("s_movreld") || name.starts_with("s_movrelsd")) && instruction.dst.index >= kVcc) {
    return "M0 counts from an SGPR";
  }
  if (name.starts_with("s_getreg")) return checkHardwareRegister(instruction.immediate, false);
  if (name.starts_with("s_setreg")) return checkHardwareRegister(instruction.immediate, true);
  return {};
}

} // namespace

std::string prepareScalar(const Instruction& instruction, Program& program, Step& step) {
  const Shape& shape = instruction.operation->shape;
  step.immediate = instruction.immediate;
  if (std::string problem = prepareDestination(instruction, program.waveSize(), step); !problem.empty()) return problem;
  bool flags = false;
  for (std::uint32_t i = 0; i < shape.src.size() && shape.src[i] != Type::none; ++i) {
    std::string problem = prepareSource(instruction.src[i], shape.src[i], program, step, i, flags);
    if (!problem.empty()) return problem;
  }
  if (std::string problem = checkOperation(instruction); !problem.empty()) return problem;
  if (!flags) return {};
  Step inner = step;
  for (std::uint32_t i = 0; i < 2; ++i) {
    if (step.scalarSrc[i] >= kTrash) inner.scalarSrc[i] = static_cast<std::uint16_t>(kSpecial + 2 * i);
  }
  step.inner = program.keep(inner);
  step.run = withFlags;
  return {};
}

} // namespace rdna1::sim
