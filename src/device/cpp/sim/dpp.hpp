// Data-parallel primitives: the first source comes from another lane [RDNA1 ISA §13.3.8, §13.3.9].
#pragma once

#include "instruction.hpp"
#include "wave.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace rdna1::sim {

/// Where each lane reads.
struct LaneMap {
  alignas(32) std::array<std::uint32_t, 64> from{};
  std::uint64_t inside = 0;  ///< lanes that read within their row
  std::uint64_t written = 0; ///< lanes that row mask and bank mask let through
};

/// The map of a DPP control (dpp16) or selection (dpp8). A string: no control of GFX10.
std::string laneMap(const Dpp& dpp, Form form, LaneMap& map);

/// The lanes that a step writes under DPP, of those in EXEC, and those whose source is valid.
struct DppLanes {
  std::uint64_t written;
  std::uint64_t valid;
};
DppLanes dppLanes(const Dpp& dpp, Form form, const LaneMap& map, const Wave& wave);

/// Moves a row between lanes; what is not valid becomes 0.
void permute(const std::uint32_t* from, std::uint32_t* to, std::uint32_t lanes, const LaneMap& map,
             std::uint64_t valid);

} // namespace rdna1::sim
