#include "lanes.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

/// Finds places for the operands; `problem` says why not.
struct Preparation {
  const Instruction& instruction;
  Program& program;
  Step& step;
  std::string problem;

  /// Offset of a VGPR's row.
  u32 row(const Operand& operand, Type type) {
    if (operand.index + registersOf(type, program.waveSize()) > program.vgprs()) {
      problem = "uses v" + std::to_string(operand.index + registersOf(type, program.waveSize()) - 1) +
                ", but the kernel has " + std::to_string(program.vgprs()) + " VGPRs";
    }
    return operand.index * program.waveSize();
  }
  static u16 scalar(const Operand& operand) { return operand.kind == Operand::Kind::none ? kNull : operand.index; }

  void address(Type type) {
    if (instruction.address.kind == Operand::Kind::vgpr) step.src[0].offset = row(instruction.address, type);
    else step.src[0].constant = program.constantRow(0, true);
  }
  void vectorData() {
    const Shape& shape = instruction.operation->shape;
    for (u32 i = 0; i < 2; ++i) {
      if (instruction.data[i].kind == Operand::Kind::vgpr)
        step.src[1 + i].offset = row(instruction.data[i], shape.src[i]);
    }
    if (instruction.dst.kind == Operand::Kind::vgpr) step.dst = row(instruction.dst, shape.dst);
  }
  void scalarOffset(const Operand& operand) {
    if (operand.kind == Operand::Kind::constant || operand.kind == Operand::Kind::literal) {
      step.src[2].constant = program.constantPair(constantBits(operand, Type::u32));
    } else step.scalarSrc[2] = scalar(operand);
  }
};

void prepareSmem(Preparation& preparation) {
  const Instruction& instruction = preparation.instruction;
  Step& step = preparation.step;
  step.dst = instruction.dst.index == kNull ? kTrash : instruction.dst.index;
  step.scalarSrc[0] = Preparation::scalar(instruction.base);
  step.scalarSrc[1] = Preparation::scalar(instruction.data[0]);
  preparation.scalarOffset(instruction.scalarOffset);
}

void prepareDs(Preparation& preparation) {
  const Instruction& instruction = preparation.instruction;
  const Operation& operation = *instruction.operation;
  Step& step = preparation.step;
  preparation.address(Type::b32);
  preparation.vectorData();
  if (operation.access.pair) { // OFFSET0 and OFFSET1 count elements, or 64 of them
    const i32 unit = operation.access.bytes * (operation.name.find("st64") != std::string_view::npos ? 64 : 1);
    step.immediate = (instruction.memoryOffset & 0xff) * unit;
    step.sdst = static_cast<u32>(instruction.offset1 * unit);
  }
  if (operation.name == "ds_swizzle_b32" && instruction.memoryOffset >= 0xc000) {
    preparation.problem = "uses a swizzle mode (rotate or FFT) that is not supported: no compiler emits it";
  }
  if (instruction.gds) preparation.problem = "accesses GDS, which is not supported: no compiler emits it";
}

void prepareBuffer(Preparation& preparation) {
  const Instruction& instruction = preparation.instruction;
  preparation.step.resolve = resolveBuffer;
  preparation.address(instruction.idxen && instruction.offen ? Type::b64 : Type::b32);
  preparation.vectorData();
  preparation.step.scalarSrc[0] = Preparation::scalar(instruction.base);
  preparation.scalarOffset(instruction.scalarOffset);
  if (instruction.tfe) preparation.problem = "asks for a status word (tfe), which is not supported";
  if (instruction.lds) preparation.problem = "loads into LDS (lds), which is not supported";
}

void prepareFlat(Preparation& preparation) {
  const Instruction& instruction = preparation.instruction;
  Step& step = preparation.step;
  const bool based = instruction.base.kind == Operand::Kind::scalar && instruction.base.index != kNull;
  preparation.vectorData();
  switch (instruction.operation->format) {
  case Format::scratch:
    step.resolve = resolveScratch;
    preparation.address(Type::b32);
    preparation.scalarOffset(based ? instruction.base : Operand{});
    break;
  case Format::global:
    step.resolve = based ? resolveGlobalBase : resolveGlobal;
    preparation.address(based ? Type::b32 : Type::b64);
    step.scalarSrc[0] = Preparation::scalar(instruction.base);
    break;
  default: step.resolve = resolveFlat; preparation.address(Type::b64);
  }
  if (instruction.lds) preparation.problem = "loads into LDS (lds), which is not supported";
}

} // namespace

std::string prepareMemory(const Instruction& instruction, Program& program, Step& step) {
  const Operation& operation = *instruction.operation;
  if (operation.run == nullptr) return "is not supported: no compiler emits it";
  Preparation preparation{instruction, program, step, ""};
  step.immediate = instruction.memoryOffset;
  if (operation.access.kind == Access::Kind::none && operation.format != Format::smem) return "";
  switch (operation.format) {
  case Format::smem: prepareSmem(preparation); break;
  case Format::ds: prepareDs(preparation); break;
  case Format::mubuf:
  case Format::mtbuf: prepareBuffer(preparation); break;
  default: prepareFlat(preparation);
  }
  return preparation.problem;
}

} // namespace rdna1::sim
