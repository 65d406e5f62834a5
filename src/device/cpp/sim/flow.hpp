// Checks that depend on the path through the code and not on data: the destination of a load is not used before it was
// waited for, the hazard rules of GFX10.1 are kept, registers are written before they are read. What matters of a path
// is a FlowState; a block leads from one state to the next, always in the same way, so each (block, state) is looked at
// once and a wave in a loop pays a comparison a block.
#pragma once

#include <cstdint>
#include <memory>

namespace rdna1::sim {

struct Block;
struct Wave;
struct FlowState;

/// A passage of a block that was checked; the block's other ones follow.
struct FlowEdge {
  const FlowState* in;
  const FlowState* out;
  const FlowEdge* next;
};

/// States and passages of one program.
class FlowTable {
public:
  FlowTable();
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  /// At a kernel's entry: SGPRs 0 to `sgprs` - 1 and VGPRs 0 to `vgprs` - 1 hold what the dispatch gives. A group of
  /// one wave needs no order between its LDS writes and a barrier.
  const FlowState* entry(std::uint32_t sgprs, std::uint32_t vgprs, bool severalWaves = true);
  /// Looks at the wave's way through `block` from Wave::flow; keeps it in Block::flow and returns the state behind it.
  /// Faults and findings as fault() and finding() do.
  const FlowState* pass(Wave& wave, Block& block);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace rdna1::sim
