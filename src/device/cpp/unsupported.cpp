// What the generated entry points call: a HIP operation that the device does not know.
#include "hip_api.hpp"
#include "log.hpp"

#include <cstdlib>

extern "C" {

/// For operations that return hipError_t.
hipError_t rdna1Unsupported(const char* operation) {
  rdna1::complain(std::string(operation) + ": the virtual device does not support this operation");
  rdna1::Event("unsupported").text("call", operation).send();
  return rdna1::result(hipErrorNotSupported);
}

/// For operations that return something else: no value would be true.
[[noreturn]] void rdna1UnsupportedFatal(const char* operation) {
  static_cast<void>(rdna1Unsupported(operation));
  std::abort();
}
}
