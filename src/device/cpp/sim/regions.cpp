#include "regions.hpp"

#include "../memory.hpp"
#include "../written.hpp"

#include <algorithm>

namespace rdna1::sim {

Regions::Regions() {
  for (const Allocation& allocation : memory().live()) {
    regions_.push_back({allocation.base, allocation.base + allocation.bytes, true, "allocation"});
    if (allocation.written == nullptr || allocation.written->isComplete()) continue;
    regions_.back().written = allocation.written.get();
    kept_.push_back(allocation.written);
  }
}

void Regions::add(const Region& region) {
  const auto place = std::ranges::upper_bound(regions_, region.base, {}, &Region::base);
  regions_.insert(place, region);
}

const Region* Regions::find(std::uint64_t address) const {
  const auto above = std::ranges::upper_bound(regions_, address, {}, &Region::base);
  if (above == regions_.begin()) return nullptr;
  const Region& candidate = *std::prev(above);
  return address < candidate.end ? &candidate : nullptr;
}

std::string Regions::problem(std::uint64_t address, std::size_t bytes, bool write) const {
  const Region* region = find(address);
  if (region != nullptr && bytes <= region->end - address) {
    return write && !region->writable ? "lies in the " + std::string(region->name) + ", which must not be written" : "";
  }
  const void* pointer = reinterpret_cast<const void*>(address);
  if (region != nullptr && !memory().owns(pointer)) {
    return "runs " + std::to_string(bytes - (region->end - address)) + " bytes past the end of the " + region->name +
           " (" + std::to_string(region->end - region->base) + " bytes)";
  }
  const Region* below = nullptr;
  for (const Region& candidate : regions_) {
    if (candidate.end <= address && address - candidate.end < 65536 && !memory().owns(pointer)) below = &candidate;
  }
  if (below != nullptr) {
    return "lies " + std::to_string(address - below->end) + " bytes behind the end of the " + below->name + " (" +
           std::to_string(below->end - below->base) + " bytes)";
  }
  return memory().problem(pointer, bytes).value_or("is no longer allocated");
}

} // namespace rdna1::sim
