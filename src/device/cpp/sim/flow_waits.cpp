// Counters of outstanding memory operations [RDNA1 ISA §4.4]: what a load or a returning atomic writes must not be
// used before s_waitcnt says that it is there. Which counter counts what, and what needs no wait, is as LLVM's
// SIInsertWaitcnts assumes it for GFX10: operations on vmcnt finish in order, LDS and flat operations on lgkmcnt do
// among themselves, SMEM does in no order. Addresses and data to be stored are read when an operation is issued. Stores
// (vscnt) write no register; expcnt counts exports and GDS, which kernels for HIP do not have.
#include "flow_state.hpp"

#include "../hexadecimal.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

constexpr std::size_t kMostVector = 63, kMostLds = 63; // the counters' width: the next operation waits

/// What s_waitcnt asks for: no more than these outstanding.
struct Counts {
  std::size_t vector = kMostVector, lds = kMostLds;
};

/// SIMM16 of s_waitcnt [RDNA1 ISA §12.5].
Counts countsOf(std::int32_t immediate) {
  const auto bits = static_cast<std::uint32_t>(immediate);
  return {(bits & 15) | (bits >> 14 & 3) << 4, bits >> 8 & 63};
}

bool loadsRegisters(const Instruction& instruction) { return instruction.dst.kind != Operand::Kind::none; }

/// Changes LDS: what another wave may read behind a barrier.
bool writesLds(const Instruction& instruction) {
  const Access::Kind kind = instruction.operation->access.kind;
  return instruction.operation->format == Format::ds && (kind == Access::Kind::store || kind == Access::Kind::atomic);
}

/// Both write their registers in the order of issue.
bool sameOrder(const Instruction& a, const Instruction& b) {
  const Format first = a.operation->format, second = b.operation->format;
  const auto vectorMemory = [](Format format) {
    return format == Format::mubuf || format == Format::mtbuf || format == Format::global || format == Format::scratch;
  };
  return (vectorMemory(first) && vectorMemory(second)) || (first == Format::ds && second == Format::ds);
}

void keepLast(std::vector<const Instruction*>& list, std::size_t count) {
  if (list.size() > count) list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(count));
  list.erase(list.begin(), std::ranges::find_if(list, [](const Instruction* old) { return old != nullptr; }));
}

bool overlap(const RegisterRange& a, const RegisterRange& b) {
  return a.vector == b.vector && a.first < b.first + b.count && b.first < a.first + a.count;
}

RegisterRange common(const RegisterRange& a, const RegisterRange& b) {
  const int first = std::max(a.first, b.first);
  const int end = std::min(a.first + a.count, b.first + b.count);
  return {a.vector, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(end - first)};
}

} // namespace

Waits::Waits(FlowState& state, std::uint32_t waveSize) : state_(state), waveSize_(waveSize) { findPending(); }

void Waits::findPending() {
  pending_ = {};
  for (const auto* list : {&state_.vectorLoads, &state_.ldsOperations, &state_.scalarLoads}) {
    for (const Instruction* instruction : *list) {
      if (instruction == nullptr || !loadsRegisters(*instruction)) continue;
      const RegisterUse use = registersUsed(*instruction, waveSize_);
      for (std::size_t i = 0; i < use.writeCount; ++i) pending_.add(use.writes[i]);
    }
  }
}

bool Waits::applyWait(const Instruction& instruction) {
  const std::string_view name = instruction.operation->name;
  Counts counts;
  if (name == "s_waitcnt") {
    counts = countsOf(instruction.immediate);
  } else if (name == "s_waitcnt_vmcnt" || name == "s_waitcnt_lgkmcnt") {
    if (instruction.src[0].index != kNull) return true; // how long it waits depends on data: taken for no wait
    const auto count = static_cast<std::size_t>(static_cast<std::uint16_t>(instruction.immediate));
    (name == "s_waitcnt_vmcnt" ? counts.vector : counts.lds) = count;
  } else {
    return false;
  }
  keepLast(state_.vectorLoads, counts.vector);
  keepLast(state_.ldsOperations, counts.lds);
  if (counts.lds == 0) state_.scalarLoads.clear();
  findPending();
  return true;
}

