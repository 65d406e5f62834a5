#include "image.hpp"

#include "bundle.hpp"
#include "code_object.hpp"
#include "compressed_bundle.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace rdna1 {
namespace {} // namespace

std::variant<Image, UnusableImage> openImage(std::span<const std::byte> given, const std::string& target) {
  Image image;
  std::span<const std::byte> bytes = given;
  const auto unusable = [&](LoadProblem kind, std::string message, std::size_t known) -> UnusableImage {
    if (!image.unpacked.empty()) bytes = given.first(64); // what was unpacked goes away
    return {{kind, std::move(message)}, bytes.first(std::min(bytes.size(), known))};
  };
  if (isCompressedBundle(bytes)) {
    auto plain = decompressBundle(bytes);
    if (auto* problem = std::get_if<std::string>(&plain)) {
      return unusable(LoadProblem::invalidImage, std::move(*problem), 64);
    }
    image.unpacked = std::get<std::vector<std::byte>>(std::move(plain));
    bytes = image.unpacked;
  }
  if (isBundle(bytes)) {
    auto unbundled = objectInBundle(bytes, target);
    if (auto* problem = std::get_if<std::string>(&unbundled)) { // the bundle's true size is not known
      return unusable(LoadProblem::noBinaryForTarget, std::move(*problem), 4096);
    }
    bytes = std::get<std::span<const std::byte>>(unbundled);
  }
  const auto size = elfFileSize(bytes);
  if (!size) return unusable(LoadProblem::invalidImage, "it is no ELF file", 64);
  // an image given by address comes with what follows it
  image.object = bytes.first(std::min<std::size_t>(bytes.size(), *size));
  return image;
}

std::size_t readableBytes(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::uintptr_t end = 0;
  if (std::FILE* maps = std::fopen("/proc/self/maps", "re")) {
    char line[512];
    while (std::fgets(line, sizeof line, maps) != nullptr) {
      unsigned long first = 0, last = 0;
      char readable = '-';
      if (std::sscanf(line, "%lx-%lx %c", &first, &last, &readable) != 3 || readable != 'r') continue;
      if (end == 0 ? address >= first && address < last : first == end) end = last; // neighbours count as one
    }
    std::fclose(maps);
  }
  return end == 0 ? 0 : end - address;
}

} // namespace rdna1
