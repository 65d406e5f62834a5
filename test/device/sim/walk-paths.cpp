// walk-paths [--strict] [--drop-waits] <object>…: takes the checks of flow.hpp along every path through the kernels of
// gfx1010 objects, taken or not, without executing anything. Writes what they say, a line each, and then
// "walked <kernels> <passages of blocks>". With --drop-waits every s_waitcnt becomes s_nop in turn, and the last line
// is "dropped <waits> <how many were missed by the checks>".
#include "../code_object.hpp"
#include "execute.hpp"

#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

using namespace rdna1;
using namespace rdna1::sim;

namespace {

/// Passages of one kernel: conditional loads in a row have more combinations than anybody needs.
constexpr std::size_t kMostPassages = 3000;
constexpr std::uint32_t kNop = 0xbf800000;

bool strictMode = false;
std::size_t said = 0;
bool quiet = false;

void say(const std::string& problem) {
  ++said;
  if (!quiet) std::printf("%s\n", problem.c_str());
}

struct Code {
  std::vector<std::byte>& image;
  std::uint64_t begin, end, entry;
  std::uint32_t waveSize, vgprs, sgprs, workItemIds;
};

class Walk {
public:
  explicit Walk(const Code& code)
      : code_(code), program_(code.image.data(), code.begin, code.end, code.waveSize, code.vgprs, kGfx1010) {}

  /// Returns the passages taken.
  std::size_t run() {
    const FlowState* start = program_.flow().entry(code_.sgprs, code_.workItemIds + 1);
    go(code_.entry, start);
    for (; !waiting_.empty() && seen_.size() < kMostPassages; waiting_.pop_front()) {
      const auto [offset, state] = waiting_.front();
      try {
        pass(offset, state, start);
      } catch (const Fault& fault) {
        say(fault.problem);
      }
    }
    return seen_.size();
  }

  std::set<std::uint64_t> waits() const {
    std::set<std::uint64_t> offsets;
    for (const auto& [start, block] : blocks_) {
      for (const Instruction& instruction : block->instructions) {
        if (instruction.operation->name == "s_waitcnt") offsets.insert(instruction.offset);
      }
    }
    return offsets;
  }

private:
  void go(std::uint64_t offset, const FlowState* state) {
    if (seen_.emplace(offset, state).second) waiting_.emplace_back(offset, state);
  }

  void pass(std::uint64_t offset, const FlowState* state, const FlowState* start) {
    Block& block = blockAt(offset);
    Wave wave;
    wave.lanes = code_.waveSize;
    wave.program = &program_;
    wave.flow = state;
    const FlowState* behind = program_.flow().pass(wave, block);
    const Instruction& last = block.instructions.back();
    const std::string_view name = last.operation->name;
    if (name.starts_with("s_endpgm") || name == "s_setpc_b64") return;
    if (name == "s_swappc_b64" || name == "s_call_b64") return go(block.endOffset, start); // functions wait for all
    if (name.starts_with("s_branch") || name.starts_with("s_cbranch")) {
      go(block.endOffset + static_cast<std::uint64_t>(std::int64_t{last.immediate} * 4), behind);
    }
    if (!name.starts_with("s_branch")) go(block.endOffset, behind);
  }

  Block& blockAt(std::uint64_t offset) {
    std::unique_ptr<Block>& block = blocks_[offset];
    if (block != nullptr) return *block;
    block = std::make_unique<Block>();
    for (bool ended = false; !ended; offset = block->endOffset) {
      std::uint32_t words[3] = {};
      const std::size_t count = std::min<std::uint64_t>(3, (code_.end - offset) / 4);
      std::memcpy(words, code_.image.data() + offset, count * 4);
      auto decoded = decode({words, count}, offset, kGfx1010);
      if (const auto* problem = std::get_if<std::string>(&decoded)) throw Fault{*problem};
      block->instructions.push_back(std::get<Instruction>(decoded));
      block->endOffset = offset + block->instructions.back().size;
      const std::string_view name = block->instructions.back().operation->name;
      ended = name.starts_with("s_branch") || name.starts_with("s_cbranch") || name.starts_with("s_endpgm") ||
              name == "s_setpc_b64" || name == "s_swappc_b64" || name == "s_call_b64";
    }
    block->steps.resize(block->instructions.size());
    for (std::size_t i = 0; i < block->steps.size(); ++i) block->steps[i].origin = &block->instructions[i];
    return *block;
  }

