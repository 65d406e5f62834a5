// The witness: a library that is loaded before a HIP runtime and the programs on it. It passes every call on, writes
// the event log of the virtual device (src/device/events.ts) about what a card was given, and refuses to compile.
#pragma once

#include "hip_headers.hpp"

#include <string>

namespace rdna1 {

/// A kernel that can be launched.
struct WitnessedKernel {
  std::string module; ///< MD5 of its code object; empty for one that lies inside a library
  std::string name;
};

/// What a handle of hipModuleGetFunction stands for; without a name where it is unknown.
WitnessedKernel kernelBehind(hipFunction_t function);

/// Writes which card answers, once, before the first thing that it is given.
void introduceCard();

} // namespace rdna1
