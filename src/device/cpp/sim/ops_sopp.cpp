// SOPP: program control [RDNA1 ISA §12.5], and the control transfers of the other scalar formats.
#include "execute.hpp"

namespace rdna1::sim {
namespace {

/// Goes on `immediate` words behind the instruction.
void jump(Wave& wave, const Step& step) {
  Block* block = wave.block;
  Block* target = block->taken.load(std::memory_order_acquire);
  if (target == nullptr) {
    const Instruction& branch = *step.origin;
    target = wave.program->blockAt(branch.offset + branch.size + static_cast<std::int64_t>(branch.immediate) * 4);
    block->taken.store(target, std::memory_order_release);
  }
  wave.next = target;
}

template <auto Condition> void branchIf(Wave& wave, const Step& step) {
  if (Condition(wave)) jump(wave, step);
}

void end(Wave& wave, const Step&) { wave.status = Wave::Status::ended; }
void barrier(Wave& wave, const Step&) { wave.status = Wave::Status::atBarrier; }

void refuse(Wave& wave, const Step& step) { fault(wave, step, "the simulator has no traps, messages or debugger"); }

/// MODE bits 0-3 and 4-7 [RDNA1 ISA §3.4].
void roundMode(Wave& wave, const Step& step) { wave.mode = (wave.mode & ~0xfU) | (step.origin->immediate & 0xf); }
void denormMode(Wave& wave, const Step& step) {
  wave.mode = (wave.mode & ~0xf0U) | (static_cast<std::uint32_t>(step.origin->immediate) & 0xf) << 4;
}

constexpr Operation sopp(std::uint16_t opcode, std::string_view name, Handler run, Shape shape = {}) {
  return {.format = Format::sopp, .opcode = opcode, .name = name, .shape = shape, .run = run, .access = {}};
}

constexpr Shape kScc{.readsScc = true}, kVccRead{.readsVcc = true}, kM0Read{.usesM0 = true};

// What only orders memory, hints at caches or talks to a profiler has no effect on results here: memory operations are
// finished when they are issued, and flow.hpp checks the waits.
constexpr Operation kTable[] = {
    sopp(0x00, "s_nop", nothing),
    sopp(0x01, "s_endpgm", end),
    sopp(0x02, "s_branch", jump),
    sopp(0x03, "s_wakeup", nothing),
    sopp(0x04, "s_cbranch_scc0", branchIf<[](const Wave& w) { return !w.scc; }>, kScc),
    sopp(0x05, "s_cbranch_scc1", branchIf<[](const Wave& w) { return w.scc; }>, kScc),
    sopp(0x06, "s_cbranch_vccz", branchIf<[](const Wave& w) { return w.mask(kVcc) == 0; }>, kVccRead),
    sopp(0x07, "s_cbranch_vccnz", branchIf<[](const Wave& w) { return w.mask(kVcc) != 0; }>, kVccRead),
    sopp(0x08, "s_cbranch_execz", branchIf<[](const Wave& w) { return w.mask(kExec) == 0; }>),
    sopp(0x09, "s_cbranch_execnz", branchIf<[](const Wave& w) { return w.mask(kExec) != 0; }>),
    sopp(0x0a, "s_barrier", barrier),
    sopp(0x0b, "s_setkill", refuse),
    sopp(0x0c, "s_waitcnt", nothing),
    sopp(0x0d, "s_sethalt", refuse),
    sopp(0x0e, "s_sleep", nothing),
    sopp(0x0f, "s_setprio", nothing),
    sopp(0x10, "s_sendmsg", refuse, kM0Read),
    sopp(0x11, "s_sendmsghalt", refuse, kM0Read),
    sopp(0x12, "s_trap", refuse),
    sopp(0x13, "s_icache_inv", nothing),
    sopp(0x14, "s_incperflevel", nothing),
    sopp(0x15, "s_decperflevel", nothing),
    sopp(0x16, "s_ttracedata", nothing, kM0Read),
    sopp(0x17, "s_cbranch_cdbgsys", refuse),
    sopp(0x18, "s_cbranch_cdbguser", refuse),
    sopp(0x19, "s_cbranch_cdbgsys_or_user", refuse),
    sopp(0x1a, "s_cbranch_cdbgsys_and_user", refuse),
    sopp(0x1b, "s_endpgm_saved", refuse),
    sopp(0x1e, "s_endpgm_ordered_ps_done", refuse),
    sopp(0x1f, "s_code_end", refuse),
    sopp(0x20, "s_inst_prefetch", nothing),
    sopp(0x21, "s_clause", nothing),
    sopp(0x22, "s_wait_idle", nothing),
    sopp(0x23, "s_waitcnt_depctr", nothing),
    sopp(0x24, "s_round_mode", roundMode),
    sopp(0x25, "s_denorm_mode", denormMode),
    sopp(0x28, "s_ttracedata_imm", nothing),
};

std::uint64_t behind(const Wave& wave, const Step& step) {
  return wave.program->addressOf(step.origin->offset + step.origin->size);
}

std::uint64_t sourceAddress(const Wave& wave, const Step& step) { return wave.pair(step.scalarSrc[0]); }

} // namespace

std::span<const Operation> soppOperations() { return kTable; }

void nothing(Wave&, const Step&) {}

void getPc(Wave& wave, const Step& step) { wave.setPair(step.dst, behind(wave, step)); }

void setPc(Wave& wave, const Step& step) {
  wave.next = wave.program->blockAt(wave.program->offsetOf(sourceAddress(wave, step)));
}

void swapPc(Wave& wave, const Step& step) {
  const std::uint64_t target = sourceAddress(wave, step);
  wave.setPair(step.dst, behind(wave, step));
  wave.next = wave.program->blockAt(wave.program->offsetOf(target));
}

void callRelative(Wave& wave, const Step& step) {
  wave.setPair(step.dst, behind(wave, step));
  jump(wave, step);
}

} // namespace rdna1::sim