  const Code& code_;
  Program program_;
  std::map<std::uint64_t, std::unique_ptr<Block>> blocks_;
  std::set<std::pair<std::uint64_t, const FlowState*>> seen_;
  std::deque<std::pair<std::uint64_t, const FlowState*>> waiting_;
};

struct Totals {
  std::size_t kernels = 0, passages = 0, waits = 0, missed = 0;
};

void walk(const Code& code, bool dropWaits, Totals& totals) {
  Walk whole(code);
  ++totals.kernels;
  totals.passages += whole.run();
  if (!dropWaits) return;
  quiet = true;
  for (const std::uint64_t offset : whole.waits()) {
    std::uint32_t word;
    std::memcpy(&word, code.image.data() + offset, sizeof word);
    std::memcpy(code.image.data() + offset, &kNop, sizeof kNop);
    const std::size_t before = said;
    Walk(code).run();
    ++totals.waits;
    totals.missed += said == before ? 1 : 0;
    std::memcpy(code.image.data() + offset, &word, sizeof word);
  }
  quiet = false;
}

void walkObject(const char* file, bool dropWaits, Totals& totals) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  const auto parsed = parseCodeObject(bytes);
  if (const auto* problem = std::get_if<std::string>(&parsed)) return say(std::string(file) + ": " + *problem);
  const auto& object = std::get<CodeObject>(parsed);
  std::vector<std::byte> image(object.imageSize);
  for (const Segment& segment : object.segments) {
    std::memcpy(image.data() + segment.address, bytes.data() + segment.offset, segment.fileSize);
  }
  for (const auto& [name, kernel] : object.kernels) {
    const Descriptor descriptor = readDescriptor(image.data() + kernel.descriptor);
    const std::uint64_t entry = kernel.descriptor + static_cast<std::uint64_t>(descriptor.entry);
    std::uint32_t sgprs = descriptor.userSgprs + descriptor.groupInfo + descriptor.privateSegment;
    for (const bool id : descriptor.groupId) sgprs += id ? 1 : 0;
    for (const Segment& segment : object.segments) {
      if (!segment.executable || entry < segment.address || entry >= segment.address + segment.memorySize) continue;
      walk({image, segment.address, segment.address + segment.memorySize, entry, descriptor.waveSize, descriptor.vgprs,
            sgprs, descriptor.workItemIds},
           dropWaits, totals);
    }
  }
}

} // namespace

// What the simulator has in report.cpp.
namespace rdna1::sim {

bool strict() { return strictMode; }

void fault(const Wave& wave, const Step& step, std::string problem, int) {
  throw Fault{problem + " (" + print(*step.origin, wave.lanes) + ")", step.origin};
}

void finding(const Wave& wave, const Step& step, const char* kind, std::string problem, int) {
  say(std::string(kind) + ": " + problem + " (" + print(*step.origin, wave.lanes) + ")");
}

} // namespace rdna1::sim

int main(int count, char** arguments) {
  bool dropWaits = false;
  Totals totals;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--strict") strictMode = true;
    else if (argument == "--drop-waits") dropWaits = true;
    else walkObject(arguments[i], dropWaits, totals);
  }
  std::printf("walked %zu %zu\n", totals.kernels, totals.passages);
  if (dropWaits) std::printf("dropped %zu %zu\n", totals.waits, totals.missed);
}
