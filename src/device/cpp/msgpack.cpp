#include "msgpack.hpp"

namespace rdna1 {
namespace {

struct Reader {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
  bool good = true;

  std::uint64_t number(std::size_t width) { // big-endian
    if (bytes.size() - at < width) {
      good = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at++]);
    return value;
  }

  Packed ofInteger(std::int64_t value) {
    Packed packed;
    packed.kind = Packed::Kind::integer;
    packed.integer = value;
    return packed;
  }

  Packed skipped(std::uint64_t length) {
    if (bytes.size() - at < length) good = false;
    else at += length;
    return {};
  }

  Packed ofText(std::uint64_t length) {
    Packed packed;
    packed.kind = Packed::Kind::text;
    if (bytes.size() - at < length) {
      good = false;
      return packed;
    }
    packed.text.assign(reinterpret_cast<const char*>(bytes.data() + at), length);
    at += length;
    return packed;
  }

  Packed ofList(std::uint64_t count, int depth) {
    Packed packed;
    packed.kind = Packed::Kind::list;
    for (std::uint64_t i = 0; good && i < count; ++i) packed.list.push_back(value(depth + 1));
    return packed;
  }

  Packed ofMap(std::uint64_t count, int depth) {
    Packed packed;
    packed.kind = Packed::Kind::map;
    for (std::uint64_t i = 0; good && i < count; ++i) {
      Packed key = value(depth + 1);
      packed.map[key.text] = value(depth + 1);
    }
    return packed;
  }

  Packed value(int depth) {
    if (depth > 32) good = false;
    if (!good) return {};
    const auto tag = static_cast<unsigned>(number(1));
    if (tag < 0x80) return ofInteger(tag);
    if (tag < 0x90) return ofMap(tag & 0x0f, depth);
    if (tag < 0xa0) return ofList(tag & 0x0f, depth);
    if (tag < 0xc0) return ofText(tag & 0x1f);
    if (tag >= 0xe0) return ofInteger(static_cast<std::int8_t>(tag));
    switch (tag) {
    case 0xc2:
    case 0xc3: {
      Packed packed = ofInteger(tag & 1);
      packed.kind = Packed::Kind::boolean;
      return packed;
    }
    case 0xc4: return skipped(number(1));
    case 0xc5: return skipped(number(2));
    case 0xc6: return skipped(number(4));
    case 0xca: return skipped(4);
    case 0xcb: return skipped(8);
    case 0xcc: return ofInteger(static_cast<std::int64_t>(number(1)));
    case 0xcd: return ofInteger(static_cast<std::int64_t>(number(2)));
    case 0xce: return ofInteger(static_cast<std::int64_t>(number(4)));
    case 0xcf: return ofInteger(static_cast<std::int64_t>(number(8)));
    case 0xd0: return ofInteger(static_cast<std::int8_t>(number(1)));
    case 0xd1: return ofInteger(static_cast<std::int16_t>(number(2)));
    case 0xd2: return ofInteger(static_cast<std::int32_t>(number(4)));
    case 0xd3: return ofInteger(static_cast<std::int64_t>(number(8)));
    case 0xd9: return ofText(number(1));
    case 0xda: return ofText(number(2));
    case 0xdb: return ofText(number(4));
    case 0xdc: return ofList(number(2), depth);
    case 0xdd: return ofList(number(4), depth);
    case 0xde: return ofMap(number(2), depth);
    case 0xdf: return ofMap(number(4), depth);
    case 0xc0: return {};
    default: good = false; return {}; // 0xc1 is never used; extensions do not occur
    }
  }
};

} // namespace

const Packed* Packed::get(const std::string& key) const {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

std::int64_t Packed::integerAt(const std::string& key, std::int64_t otherwise) const {
  const Packed* found = get(key);
  return found != nullptr && found->kind == Kind::integer ? found->integer : otherwise;
}

std::string Packed::textAt(const std::string& key) const {
  const Packed* found = get(key);
  return found == nullptr ? std::string() : found->text;
}

std::optional<Packed> unpack(std::span<const std::byte> bytes) {
  Reader reader{bytes};
  Packed packed = reader.value(0);
  if (!reader.good) return std::nullopt;
  return packed;
}

} // namespace rdna1
