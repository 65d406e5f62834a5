// Code made ready to execute: straight runs of prepared instructions, found and kept as execution reaches them.
#pragma once

#include "flow.hpp"
#include "instruction.hpp"
#include "wave.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace rdna1::sim {

struct Lanes;
struct Step;

/// Where a handler finds a source. Vector formats: a row of the wave (offset in words from Wave::vector) or a row of
/// the program's constants. Scalar formats: `constant` points to the low and high word of a constant
/// (Program::constantPair), else Step::scalarSrc holds.
struct Source {
  const std::uint32_t* constant = nullptr;
  std::uint32_t offset = 0;
  const std::uint32_t* in(const Wave& wave) const { return constant != nullptr ? constant : wave.vector + offset; }
};

struct Modifiers;

/// A scalar register that a vector operation reads, and the row that is to hold it in all lanes.
struct Spread {
  std::uint16_t scalar = 0;
  std::uint32_t offset = 0; ///< of the row, in words from Wave::vector
};

/// How many scalars a vector operation reads: `one` is one register.
enum class Scalars : std::uint8_t { none, one, several };

/// How a vector memory instruction finds its addresses; see lanes.hpp.
using Resolve = void (*)(Wave& wave, const Step& step, Lanes& lanes);

/// One instruction, its operands resolved for the program's wave size.
struct Step {
  Handler run = nullptr;
  std::uint32_t dst = 0;       ///< vector: offset in words from Wave::vector; scalar: index in Wave::scalar
  std::uint32_t sdst = kTrash; ///< scalar index of the second destination
  Source src[3];               ///< vector formats. High words of 64-bit sources lie one row (Wave::lanes words) further
  std::uint16_t scalarSrc[3] = {}; ///< scalar sources: index in Wave::scalar
  Spread spreads[4];               ///< the first `spreadCount`: see copyScalars
  Scalars scalars = Scalars::none;
  std::uint8_t spreadCount = 0;
  std::uint8_t specials = 0;   ///< bit i: src[i] is NULL or no register (see scalarSource), bit 4 + i: a pair of it
  std::uint8_t memory = 0;     ///< which of Wave::recent a memory access uses
  std::uint8_t floatClass = 0; ///< 0 no float arithmetic, 1 f32, 2 f16 or f64: which fields of MODE apply
  bool softwareFlush = false;  ///< MXCSR does not flush what it handles: halves, results that are picked, not computed
  std::int32_t immediate = 0;
  Resolve resolve = nullptr;         ///< FLAT, GLOBAL, SCRATCH, MUBUF, MTBUF
  mutable std::uint8_t reported = 0; ///< findings made about its memory accesses, see Notice in lanes.hpp; atomic
  const Instruction* origin = nullptr;
  const Step* inner = nullptr;          ///< the bare operation, under modifiers, SDWA or DPP
  const Modifiers* modifiers = nullptr; ///< see modifiers.hpp
};

/// A run of instructions that is entered only at its start and left only at its end. It goes on where an s_branch
/// leads.
struct Block {
  std::uint64_t offset = 0;    ///< of its first instruction in the image
  std::uint64_t endOffset = 0; ///< just behind its last
  std::vector<Instruction> instructions;
  std::vector<Step> steps;                    ///< one an instruction
  std::vector<Step> work;                     ///< those of them that do something, to be executed
  bool fallsThrough = true;                   ///< false when it ends by s_endpgm, s_branch, s_setpc …
  std::atomic<Block*> following{nullptr};     ///< at endOffset, once known
  std::atomic<Block*> taken{nullptr};         ///< at its branch target, once known
  std::atomic<const FlowEdge*> flow{nullptr}; ///< last passage checked; see flow.hpp
  std::atomic<std::uint64_t> runs{0};         ///< times that a wave has executed it
};

/// The code that one kernel runs: decoded for its wave size and checked against the registers that it allocates.
class Program {
public:
  /// `image`: the object's segments in memory, relocated; `begin` and `end`: the executable segment's offsets in it;
  /// `vgprs`: how many the kernel allocates for each lane.
  Program(const std::byte* image, std::uint64_t begin, std::uint64_t end, std::uint32_t waveSize, std::uint32_t vgprs,
          Targets target);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The block that starts at `offset`; decodes it when it is new. Throws Fault when that is no code.
  Block* blockAt(std::uint64_t offset);
  /// Image offset of a host address, as s_getpc gives and s_setpc takes; throws Fault when it lies outside the code.
  std::uint64_t offsetOf(std::uint64_t address) const;
  std::uint64_t addressOf(std::uint64_t offset) const { return reinterpret_cast<std::uint64_t>(image_) + offset; }

  /// A row of `bits` in every lane, two rows (low, high words) when `wide`. Stays where it is.
  const std::uint32_t* constantRow(std::uint64_t bits, bool wide);
  /// The low and the high word of `bits`, next to each other. Stays where it is.
  const std::uint32_t* constantPair(std::uint64_t bits);
  /// Keeps a step at a stable address, for Step::inner.
  const Step* keep(const Step& step);
  const Modifiers* keep(const Modifiers& modifiers);

  std::uint32_t waveSize() const { return waveSize_; }
  std::uint32_t vgprs() const { return vgprs_; }
  FlowTable& flow() { return *flow_; }
  Targets target() const { return target_; }
  template <typename Visitor> void eachBlock(Visitor&& visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [offset, block] : blocks_) visit(*block);
  }

private:
  std::unique_ptr<Block> decodeBlock(std::uint64_t offset);

  const std::byte* image_;
  std::uint64_t begin_, end_;
  std::uint32_t waveSize_, vgprs_;
  Targets target_;
  std::size_t memory_ = 0; ///< for Step::memory
  mutable std::recursive_mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Block>> blocks_;
  std::deque<std::vector<Line>> rows_;
  std::unordered_map<std::uint64_t, const std::uint32_t*> constants_[3]; ///< rows, double rows, pairs
  std::deque<Step> steps_;
  std::vector<std::shared_ptr<const Modifiers>> modifiers_;
  std::unique_ptr<FlowTable> flow_;
};

/// Resolve an instruction's operands; `step.origin` and `step.run` (the operation's) are set already. A string says
/// what the simulator cannot do with it. One for each family of formats.
std::string prepareScalar(const Instruction& instruction, Program& program,
                          Step& step); ///< SOP1, SOP2, SOPK, SOPC, SOPP
std::string prepareVector(const Instruction& instruction, Program& program, Step& step); ///< VOP*
std::string prepareMemory(const Instruction& instruction, Program& program, Step& step); ///< SMEM, DS, MUBUF, FLAT …

} // namespace rdna1::sim
