#include "bundle.hpp"

#include <cstdint>
#include <cstring>

namespace rdna1 {
namespace {

constexpr std::string_view kMagic = "__CLANG_OFFLOAD_BUNDLE__";

bool startsWith(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

/// "hipv4-amdgcn-amd-amdhsa--gfx1010:xnack-" is for gfx1010, "…--gfx906:sramecc+:xnack-" for gfx906: entries may leave
/// features open, and name none that the device has not.
bool entryServes(std::string_view entry, std::string_view target) {
  if (!entry.starts_with("hip")) return false;
  const auto at = entry.rfind("--");
  if (at == std::string_view::npos) return false;
  entry.remove_prefix(at + 2);
  if (!entry.starts_with(target)) return false;
  entry.remove_prefix(target.size());
  return entry.empty() || entry == ":xnack-" ||
         (target == "gfx906" && (entry == ":sramecc+" || entry == ":sramecc+:xnack-"));
}

} // namespace

bool isBundle(std::span<const std::byte> bytes) { return startsWith(bytes, kMagic); }

std::variant<std::span<const std::byte>, std::string> objectInBundle(std::span<const std::byte> bundle,
                                                                     std::string_view target) {
  if (!isBundle(bundle)) return "it is no offload bundle";
  std::size_t at = kMagic.size();
  const auto number = [&](std::uint64_t& value) {
    if (bundle.size() - at < sizeof value) return false;
    std::memcpy(&value, bundle.data() + at, sizeof value);
    at += sizeof value;
    return true;
  };
  std::uint64_t count = 0;
  if (!number(count) || count > 1024) return "damaged: the offload bundle has no usable table";
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t offset = 0, size = 0, length = 0;
    if (!number(offset) || !number(size) || !number(length) || bundle.size() - at < length) {
      return "truncated: the offload bundle's table is cut off";
    }
    const std::string_view entry(reinterpret_cast<const char*>(bundle.data() + at), length);
    at += length;
    if (!entryServes(entry, target)) continue;
    if (offset > bundle.size() || bundle.size() - offset < size) {
      return "truncated: the bundle's object for " + std::string(target) + " is cut off";
    }
    return bundle.subspan(offset, size);
  }
  return "the offload bundle has no object for " + std::string(target);
}

} // namespace rdna1
