#include "written.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace rdna1 {

void WrittenMap::Free::operator()(std::uint8_t* memory) const { std::free(memory); }

void WrittenMap::reset(std::size_t bytes) {
  bytes_ = bytes;
  prefix_ = 0;
  if (map_ == nullptr) return;
  if (dwords() <= reserved_) std::memset(map_.get(), 0, dwords());
  else map_.reset();
}

void WrittenMap::prepare() {
  if (map_ != nullptr) return;
  // calloc: the pages of a large map stay untouched until something is written there
  map_.reset(static_cast<std::uint8_t*>(std::calloc(dwords(), 1)));
  if (map_ == nullptr) throw std::bad_alloc();
  reserved_ = dwords();
}

void WrittenMap::advance(std::size_t limit) {
  if (map_ == nullptr) return;
  const std::size_t start = prefix() / 4;
  const std::size_t stop = std::min(dwords(), start + limit / 4);
  std::size_t dword = start;
  while (dword + 8 <= stop && eightWritten(dword)) dword += 8;
  while (dword < stop && load(dword) == kDword) ++dword;
  std::size_t reached = dword * 4;
  if (dword + 1 == dwords() && bytes_ % 4 != 0 && load(dword) == (1u << bytes_ % 4) - 1) reached = bytes_;
  reached = std::min(reached, bytes_);
  const std::atomic_ref prefix(prefix_);
  std::size_t seen = prefix.load(std::memory_order_relaxed);
  while (seen < reached && !prefix.compare_exchange_weak(seen, reached, std::memory_order_relaxed)) {
  }
}

bool WrittenMap::eightWritten(std::size_t dword) const {
  std::uint64_t eight;
  std::memcpy(&eight, map_.get() + dword, sizeof eight);
  return eight == 0x0f0f0f0f0f0f0f0f;
}

bool WrittenMap::slowWritten(std::size_t offset, std::size_t count) const {
  if (count == 0) return true;
  if (map_ == nullptr) return false;
  for (std::size_t at = offset, end = offset + count; at < end;) {
    if (at % 4 == 0 && end - at >= 32) {
      if (!eightWritten(at / 4)) return false;
      at += 32;
      continue;
    }
    const std::size_t next = std::min(end, (at / 4 + 1) * 4);
    const unsigned bits = ((1u << (next - at)) - 1) << at % 4;
    if ((load(at / 4) & bits) != bits) return false;
    at = next;
  }
  return true;
}

void WrittenMap::slowMark(std::size_t offset, std::size_t count) {
  prepare();
  change(offset, count, true);
}

void WrittenMap::change(std::size_t offset, std::size_t count, bool written) {
  const std::size_t end = offset + count;
  const auto part = [&](std::size_t from, std::size_t to) {
    const auto bits = static_cast<std::uint8_t>(((1u << (to - from)) - 1) << from % 4);
    const std::atomic_ref entry(map_[from / 4]);
    if (written) entry.fetch_or(bits, std::memory_order_relaxed);
    else entry.fetch_and(static_cast<std::uint8_t>(~bits), std::memory_order_relaxed);
  };
  std::size_t at = offset;
  if (at % 4 != 0) {
    const std::size_t next = std::min(end, (at / 4 + 1) * 4);
    part(at, next);
    at = next;
  }
  if (end - at >= 4) {
    std::memset(map_.get() + at / 4, written ? kDword : 0, (end - at) / 4);
    at += (end - at) / 4 * 4;
  }
  if (at < end) part(at, end);
}

void WrittenMap::copy(std::size_t offset, const WrittenMap* from, std::size_t fromOffset, std::size_t count) {
  if (from == nullptr || fromOffset + count <= from->prefix()) return mark(offset, count);
  prepare();
  if (prefix() > offset) { // marks below the prefix were left out
    change(0, prefix(), true);
    prefix_ = offset;
  }
  for (std::size_t i = 0; i < count;) {
    const bool whole = (offset + i) % 4 == 0 && (fromOffset + i) % 4 == 0 && count - i >= 4;
    const std::size_t step = whole ? 4 : 1;
    if (whole && from->map_ != nullptr && fromOffset + i >= from->prefix()) {
      store((offset + i) / 4, from->load((fromOffset + i) / 4));
    } else change(offset + i, step, from->written(fromOffset + i, step));
    i += step;
  }
}

} // namespace rdna1
