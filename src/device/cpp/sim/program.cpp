#include "modifiers.hpp"

#include "../hexadecimal.hpp"
#include "program.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>

namespace rdna1::sim {
namespace {

constexpr std::size_t kLongestBlock = 4096; // instructions; keeps one decoding short
constexpr std::size_t kMostJumps = 2;       // s_branch instructions that a block goes on behind

/// Whether execution may go on elsewhere than at the next instruction, or another wave must get its turn, or the
/// executor must look at MODE again.
bool endsBlock(const Instruction& instruction) {
  const std::string_view name = instruction.operation->name;
  switch (instruction.operation->format) {
  case Format::sopp:
    return name.starts_with("s_branch") || name.starts_with("s_cbranch") || name.starts_with("s_endpgm") ||
           name == "s_barrier" || name == "s_sleep" || name.ends_with("_mode");
  case Format::sop1: return name == "s_setpc_b64" || name == "s_swappc_b64";
  case Format::sopk: return name == "s_call_b64" || name.starts_with("s_setreg");
  default: return false;
  }
}

bool fallsThrough(const Instruction& instruction) {
  const std::string_view name = instruction.operation->name;
  return !(name == "s_branch" || name.starts_with("s_endpgm") || name == "s_setpc_b64" || name == "s_swappc_b64" ||
           name == "s_call_b64");
}

bool overlap(const RegisterRange& a, const RegisterRange& b) {
  return a.vector == b.vector && a.first < b.first + b.count && b.first < a.first + a.count;
}

/// Whether the next of `uses` that touches `mask` overwrites it.
bool isDead(const RegisterRange& mask, std::span<const RegisterUse> uses) {
  for (const RegisterUse& use : uses) {
    for (const RegisterRange& range : std::span(use.reads, use.readCount)) {
      if (overlap(range, mask)) return false;
    }
    for (const RegisterRange& range : std::span(use.writes, use.writeCount)) {
      if (overlap(range, mask))
        return range.first <= mask.first && range.first + range.count >= mask.first + mask.count;
    }
  }
  return false;
}

/// Carries that nobody reads, of v_mad_u64_u32 for instance, cost more than the values that they belong to: they go to
/// the trash, and the handlers do without.
void dropDeadCarries(Block& block, std::uint32_t waveSize) {
  std::vector<RegisterUse> uses;
  for (const Instruction& instruction : block.instructions) uses.push_back(registersUsed(instruction, waveSize));
  for (std::size_t i = 0; i < block.steps.size(); ++i) {
    Step& step = block.steps[i];
    const Shape& shape = step.origin->operation->shape;
    if (shape.dst == Type::none || shape.sdst != Type::mask || step.inner != nullptr || step.sdst >= kM0) continue;
    const RegisterRange mask{.vector = false,
                             .first = static_cast<std::uint16_t>(step.sdst),
                             .count = static_cast<std::uint16_t>(waveSize / 32)};
    if (isDead(mask, std::span(uses).subspan(i + 1))) step.sdst = kTrash;
  }
}

std::string prepare(const Instruction& instruction, Program& program, Step& step) {
  switch (instruction.operation->format) {
  case Format::sop1:
  case Format::sop2:
  case Format::sopk:
  case Format::sopc:
  case Format::sopp: return prepareScalar(instruction, program, step);
  case Format::vop1:
  case Format::vop2:
  case Format::vopc:
  case Format::vop3:
  case Format::vop3p: return prepareVector(instruction, program, step);
  default: return prepareMemory(instruction, program, step);
  }
}

} // namespace

Program::Program(const std::byte* image, std::uint64_t begin, std::uint64_t end, std::uint32_t waveSize,
                 std::uint32_t vgprs, Targets target)
    : image_(image), begin_(begin), end_(end), waveSize_(waveSize), vgprs_(vgprs), target_(target),
      flow_(std::make_unique<FlowTable>()) {}

Program::~Program() = default;

std::uint64_t Program::offsetOf(std::uint64_t address) const {
  const std::uint64_t offset = address - reinterpret_cast<std::uint64_t>(image_);
  if (offset < begin_ || offset >= end_ || offset % 4 != 0) {
    throw Fault{"a jump to " + hexadecimal(address) + ", where the kernel has no code"};
  }
  return offset;
}

Block* Program::blockAt(std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Block>& block = blocks_[offset];
  if (block == nullptr) {
    try {
      block = decodeBlock(offset);
    } catch (...) {
      blocks_.erase(offset);
      throw;
    }
  }
  return block.get();
}

std::unique_ptr<Block> Program::decodeBlock(std::uint64_t offset) {
  if (offset < begin_ || offset >= end_ || offset % 4 != 0) {
    throw Fault{"execution leaves the code at offset " + hexadecimal(offset)};
  }
  auto block = std::make_unique<Block>();
  block->offset = offset;
  std::size_t jumps = 0;
  while (block->instructions.size() < kLongestBlock) {
    if (offset < begin_ || offset >= end_) throw Fault{"execution leaves the code at offset " + hexadecimal(offset)};
    std::uint32_t words[3] = {};
    const std::size_t count = std::min<std::size_t>(3, (end_ - offset) / 4);
    std::memcpy(words, image_ + offset, count * 4);
    auto decoded = decode({words, count}, offset, target_);
    if (const auto* problem = std::get_if<std::string>(&decoded)) {
      throw Fault{"at offset " + hexadecimal(offset) + ": " + hexadecimal(words[0]) + " " + hexadecimal(words[1]) +
                  ": " + *problem};
    }
    const Instruction& last = block->instructions.emplace_back(std::get<Instruction>(decoded));
    offset += last.size;
    if (last.operation->name == "s_branch" && jumps < kMostJumps) {
      ++jumps;
      offset += static_cast<std::uint64_t>(std::int64_t{last.immediate} * 4);
      continue;
    }
    if (endsBlock(last)) break;
  }
  block->endOffset = offset;
  block->fallsThrough = fallsThrough(block->instructions.back());
  block->steps.resize(block->instructions.size());
  for (std::size_t i = 0; i < block->steps.size(); ++i) {
    const Instruction& instruction = block->instructions[i];
    Step& step = block->steps[i];
    step.origin = &instruction;
    step.run = instruction.operation->run;
    std::string problem = problemInWave(instruction, waveSize_);
    if (step.run == nullptr) problem = "the simulator does not execute it";
    if (problem.empty()) problem = prepare(instruction, *this, step);
    if (!problem.empty()) {
      throw Fault{"at offset " + hexadecimal(instruction.offset) + ": " + print(instruction, waveSize_) + ": " +
                  problem};
    }
    if (i + 1 < block->steps.size() && instruction.operation->name == "s_branch") step.run = nothing;
    step.memory = memory_++ % std::size(Wave{}.recent);
  }
  dropDeadCarries(*block, waveSize_);
  std::ranges::copy_if(block->steps, std::back_inserter(block->work),
                       [](const Step& step) { return step.run != nothing; });
  return block;
}

const std::uint32_t* Program::constantRow(std::uint64_t bits, bool wide) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t*& row = constants_[wide ? 1 : 0][bits];
  if (row == nullptr) {
    const std::size_t lines = waveSize_ / 16;
    std::uint32_t* words = rows_.emplace_back(lines * (wide ? 2 : 1)).data()->words;
    std::fill_n(words, waveSize_, static_cast<std::uint32_t>(bits));
    if (wide) std::fill_n(words + waveSize_, waveSize_, static_cast<std::uint32_t>(bits >> 32));
    row = words;
  }
  return row;
}

const std::uint32_t* Program::constantPair(std::uint64_t bits) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t*& pair = constants_[2][bits];
  if (pair == nullptr) {
    std::uint32_t* words = rows_.emplace_back(1).data()->words;
    words[0] = static_cast<std::uint32_t>(bits);
    words[1] = static_cast<std::uint32_t>(bits >> 32);
    pair = words;
  }
  return pair;
}

const Modifiers* Program::keep(const Modifiers& modifiers) {
  const std::lock_guard lock(mutex_);
  return modifiers_.emplace_back(std::make_shared<const Modifiers>(modifiers)).get();
}

const Step* Program::keep(const Step& step) {
  const std::lock_guard lock(mutex_);
  return &steps_.emplace_back(step);
}

} // namespace rdna1::sim
