// Clang offload bundles: several code objects in one file [LLVM ClangOffloadBundler, "Bundled Binary File Layout"].
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rdna1 {

/// Whether the bytes start as a plain bundle (compressed ones: compressed_bundle.hpp).
bool isBundle(std::span<const std::byte> bytes);

/// The code object for the target (xnack unspecified or off; of gfx906 also ECC on) in the bundle, or why there is
/// none.
std::variant<std::span<const std::byte>, std::string> objectInBundle(std::span<const std::byte> bundle,
                                                                     std::string_view target);

} // namespace rdna1
