// Registers that are used before anything was written there, in strict mode. Compilers copy, select and add to what was
// never defined, for lanes, bits or paths that do not matter in the end: an undefined high word beside a defined low
// one, a value that a path did not need, the registers that a spill saves. So a result counts as defined as soon as any
// register that it is made from is, and only this is reported: an address, a resource or an offset of memory, what is
// stored (but for private memory), a condition, a target or EXEC from nothing but registers that were never written.
#include "flow_state.hpp"

namespace rdna1::sim {
namespace {

void report(const FlowPlace& place, const std::string& what) {
  finding(place.wave, place.step, "uninitialised-register",
          what + " from registers that nothing has written since the kernel's start");
}

bool isSpecial(const RegisterRange& range) { return !range.vector && range.first >= kNull; }

/// What is read besides EXEC: nothing, only undefined registers, or some that are defined.
enum class Sources { none, undefined, defined };

Sources sourcesOf(const FlowState& state, const FlowStep& step) {
  Sources sources = Sources::none;
  for (std::size_t i = 0; i < step.use.readCount; ++i) {
    const RegisterRange& range = step.use.reads[i];
    if (isSpecial(range)) continue;
    if (state.written.any(range)) return Sources::defined;
    sources = Sources::undefined;
  }
  if (!step.instruction->operation->shape.readsScc) return sources;
  return state.sccDefined ? Sources::defined : Sources::undefined;
}

/// The operand's registers when none of them was ever written, else null.
const RegisterRange* undefinedAt(const FlowState& state, const FlowStep& step, const Operand& operand) {
  const bool vector = operand.kind == Operand::Kind::vgpr;
  if (!vector && (operand.kind != Operand::Kind::scalar || operand.index >= kNull)) return nullptr;
  for (std::size_t i = 0; i < step.use.readCount; ++i) {
    const RegisterRange& range = step.use.reads[i];
    if (range.vector == vector && range.first == operand.index && !state.written.any(range)) return &range;
  }
  return nullptr;
}

void checkMemory(const FlowState& state, const FlowStep& step, const FlowPlace& place) {
  const Instruction& instruction = *step.instruction;
  for (const Operand* operand : {&instruction.address, &instruction.base, &instruction.scalarOffset}) {
    const RegisterRange* range = undefinedAt(state, step, *operand);
    if (range != nullptr) return report(place, nameOf(*range) + ", which says where in memory, comes");
  }
  const Format format = instruction.operation->format;
  if (format == Format::mubuf || format == Format::scratch) return; // registers are saved there, whatever they hold
  for (const Operand& operand : instruction.data) {
    const RegisterRange* range = undefinedAt(state, step, operand);
    if (range != nullptr) return report(place, nameOf(*range) + ", which is stored, comes");
  }
}

bool decides(const FlowStep& step) {
  return step.name().starts_with("s_cbranch") || step.name() == "s_setpc_b64" || step.name() == "s_swappc_b64";
}

} // namespace

void passRegisters(FlowState& state, const FlowStep& step, const FlowPlace& place) {
  if (step.isMemory()) checkMemory(state, step, place);
  const bool defined = step.isMemory() || sourcesOf(state, step) != Sources::undefined;
  if (!defined && decides(step)) report(place, "where execution goes on comes");
  for (std::size_t i = 0; i < step.use.writeCount; ++i) {
    const RegisterRange& range = step.use.writes[i];
    if (defined || isSpecial(range)) state.written.add(range);
    else state.written.remove(range);
    if (!defined && !range.vector && (range.first == kExec || range.first == kExec + 1)) report(place, "EXEC comes");
  }
  if (step.instruction->operation->shape.writesScc) state.sccDefined = defined;
}

} // namespace rdna1::sim
