#include "ops_vop3.hpp"

#include <vector>

namespace rdna1::sim {

std::span<const Operation> vop3Operations() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> joined;
    for (const auto group :
         {vop3FloatOperations(), vop3IntegerOperations(), vop3ShortOperations(), vop3BitOperations()})
      joined.insert(joined.end(), group.begin(), group.end());
    return joined;
  }();
  return all;
}

} // namespace rdna1::sim
