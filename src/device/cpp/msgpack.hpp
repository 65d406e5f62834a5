// MessagePack reader for the metadata note of AMDGPU code objects [LLVM AMDGPUUsage, "Code Object V3 Metadata"].
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rdna1 {

/// One value. Floats, binaries and extensions do not occur in the metadata; they read as an empty value.
struct Packed {
  enum class Kind { empty, boolean, integer, text, list, map };
  Kind kind = Kind::empty;
  std::int64_t integer = 0; ///< also the boolean
  std::string text;
  std::vector<Packed> list;
  std::map<std::string, Packed> map; ///< keys of the metadata are strings

  /// The value of a map's key, or null.
  const Packed* get(const std::string& key) const;
  /// The integer of a map's key, or `otherwise`.
  std::int64_t integerAt(const std::string& key, std::int64_t otherwise) const;
  /// The text of a map's key, or an empty string.
  std::string textAt(const std::string& key) const;
};

/// Nothing when the bytes are cut off, nested deeper than 32, or no MessagePack.
std::optional<Packed> unpack(std::span<const std::byte> bytes);

} // namespace rdna1
