// Run-time compilation, which the device lets pass, counts, or refuses (the proof that a kernel set is complete).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rdna1 {

/// Compilations asked for so far, refused ones included.
std::uint64_t compileCount();
void countCompile();

/// The options for hiprtc: the caller's, and the target's architecture when the caller names none (the real hiprtc
/// would ask the card).
std::vector<std::string> withArchitecture(std::vector<std::string> options, const std::string& target);

/// Whether a compilation asked for from the code at `caller` is one of the HIP runtime, for kernels of its own that
/// nobody may refuse. The virtual device has no such runtime; the library behind a card does
/// (src/card/cpp/witness.cpp).
bool isRuntimesOwn(const void* caller);

} // namespace rdna1
