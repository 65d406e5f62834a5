// Which bytes of a piece of memory were ever written: a byte for each aligned dword, bit i for its byte i. A quarter of
// the memory's size, but whole dwords, which nearly all accesses are, are marked and looked up without
// read-modify-write, so threads need no locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace rdna1 {

class WrittenMap {
public:
  WrittenMap() = default;
  /// Of `bytes` bytes, none written.
  explicit WrittenMap(std::size_t bytes) { reset(bytes); }

  /// Of `bytes` bytes, none written; what was reserved for as many is used again.
  void reset(std::size_t bytes);
  /// Everything was written.
  void complete() { std::atomic_ref(prefix_).store(bytes_, std::memory_order_relaxed); }
  /// Everything was written, as far as this has been noticed.
  bool isComplete() const { return prefix() == bytes_; }
  /// Bytes at the start that are known to be written.
  std::size_t prefix() const { return std::atomic_ref(prefix_).load(std::memory_order_relaxed); }
  /// Reserves the map's memory; to be called before threads share it.
  void prepare();

  /// Whether all of [offset, offset + count) was written; the range must lie inside.
  bool written(std::size_t offset, std::size_t count) const {
    if (offset + count <= prefix()) return true;
    if ((offset & 3) == 0 && count == 4) return map_ != nullptr && load(offset / 4) == kDword;
    return slowWritten(offset, count);
  }
  void mark(std::size_t offset, std::size_t count) {
    if (offset + count <= prefix()) return;
    if ((offset & 3) == 0 && count == 4 && map_ != nullptr) store(offset / 4, kDword);
    else slowMark(offset, count);
  }
  /// The range takes over what is known of the same number of bytes elsewhere; null: all of them were written.
  void copy(std::size_t offset, const WrittenMap* from, std::size_t fromOffset, std::size_t count);
  /// Looks how far the written start reaches now, over at most `limit` bytes.
  void advance(std::size_t limit);

private:
  static constexpr std::uint8_t kDword = 15;
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };

  std::uint8_t load(std::size_t dword) const { return std::atomic_ref(map_[dword]).load(std::memory_order_relaxed); }
  void store(std::size_t dword, std::uint8_t bits) const {
    std::atomic_ref(map_[dword]).store(bits, std::memory_order_relaxed);
  }
  std::size_t dwords() const { return (bytes_ + 3) / 4; }
  bool eightWritten(std::size_t dword) const; ///< that dword and the seven behind it
  bool slowWritten(std::size_t offset, std::size_t count) const;
  void slowMark(std::size_t offset, std::size_t count);
  void change(std::size_t offset, std::size_t count, bool written);

  std::size_t bytes_ = 0;
  mutable std::size_t prefix_ = 0;
  std::size_t reserved_ = 0; ///< dwords that map_ has room for
  std::unique_ptr<std::uint8_t[], Free> map_;
};

} // namespace rdna1
