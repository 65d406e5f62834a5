// Device and pinned host memory. A device pointer is a host pointer into one reserved address range; every allocation
// has pages of its own, zero until written, with an unmapped page behind it. Freed addresses are not handed out again
// before the range (16 TiB) has been used up, so a stale pointer is recognised, and touching it faults.
#pragma once

#include "written.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace rdna1 {

enum class MemoryKind { device, host };

struct Allocation {
  std::uintptr_t base = 0;
  std::size_t bytes = 0; ///< as asked for
  MemoryKind kind = MemoryKind::device;
  unsigned flags = 0;                            ///< hipHostMalloc flags
  std::shared_ptr<WrittenMap> written = nullptr; ///< null: all of it was written
};

class Memory {
public:
  /// `total`: bytes of device memory. Ends the process when the address range cannot be reserved.
  explicit Memory(std::uint64_t total);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Null when the device has no room left (device), or the machine has none (both).
  void* allocate(std::size_t bytes, MemoryKind kind, unsigned flags = 0);
  /// The allocation that was freed, or what is wrong with the pointer.
  std::optional<Allocation> release(void* pointer);
  /// The live allocation that holds this address.
  std::optional<Allocation> find(const void* pointer) const;
  /// Whether the address belongs to the device's range, live or not.
  bool owns(const void* pointer) const;
  /// Nothing when [pointer, pointer + bytes) lies inside one live allocation, else a sentence with the nearest one.
  std::optional<std::string> problem(const void* pointer, std::size_t bytes) const;

  /// All live allocations, their maps ready to be shared by threads; those that are written throughout lose theirs.
  std::vector<Allocation> live();
  /// The bytes were written; what is not device memory is left alone.
  void markWritten(const void* pointer, std::size_t bytes);
  /// The bytes were copied: written at `to` is what was written at `from`.
  void copyWritten(const void* to, const void* from, std::size_t bytes);

  std::uint64_t total() const { return total_; }
  std::uint64_t used() const;
  std::size_t count() const;

private:
  const Allocation* at(std::uintptr_t address) const;
  Allocation* at(const void* pointer);
  std::uintptr_t place(std::size_t span);

  std::uint64_t total_;
  std::uint64_t used_ = 0; ///< device allocations, rounded up to pages
  std::uintptr_t start_ = 0;
  std::uintptr_t end_ = 0;
  std::uintptr_t next_ = 0;
  std::map<std::uintptr_t, Allocation> live_;
  std::map<std::uintptr_t, std::size_t> freed_; ///< for messages; forgotten when the addresses are used again
  mutable std::mutex mutex_;
};

/// The memory of this process's device.
Memory& memory();

} // namespace rdna1
