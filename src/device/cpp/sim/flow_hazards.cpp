// Hazards of GFX10.1 that the hardware does not resolve by itself. The compiler keeps clear of them, the assembler does
// not; gfx1030 has none of them. Rules and remedies as in LLVM's GCNHazardRecognizer and AMDGPU.td for gfx1010.
#include "flow_state.hpp"
#include "program.hpp"

namespace rdna1::sim {
namespace {

using Memory = FlowState::Memory;

void report(const FlowPlace& place, const std::string& problem) { finding(place.wave, place.step, "hazard", problem); }

bool isBranch(const FlowStep& step) {
  return step.instruction->operation->format == Format::sopp &&
         (step.name().starts_with("s_branch") || step.name().starts_with("s_cbranch"));
}

std::uint32_t fieldOf(const FlowStep& step) { return static_cast<std::uint16_t>(step.instruction->immediate); }

bool waitsForNull(const FlowStep& step, std::string_view name) {
  return step.name() == name && step.instruction->src[0].index == kNull && step.instruction->immediate == 0;
}

/// Scalars that `ranges` name, as a set.
std::bitset<128> scalarsOf(const RegisterRange* ranges, std::size_t count) {
  RegisterSet set;
  for (std::size_t i = 0; i < count; ++i) {
    if (!ranges[i].vector) set.add(ranges[i]);
  }
  return set.scalar;
}

std::bitset<128> scalarsRead(const FlowStep& step) { return scalarsOf(step.use.reads, step.use.readCount); }
std::bitset<128> scalarsWritten(const FlowStep& step) { return scalarsOf(step.use.writes, step.use.writeCount); }

std::string firstOf(const std::bitset<128>& set) {
  for (std::uint16_t i = 0; i < set.size(); ++i) {
    if (set[i]) return nameOf({false, i, 1});
  }
  return "";
}

/// VMEM, flat or LDS reads a scalar, then SALU or SMEM writes it: the write may come first. As LLVM has it, EXEC counts
/// when it is the destination, not when s_*_saveexec changes it besides.
void vectorMemoryToScalarWrite(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  const Instruction& instruction = *step.instruction;
  if (step.unit == Unit::scalar || step.unit == Unit::scalarMemory) {
    if (step.unit == Unit::scalar &&
        (step.name() == "s_waitcnt" ? fieldOf(step) == 0
                                    : step.name() == "s_waitcnt_depctr" && (fieldOf(step) >> 2 & 7) == 0)) {
      state.readByVectorMemory.reset();
      return;
    }
    if (instruction.dst.kind != Operand::Kind::scalar) return;
    auto hit = scalarsWritten(step) & state.readByVectorMemory;
    const bool exec = instruction.dst.index == kExec || instruction.dst.index == kExec + 1;
    if (!exec) hit[kExec] = hit[kExec + 1] = false;
    if (hit.none()) return;
    report(place, "VMEMtoScalarWriteHazard: " + firstOf(hit) +
                      " is written while a memory instruction before may still have to read it; a VALU instruction or "
                      "s_waitcnt_depctr vm_vsrc(0) has to stand between");
    state.readByVectorMemory &= ~hit;
  } else if (step.unit == Unit::vector) {
    state.readByVectorMemory.reset();
  } else {
    state.readByVectorMemory |= scalarsRead(step);
  }
}

/// SMEM reads a scalar, then VALU writes it.
void scalarMemoryToVectorWrite(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if (step.unit == Unit::scalarMemory) {
    state.readByScalarMemory |= scalarsRead(step);
  } else if (step.unit == Unit::scalar) {
    const std::string_view name = step.name();
    bool helps =
        step.instruction->operation->format != Format::sopp && name != "s_version" && !name.starts_with("s_waitcnt_");
    helps = helps || waitsForNull(step, "s_waitcnt_lgkmcnt") || (name == "s_waitcnt" && (fieldOf(step) >> 8 & 63) == 0);
    if (helps) state.readByScalarMemory.reset();
  } else if (step.unit == Unit::vector) {
    const auto hit = scalarsWritten(step) & state.readByScalarMemory;
    if (hit.none()) return;
    report(place, "SMEMtoVectorWriteHazard: " + firstOf(hit) +
                      " is written by a VALU instruction while a scalar load before may still have to read it; a SALU "
                      "instruction or s_waitcnt lgkmcnt(0) has to stand between");
    state.readByScalarMemory &= ~hit;
  }
}

/// Other than VALU reads EXEC, then v_cmpx writes it.
void compareExec(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if (step.unit != Unit::vector) {
    if (step.name() == "s_waitcnt_depctr" && (fieldOf(step) & 1) == 0) state.execRead = false;
    else if (step.reads(kExec)) state.execRead = true;
    return;
  }
  if (step.writes(kExec) && state.execRead) {
    report(place, "VcmpxExecWARHazard: EXEC is written while an instruction before may still have to read it; "
                  "s_waitcnt_depctr sa_sdst(0) or a VALU instruction that writes a scalar has to stand between");
  }
  if (scalarsWritten(step).any()) state.execRead = false;
}

/// v_cmpx, then v_permlane* as the next VALU instruction (v_nop does not count).
void comparePermute(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if (step.unit != Unit::vector || step.name() == "v_nop") return;
  if (state.execCompared && step.name().starts_with("v_permlane")) {
    report(place, "VcmpxPermlaneHazard: v_permlane does not see the EXEC of the v_cmpx before; a VALU instruction "
                  "other than v_nop has to stand between");
  }
  state.execCompared = step.writes(kExec);
}

/// LDS and other memory on the two sides of a branch may read their registers late.
void ldsBranchMemory(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if (isBranch(step)) {
    state.branched = state.lastMemory != Memory::none;
    return;
  }
  const bool call = step.name() == "s_setpc_b64" || step.name() == "s_swappc_b64" || step.name() == "s_call_b64";
  if (call || waitsForNull(step, "s_waitcnt_vscnt")) { // beyond a call LLVM does not look
    state.lastMemory = Memory::none;
    state.branched = false;
  }
  const Memory memory = step.unit == Unit::lds            ? Memory::lds
                        : step.unit == Unit::vectorMemory ? Memory::vector
                                                          : Memory::none;
  if (memory == Memory::none) return;
  if (state.branched && state.lastMemory != memory) {
    report(place, std::string("LdsBranchVmemWARHazard: ") +
                      (memory == Memory::lds ? "LDS behind other memory" : "memory behind LDS") +
                      " with a branch between; s_waitcnt_vscnt null, 0 has to stand there, too");
  }
  state.lastMemory = memory;
  state.branched = false;
}

/// Bugs that one instruction alone runs into.
void single(const FlowStep& step, const FlowPlace& place) {
  const Instruction& instruction = *step.instruction;
  if (isBranch(step) && instruction.immediate == 0x3f) {
    report(place, "Offset3fBug: a branch by 0x3f words goes astray; s_nop in front of its target makes it longer");
  }
  if (step.name() == "s_inst_prefetch") report(place, "InstFwdPrefetchBug: s_inst_prefetch may hang the shader");
  if (instruction.operation->format == Format::scratch && instruction.address.kind == Operand::Kind::vgpr &&
      instruction.memoryOffset < 0 && instruction.memoryOffset % 4 != 0) {
    report(place, "NegativeUnalignedScratchOffsetBug: a negative offset that is no multiple of 4 goes astray");
  }
}

} // namespace

void passHazards(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if ((place.wave.program->target() & kGfx101x) == 0) return;
  vectorMemoryToScalarWrite(state, step, place);
  scalarMemoryToVectorWrite(state, step, place);
  compareExec(state, step, place);
  comparePermute(state, step, place);
  ldsBranchMemory(state, step, place);
  single(step, place);
}

} // namespace rdna1::sim
