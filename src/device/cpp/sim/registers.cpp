#include "decode_fields.hpp"
#include "wave.hpp"

namespace rdna1::sim {
namespace {

constexpr std::uint16_t kVccz = 251, kExecz = 252;

bool isScalarFormat(Format format) { return format <= Format::smem; }
bool isVectorMemory(Format format) { return format >= Format::ds; }

/// Fills a RegisterUse from an instruction's operands.
class Collector {
public:
  Collector(const Instruction& instruction, std::uint32_t waveSize) : instruction_(instruction), waveSize_(waveSize) {}

  RegisterUse collect() {
    sources();
    if (isVectorMemory(format()) || format() == Format::smem) memory();
    destinations();
    implicit();
    return use_;
  }

private:
  Format format() const { return instruction_.operation->format; }
  const Shape& shape() const { return instruction_.operation->shape; }
  std::uint32_t maskRegisters() const { return waveSize_ / 32; }

  static RegisterRange rangeOf(const Operand& operand, std::uint32_t count) {
    return {.vector = operand.kind == Operand::Kind::vgpr,
            .first = operand.index,
            .count = static_cast<std::uint16_t>(count)};
  }
  static RegisterRange scalars(std::uint16_t first, std::uint32_t count) {
    return {.vector = false, .first = first, .count = static_cast<std::uint16_t>(count)};
  }

  void reads(const RegisterRange& range) { use_.reads[use_.readCount++] = range; }
  void writes(const RegisterRange& range) { use_.writes[use_.writeCount++] = range; }

  /// NULL, constants and apertures are no registers; VCCZ and EXECZ stand for theirs.
  void read(const Operand& operand, std::uint32_t count) {
    if (operand.kind == Operand::Kind::vgpr) return reads(rangeOf(operand, count));
    if (operand.kind != Operand::Kind::scalar || operand.index == kNull) return;
    if (operand.index == kVccz) return reads(scalars(kVcc, maskRegisters()));
    if (operand.index == kExecz) return reads(scalars(kExec, maskRegisters()));
    if (operand.index <= kExec + 1) reads(rangeOf(operand, count));
  }

  void write(const Operand& operand, std::uint32_t count) {
    const bool scalar = operand.kind == Operand::Kind::scalar && operand.index != kNull;
    if (scalar || operand.kind == Operand::Kind::vgpr) writes(rangeOf(operand, count));
  }

  void sources() {
    for (std::size_t i = 0; i < 3; i++) read(instruction_.src[i], registersOf(shape().src[i], waveSize_));
  }

  void memory() {
    const std::uint32_t more = instruction_.tfe ? 1 : 0;
    for (std::size_t i = 0; i < 2; i++) read(instruction_.data[i], registersOf(shape().src[i], waveSize_) + more);
    read(instruction_.address, addressRegisters(instruction_));
    read(instruction_.base, baseRegisters(instruction_));
    read(instruction_.scalarOffset, 1);
  }

  void destinations() {
    const std::uint32_t more = instruction_.tfe ? 1 : 0;
    const std::uint32_t count = registersOf(shape().dst, waveSize_) + more;
    const bool keepsRest =
        instruction_.form == Form::sdwa && instruction_.sdwa.dstSelect != 6 && instruction_.sdwa.dstUnused == 2;
    if (shape().readsDst || keepsRest) read(instruction_.dst, count);
    write(instruction_.dst, count);
    write(instruction_.sdst, maskRegisters());
    if (instruction_.operation->name.starts_with("v_swap")) {
      read(instruction_.dst, count);
      write(instruction_.src[0], count);
    }
  }

  void implicit() {
    const std::string_view name = instruction_.operation->name;
    const bool ignoresExec = name == "v_readlane_b32" || name == "v_writelane_b32" || name == "v_nop";
    if (!isScalarFormat(format()) && !ignoresExec) reads(scalars(kExec, maskRegisters()));
    if (name.starts_with("s_cbranch_exec")) reads(scalars(kExec, maskRegisters()));
    if (shape().readsVcc) reads(scalars(kVcc, maskRegisters()));
    if (shape().usesM0) reads(scalars(kM0, 1));
    if (!shape().writesExec) return;
    const std::uint32_t count = isScalarFormat(format()) ? registersOf(shape().src[0], waveSize_) : maskRegisters();
    if (isScalarFormat(format())) reads(scalars(kExec, count));
    writes(scalars(kExec, count));
  }

  const Instruction& instruction_;
  const std::uint32_t waveSize_;
  RegisterUse use_;
};

} // namespace

std::uint32_t addressRegisters(const Instruction& instruction) {
  const bool hasBase = instruction.base.kind != Operand::Kind::none;
  switch (instruction.operation->format) {
  case Format::mubuf:
  case Format::mtbuf: return (instruction.offen ? 1 : 0) + (instruction.idxen ? 1 : 0);
  case Format::flat: return 2;
  case Format::global: return hasBase ? 1 : 2;
  default: return 1;
  }
}

std::uint32_t baseRegisters(const Instruction& instruction) {
  switch (instruction.operation->format) {
  case Format::smem: return instruction.operation->name.find("_buffer") != std::string_view::npos ? 4 : 2;
  case Format::mubuf:
  case Format::mtbuf: return 4;
  case Format::scratch: return 1;
  default: return 2;
  }
}

RegisterUse registersUsed(const Instruction& instruction, std::uint32_t waveSize) {
  return Collector(instruction, waveSize).collect();
}

} // namespace rdna1::sim
