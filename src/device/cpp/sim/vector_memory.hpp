// The operations that MUBUF, FLAT, GLOBAL and SCRATCH have in common, with the same opcodes [RDNA1 ISA §13.6, §13.8].
#pragma once

#include "operation.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace rdna1::sim {

/// One row of the common table.
struct VectorMemoryRow {
  std::uint16_t opcode;
  std::string_view name; ///< behind the format's prefix
  Type loaded;           ///< by loads and returning atomics
  Type stored;           ///< by stores; data of atomics
  Access access;
  Handler run;
  bool keepsHalf = false; ///< d16 loads
  Targets targets = kAllTargets;
};

/// Appends the common operations under a format's prefix: "global_" makes global_load_dword.
void addVectorMemory(std::vector<Operation>& table, Format format, std::string_view prefix, bool atomics);

} // namespace rdna1::sim
