#include "operation.hpp"

#include <vector>

namespace rdna1::sim {
namespace {

constexpr std::size_t kTargets = 4;

/// Every operation by format, opcode and bit of the target.
class Index {
public:
  Index() {
    for (const auto table : {sop1Operations(), sop2Operations(), sopkOperations(), sopcOperations(), soppOperations(),
                             smemOperations(), vop1Operations(), vop2Operations(), vopcOperations(), vop3Operations(),
                             vop3pOperations(), dsOperations(), mubufOperations(), flatOperations()}) {
      for (const Operation& operation : table) add(operation);
    }
  }

  const Operation* find(Format format, std::uint16_t opcode, std::size_t target) const {
    const auto& operations = byFormat_[static_cast<std::size_t>(format)];
    const std::size_t slot = opcode * kTargets + target;
    return slot < operations.size() ? operations[slot] : nullptr;
  }

private:
  void add(const Operation& operation) {
    auto& operations = byFormat_[static_cast<std::size_t>(operation.format)];
    const std::size_t first = operation.opcode * kTargets;
    if (operations.size() < first + kTargets) operations.resize(first + kTargets);
    for (std::size_t target = 0; target < kTargets; target++) {
      if ((operation.targets >> target & 1) != 0) operations[first + target] = &operation;
    }
  }

  std::array<std::vector<const Operation*>, static_cast<std::size_t>(Format::scratch) + 1> byFormat_;
};

} // namespace

std::uint32_t registersOf(Type type, std::uint32_t waveSize) {
  switch (type) {
  case Type::none: return 0;
  case Type::b64:
  case Type::i64:
  case Type::u64:
  case Type::f64: return 2;
  case Type::mask: return waveSize / 32;
  case Type::b96: return 3;
  case Type::b128: return 4;
  case Type::b256: return 8;
  case Type::b512: return 16;
  default: return 1;
  }
}

bool isFloat(Type type) {
  switch (type) {
  case Type::f16:
  case Type::f32:
  case Type::f64:
  case Type::packedF16:
  case Type::mixed: return true;
  default: return false;
  }
}

const Operation* findOperation(Format format, std::uint16_t opcode, Targets target) {
  static const Index index;
  for (std::size_t bit = 0; bit < kTargets; bit++) {
    if ((target >> bit & 1) != 0) return index.find(format, opcode, bit);
  }
  return nullptr;
}

} // namespace rdna1::sim
