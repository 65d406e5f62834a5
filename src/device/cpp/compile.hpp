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

} // namespace rdna1
