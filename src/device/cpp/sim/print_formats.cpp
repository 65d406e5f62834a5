// Names of buffer formats and of LDS swizzles.
#include "print_parts.hpp"

#include <bit>

namespace rdna1::sim {
namespace {

/// The formats of one layout follow each other: integer and normalised ones, float, or both.
enum class Kinds : std::uint8_t { withoutFloat, all, wide };

struct Layout {
  const char* name;
  Kinds kinds;
};
constexpr Layout kLayouts[] = {
    {"8", Kinds::withoutFloat},
    {"16", Kinds::all},
    {"8_8", Kinds::withoutFloat},
    {"32", Kinds::wide},
    {"16_16", Kinds::all},
    {"10_11_11", Kinds::all},
    {"11_11_10", Kinds::all},
    {"10_10_10_2", Kinds::withoutFloat},
    {"2_10_10_10", Kinds::withoutFloat},
    {"8_8_8_8", Kinds::withoutFloat},
    {"32_32", Kinds::wide},
    {"16_16_16_16", Kinds::all},
    {"32_32_32", Kinds::wide},
    {"32_32_32_32", Kinds::wide},
};
constexpr const char* kKinds[] = {"UNORM", "SNORM", "USCALED", "SSCALED", "UINT", "SINT", "FLOAT"};

std::string list(const char* mode, std::uint32_t a, std::uint32_t b) {
  return "swizzle(" + std::string(mode) + "," + std::to_string(a) + "," + std::to_string(b) + ")";
}

/// What becomes of each bit of a lane's number: 0, 1, preserved or inverted.
std::string bitmask(std::uint32_t keep, std::uint32_t set, std::uint32_t flip) {
  std::string pattern;
  for (int bit = 4; bit >= 0; bit--) {
    const std::uint32_t ofZero = (set ^ flip) >> bit & 1, ofOne = ((keep | set) ^ flip) >> bit & 1;
    pattern += ofZero == ofOne ? (ofZero != 0 ? '1' : '0') : (ofZero == 0 ? 'p' : 'i');
  }
  return "swizzle(BITMASK_PERM,\"" + pattern + "\")";
}

} // namespace

std::string bufferFormat(std::uint32_t format) {
  if (format == 0) return "[BUF_FMT_INVALID]";
  std::uint32_t first = 1;
  for (const Layout& layout : kLayouts) {
    const std::uint32_t count = layout.kinds == Kinds::withoutFloat ? 6 : layout.kinds == Kinds::all ? 7 : 3;
    const std::uint32_t skipped = layout.kinds == Kinds::wide ? 4 : 0;
    if (format < first + count)
      return "[BUF_FMT_" + std::string(layout.name) + "_" + kKinds[format - first + skipped] + "]";
    first += count;
  }
  return std::to_string(format);
}

std::string swizzle(std::uint32_t offset) {
  const auto part = [offset](unsigned first, unsigned count) { return offset >> first & ((1U << count) - 1); };
  if ((offset & 0xff00) == 0x8000) {
    return "swizzle(QUAD_PERM," + std::to_string(part(0, 2)) + "," + std::to_string(part(2, 2)) + "," +
           std::to_string(part(4, 2)) + "," + std::to_string(part(6, 2)) + ")";
  }
  if (offset >= 0xe000) return "swizzle(FFT," + std::to_string(part(0, 5)) + ")";
  if (offset >= 0xc000) return list("ROTATE", part(10, 1), part(5, 5));
  if (offset >= 0x8000) return std::to_string(offset);
  const std::uint32_t keep = part(0, 5), set = part(5, 5), flip = part(10, 5);
  const bool flips = keep == 31 && set == 0 && flip != 0;
  if (flips && std::has_single_bit(flip)) return "swizzle(SWAP," + std::to_string(flip) + ")";
  if (flips && std::has_single_bit(flip + 1)) return "swizzle(REVERSE," + std::to_string(flip + 1) + ")";
  const std::uint32_t group = 32 - keep;
  if (group > 1 && std::has_single_bit(group) && set < group && flip == 0) return list("BROADCAST", group, set);
  return bitmask(keep, set, flip);
}

} // namespace rdna1::sim
