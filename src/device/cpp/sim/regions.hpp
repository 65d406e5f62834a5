// Which host memory a launch may touch, and what of it was ever written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rdna1 {
class WrittenMap;
}

namespace rdna1::sim {

/// Memory that a launch may read, and perhaps write.
struct Region {
  std::uint64_t base = 0;
  std::uint64_t end = 0; ///< just behind its last byte
  bool writable = true;
  const char* name = "";                          ///< for messages: "allocation", "kernel arguments", "private memory"
  WrittenMap* written = nullptr;                  ///< null: all of it
  const char* unwritten = "uninitialised-memory"; ///< the finding when it is read before it was written
  bool ofOneWave = false;                         ///< only the wave may touch it whose Wave::privateMemory it is

  bool holds(std::uint64_t address, std::uint64_t bytes) const {
    return address - base < end - base && bytes <= end - address;
  }
};

/// The regions of one launch. Filled before it starts and not changed while it runs, so that threads may share it and
/// keep pointers to regions.
class Regions {
public:
  /// The device's live allocations.
  Regions();

  /// What the launch itself brings: kernel arguments, dispatch packet, private memory.
  void add(const Region& region);

  /// The region that holds the address, or null.
  const Region* find(std::uint64_t address) const;

  /// What is wrong with [address, address + bytes): "lies in an allocation … that has been freed", or nothing.
  std::string problem(std::uint64_t address, std::size_t bytes, bool write) const;

private:
  std::vector<Region> regions_; ///< by base
  std::vector<std::shared_ptr<WrittenMap>> kept_;
};

} // namespace rdna1::sim
