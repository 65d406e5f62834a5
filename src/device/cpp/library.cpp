// What the virtual device is to the files that it shares with the witness of a card (src/card/cpp).
#include "compile.hpp"
#include "log.hpp"

namespace rdna1 {

const char* libraryName() { return "rdna1-device"; }

/// Nothing of a runtime is behind it.
bool isRuntimesOwn(const void*) { return false; }

} // namespace rdna1
