// FLAT, GLOBAL and SCRATCH [RDNA1 ISA §13.8].
#include "vector_memory.hpp"

namespace rdna1::sim {

std::span<const Operation> flatOperations() {
  static const std::vector<Operation> table = [] {
    std::vector<Operation> operations;
    addVectorMemory(operations, Format::flat, "flat_", true);
    addVectorMemory(operations, Format::global, "global_", true);
    addVectorMemory(operations, Format::scratch, "scratch_", false);
    return operations;
  }();
  return table;
}

} // namespace rdna1::sim