void Waits::checkUse(const FlowStep& step, const FlowPlace& place) const {
  const Instruction& now = *step.instruction;
  const auto look = [&](const RegisterRange& range, bool write, bool oldDestination) {
    if (!pending_.any(range)) return;
    for (const auto* list : {&state_.scalarLoads, &state_.ldsOperations, &state_.vectorLoads}) {
      for (auto it = list->rbegin(); it != list->rend(); ++it) {
        if (*it == nullptr || !loadsRegisters(**it)) continue;
        const Instruction& load = **it;
        const RegisterUse use = registersUsed(load, waveSize_);
        for (std::size_t i = 0; i < use.writeCount; ++i) {
          if (!overlap(range, use.writes[i])) continue;
          // A load over a load, or the second half of a register behind the first, comes in order.
          if ((write || oldDestination) && loadsRegisters(now) && sameOrder(load, now)) continue;
          fault(place.wave, place.step,
                nameOf(common(range, use.writes[i])) + (write ? " is overwritten" : " is used") +
                    " before the load at " + hexadecimal(load.offset) + " (" + print(load, waveSize_) +
                    ") was waited for");
        }
      }
    }
  };
  const bool keepsOld = now.operation->shape.readsDst && step.isMemory() && now.dst.kind == Operand::Kind::vgpr;
  for (std::size_t i = 0; i < step.use.readCount; ++i) {
    const RegisterRange& range = step.use.reads[i];
    look(range, false, keepsOld && range.vector && range.first == now.dst.index);
  }
  for (std::size_t i = 0; i < step.use.writeCount; ++i) look(step.use.writes[i], true, false);
}

void Waits::issue(const FlowStep& step) {
  const Instruction& instruction = *step.instruction;
  const Access::Kind kind = instruction.operation->access.kind;
  const bool loads = loadsRegisters(instruction);
  if (step.unit == Unit::scalarMemory) {
    if (loads && std::ranges::find(state_.scalarLoads, &instruction) == state_.scalarLoads.end()) {
      state_.scalarLoads.push_back(&instruction);
    }
  } else if (kind != Access::Kind::none) {
    if (loads && step.unit != Unit::lds) push(state_.vectorLoads, instruction, kMostVector);
    if (step.unit != Unit::vectorMemory) push(state_.ldsOperations, instruction, kMostLds);
  }
  for (std::size_t i = 0; loads && i < step.use.writeCount; ++i) pending_.add(step.use.writes[i]);
}

/// Whoever waits for `now` has waited for what `old` did, too.
bool Waits::succeeds(const Instruction& now, const Instruction& old) const {
  if (writesLds(old) && !writesLds(now)) return false;
  if (!loadsRegisters(old)) return true;
  if (!loadsRegisters(now) || !sameOrder(now, old)) return false;
  const RegisterUse newer = registersUsed(now, waveSize_), older = registersUsed(old, waveSize_);
  return newer.writeCount == 1 && older.writeCount == 1 && newer.writes[0].first <= older.writes[0].first &&
         newer.writes[0].first + newer.writes[0].count >= older.writes[0].first + older.writes[0].count;
}

/// Null stands for an operation that only counts: nothing depends on it. States stay few that way.
void Waits::push(std::vector<const Instruction*>& list, const Instruction& now, std::size_t most) const {
  for (const Instruction*& old : list) {
    if (old != nullptr && succeeds(now, *old)) old = nullptr;
  }
  list.push_back(loadsRegisters(now) || writesLds(now) ? &now : nullptr);
  keepLast(list, most);
}

void Waits::pass(const FlowStep& step, const FlowPlace& place) {
  if (step.unit == Unit::scalar && applyWait(*step.instruction)) return;
  checkUse(step, place);
  if (step.name() == "s_barrier" && state_.severalWaves) {
    for (const Instruction* old : state_.ldsOperations) {
      if (old == nullptr || !writesLds(*old)) continue;
      finding(place.wave, place.step, "lds-write-not-waited-before-barrier",
              print(*old, waveSize_) + " at " + hexadecimal(old->offset) +
                  " may not have reached LDS when the other waves go on: lgkmcnt was not waited for");
      break;
    }
  }
  if (step.isMemory()) issue(step);
}

} // namespace rdna1::sim
