#include "flow.hpp"

#include "execute.hpp"
#include "flow_state.hpp"

#include <deque>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace rdna1::sim {
namespace {

constexpr std::size_t kMostStates = 1 << 16; // of one program; real kernels have tens
constexpr std::size_t kLongestChain = 16;    // passages that Block::flow leads to; further ones are looked up

struct StateHash {
  std::size_t operator()(const FlowState& state) const { return hashOf(state); }
};

const FlowEdge* findEdge(const Block& block, const FlowState* in) {
  const FlowEdge* edge = block.flow.load(std::memory_order_acquire);
  while (edge != nullptr && edge->in != in) edge = edge->next;
  return edge;
}

void setAll(FlowState& state) {
  state.written.vector.set();
  state.written.scalar.set();
  state.sccDefined = true;
}

} // namespace

struct FlowTable::Impl {
  std::mutex mutex;
  std::unordered_set<FlowState, StateHash> states;
  std::deque<FlowEdge> edges;
  std::unordered_map<const Block*, std::unordered_map<const FlowState*, const FlowState*>> others;
  std::unordered_map<const Block*, std::vector<FlowStep>> steps;
  std::unordered_map<const Block*, std::size_t> chains; ///< edges of each block
  std::uint64_t entryKey = ~std::uint64_t{0};
  const FlowState* entry = nullptr; ///< of the last launch

  const FlowState* intern(const FlowState& state) { return &*states.insert(state).first; }

  const std::vector<FlowStep>& stepsOf(const Block& block, std::uint32_t waveSize) {
    std::vector<FlowStep>& list = steps[&block];
    if (list.empty()) {
      list.reserve(block.instructions.size());
      for (const Instruction& instruction : block.instructions) list.push_back(flowStep(instruction, waveSize));
    }
    return list;
  }

  FlowState follow(const Wave& wave, const Block& block) {
    FlowState state = *wave.flow;
    Waits waits(state, wave.lanes);
    const bool registers = strict();
    const std::vector<FlowStep>& list = stepsOf(block, wave.lanes);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const FlowPlace place{wave, block.steps[i]};
      waits.pass(list[i], place);
      passHazards(state, list[i], place);
      if (registers) passRegisters(state, list[i], place);
    }
    return state;
  }

  void keep(Block& block, const FlowState* in, const FlowState* out) {
    std::size_t& length = chains[&block];
    if (length == kLongestChain) {
      others[&block][in] = out;
      return;
    }
    ++length;
    edges.push_back({in, out, block.flow.load(std::memory_order_relaxed)});
    block.flow.store(&edges.back(), std::memory_order_release);
  }
};

FlowTable::FlowTable() : impl_(std::make_unique<Impl>()) {}
FlowTable::~FlowTable() = default;

const FlowState* FlowTable::entry(std::uint32_t sgprs, std::uint32_t vgprs, bool severalWaves) {
  const std::uint64_t key = std::uint64_t{sgprs} << 32 | std::uint64_t{vgprs} << 1 | (severalWaves ? 1 : 0);
  const std::lock_guard lock(impl_->mutex);
  if (impl_->entryKey == key) return impl_->entry;
  FlowState state;
  state.severalWaves = severalWaves;
  if (strict()) {
    state.written.add({false, 0, static_cast<std::uint16_t>(sgprs)});
    state.written.add({true, 0, static_cast<std::uint16_t>(vgprs)});
    state.written.add({false, kNull, 3}); // and EXEC
  } else {
    setAll(state);
  }
  impl_->entryKey = key;
  return impl_->entry = impl_->intern(state);
}

const FlowState* FlowTable::pass(Wave& wave, Block& block) {
  if (const FlowEdge* edge = findEdge(block, wave.flow); edge != nullptr) return edge->out;
  const std::lock_guard lock(impl_->mutex);
  if (const FlowEdge* edge = findEdge(block, wave.flow); edge != nullptr) return edge->out;
  if (const auto of = impl_->others.find(&block); of != impl_->others.end()) {
    if (const auto known = of->second.find(wave.flow); known != of->second.end()) return known->second;
  }
  FlowState state = impl_->follow(wave, block);
  if (impl_->states.size() >= kMostStates && !impl_->states.contains(state)) {
    finding(wave, block.steps.back(), "unchecked-path",
            "the kernel comes here with more than " + std::to_string(kMostStates) +
                " combinations of outstanding loads; what is outstanding now is not checked further");
    state = {};
    setAll(state);
  }
  const FlowState* out = impl_->intern(state);
  impl_->keep(block, wave.flow, out);
  return out;
}

} // namespace rdna1::sim
