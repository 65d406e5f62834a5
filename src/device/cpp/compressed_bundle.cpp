#include "compressed_bundle.hpp"

#include <cstdint>
#include <cstring>
#include <dlfcn.h>

namespace rdna1 {
namespace {

constexpr std::uint64_t kLargest = 4ULL << 30; // bytes; a bundle of rocBLAS has 154 MB
constexpr std::uint16_t kZstd = 1;             // [LLVM Compression.h, enum class Format]

/// libzstd's simple API [zstd.h]. Not linked: the device must load where there is no zstd.
struct Zstd {
  std::size_t (*decompress)(void* to, std::size_t room, const void* from, std::size_t size) = nullptr;
  unsigned (*isError)(std::size_t code) = nullptr;
};

const Zstd* zstd() {
  static const Zstd library = [] {
    Zstd found;
    void* handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return found;
    found.decompress = reinterpret_cast<decltype(found.decompress)>(dlsym(handle, "ZSTD_decompress"));
    found.isError = reinterpret_cast<decltype(found.isError)>(dlsym(handle, "ZSTD_isError"));
    return found;
  }();
  return library.decompress != nullptr && library.isError != nullptr ? &library : nullptr;
}

struct Header {
  std::uint16_t version = 0;
  std::uint16_t method = 0;
  std::uint64_t fileSize = 0; ///< header included
  std::uint64_t plainSize = 0;
  std::size_t size = 0; ///< of the header
};

/// Versions 2 and 3; false for what is cut off or unknown. Version 1 does not tell its own size.
bool readHeader(std::span<const std::byte> bytes, Header& header) {
  const auto at = [&](std::size_t offset, auto& value) {
    if (bytes.size() < offset + sizeof value) return false;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return true;
  };
  if (!at(4, header.version) || !at(6, header.method)) return false;
  if (header.version == 3) {
    header.size = 32;
    return at(8, header.fileSize) && at(16, header.plainSize) && bytes.size() >= header.size;
  }
  if (header.version != 2) return false;
  std::uint32_t fileSize = 0, plainSize = 0;
  header.size = 24;
  if (!at(8, fileSize) || !at(12, plainSize) || bytes.size() < header.size) return false;
  header.fileSize = fileSize;
  header.plainSize = plainSize;
  return true;
}

} // namespace

bool isCompressedBundle(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "CCOB", 4) == 0;
}

std::variant<std::vector<std::byte>, std::string> decompressBundle(std::span<const std::byte> bytes) {
  Header header;
  if (!readHeader(bytes, header)) {
    return "its compressed bundle (CCOB) has version " + std::to_string(header.version) + ", known are 2 and 3";
  }
  if (header.method != kZstd) return "its compressed bundle (CCOB) is not compressed with zstd";
  if (header.fileSize > bytes.size() || header.fileSize < header.size)
    return "truncated: the compressed bundle is cut off";
  if (header.plainSize > kLargest) return "damaged: the compressed bundle claims an impossible size";
  const Zstd* library = zstd();
  if (library == nullptr) return "its compressed bundle (CCOB) needs libzstd.so.1, which cannot be loaded";
  std::vector<std::byte> plain(header.plainSize);
  const std::size_t size =
      library->decompress(plain.data(), plain.size(), bytes.data() + header.size, header.fileSize - header.size);
  if (library->isError(size) != 0 || size != plain.size()) return "damaged: the compressed bundle does not unpack";
  return plain;
}

} // namespace rdna1
