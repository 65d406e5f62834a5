// Compressed clang offload bundles ("CCOB"), which fat binaries of ROCm 6.2 and later are
// [LLVM OffloadBundle.cpp, CompressedOffloadBundle].
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace rdna1 {

bool isCompressedBundle(std::span<const std::byte> bytes);

/// The plain bundle, or why it cannot be had. Needs libzstd.so.1 at run time, which comgr brings along.
std::variant<std::vector<std::byte>, std::string> decompressBundle(std::span<const std::byte> bytes);

} // namespace rdna1
