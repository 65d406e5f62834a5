#include "cases.hpp"

#include <cstring>
#include <stdexcept>

namespace rdna1::prover {

Outcome compare(const Elements& expected, const Elements& found) {
  Outcome outcome;
  outcome.elements = expected.count();
  if (std::memcmp(expected.data(), found.data(), expected.bytes()) == 0) return outcome;
  for (std::size_t at = expected.count(); at-- > 0;) {
    if (expected.get(at) == found.get(at)) continue;
    ++outcome.wrong;
    outcome.first = at;
    outcome.expected = expected.get(at);
    outcome.found = found.get(at);
  }
  return outcome;
}

Type typeOf(const Line& line) {
  if (const auto type = typeNamed(line.type)) return *type;
  throw std::runtime_error("case " + line.id + ": " + line.type + " is no type");
}

} // namespace rdna1::prover
