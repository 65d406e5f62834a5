// What a program gives HIP to load: a code object alone, in an offload bundle, or in a compressed one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace rdna1 {

enum class LoadProblem { invalidImage, noBinaryForTarget, outOfMemory };

struct LoadFailure {
  LoadProblem kind;
  std::string message;
};

struct Image {
  std::span<const std::byte> object; ///< the ELF file; inside of `unpacked` or of what was given
  std::vector<std::byte> unpacked;   ///< a compressed bundle's content, else empty
};

struct UnusableImage {
  LoadFailure failure;
  std::span<const std::byte> head; ///< as much of the image as is known to be its own
};

/// The code object for the target in an image of which no more than `bytes` can be read.
std::variant<Image, UnusableImage> openImage(std::span<const std::byte> bytes, const std::string& target);

/// How many bytes can be read at `pointer` (up to the end of its mapping), for images that come without a size.
std::size_t readableBytes(const void* pointer);

} // namespace rdna1
