#include "memory.hpp"

#include "config.hpp"
#include "log.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace rdna1 {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRange = std::size_t{16} << 40;
constexpr std::size_t kSmallestRange = std::size_t{64} << 30;

std::size_t pagesOf(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

std::string describe(const Allocation& allocation) {
  return std::string(allocation.kind == MemoryKind::device ? "device" : "host") + " allocation " +
         hexOf(reinterpret_cast<void*>(allocation.base)) + " of " + std::to_string(allocation.bytes) + " bytes";
}

} // namespace

Memory::Memory(std::uint64_t total) : total_(total) {
  for (std::size_t size = kRange; size >= kSmallestRange; size /= 2) { // smaller where an address limit is set
    void* range = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) continue;
    start_ = next_ = reinterpret_cast<std::uintptr_t>(range);
    end_ = start_ + size;
    return;
  }
  complain("cannot reserve address space for device memory (is `ulimit -v` set?)");
  _exit(2);
}

Memory::~Memory() { munmap(reinterpret_cast<void*>(start_), end_ - start_); }

std::uintptr_t Memory::place(std::size_t span) {
  if (span > end_ - start_) return 0;
  for (int round = 0; round < 2; ++round) {
    while (span <= end_ - next_) {
      const auto above = live_.lower_bound(next_);
      const auto candidate = next_;
      if (above == live_.end() || above->first - candidate >= span) {
        next_ = candidate + span;
        return candidate;
      }
      next_ = above->first + pagesOf(above->second.bytes) + kPage;
    }
    next_ = start_;
  }
  return 0;
}

void* Memory::allocate(std::size_t bytes, MemoryKind kind, unsigned flags) {
  const std::lock_guard lock(mutex_);
  if (bytes == 0 || bytes > end_ - start_) return nullptr;
  const std::size_t pages = pagesOf(bytes);
  if (kind == MemoryKind::device && pages > total_ - used_) return nullptr;
  const std::uintptr_t base = place(pages + kPage);
  if (base == 0) return nullptr;
  void* mapped = mmap(reinterpret_cast<void*>(base), pages, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (kind == MemoryKind::device) used_ += pages;
  freed_.erase(freed_.lower_bound(base), freed_.lower_bound(base + pages));
  auto written = kind == MemoryKind::device ? std::make_shared<WrittenMap>(bytes) : nullptr;
  live_.emplace(base, Allocation{base, bytes, kind, flags, std::move(written)});
  return mapped;
}

std::optional<Allocation> Memory::release(void* pointer) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == live_.end()) return std::nullopt;
  const Allocation allocation = found->second;
  const std::size_t pages = pagesOf(allocation.bytes);
  mmap(pointer, pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (allocation.kind == MemoryKind::device) used_ -= pages;
  freed_.emplace(allocation.base, allocation.bytes);
  live_.erase(found);
  return allocation;
}

const Allocation* Memory::at(std::uintptr_t address) const {
  auto above = live_.upper_bound(address);
  if (above == live_.begin()) return nullptr;
  const Allocation& candidate = std::prev(above)->second;
  return address - candidate.base < candidate.bytes ? &candidate : nullptr;
}

Allocation* Memory::at(const void* pointer) {
  return const_cast<Allocation*>(at(reinterpret_cast<std::uintptr_t>(pointer)));
}

std::optional<Allocation> Memory::find(const void* pointer) const {
  const std::lock_guard lock(mutex_);
  const Allocation* found = at(reinterpret_cast<std::uintptr_t>(pointer));
  return found == nullptr ? std::nullopt : std::optional(*found);
}

bool Memory::owns(const void* pointer) const {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  return address >= start_ && address < end_;
}

std::optional<std::string> Memory::problem(const void* pointer, std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (const Allocation* found = at(address)) {
    const std::size_t room = found->bytes - (address - found->base);
    if (bytes <= room) return std::nullopt;
    return "runs " + std::to_string(bytes - room) + " bytes past the end of the " + describe(*found);
  }
  const auto freedAbove = freed_.upper_bound(address);
  if (freedAbove != freed_.begin()) {
    const auto& [base, size] = *std::prev(freedAbove);
    if (address - base < size) {
      return "lies in an allocation of " + std::to_string(size) + " bytes that has been freed";
    }
  }
  if (live_.empty()) return "there is no live allocation";
  const auto above = live_.upper_bound(address);
  const Allocation* nearest = above == live_.end() ? nullptr : &above->second;
  if (above != live_.begin()) {
    const Allocation& below = std::prev(above)->second;
    const auto distance = address - (below.base + below.bytes);
    if (nearest == nullptr || distance <= nearest->base - address) nearest = &below;
  }
  return "lies in no live allocation; the nearest is the " + describe(*nearest);
}

std::vector<Allocation> Memory::live() {
  const std::lock_guard lock(mutex_);
  std::vector<Allocation> all;
  all.reserve(live_.size());
  for (auto& [base, allocation] : live_) {
    if (allocation.written != nullptr) {
      allocation.written->advance(allocation.bytes);
      if (allocation.written->isComplete()) allocation.written.reset();
      else allocation.written->prepare();
    }
    all.push_back(allocation);
  }
  return all;
}

void Memory::markWritten(const void* pointer, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Allocation* const target = at(pointer);
  if (target == nullptr || target->written == nullptr) return;
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(pointer) - target->base;
  if (offset == 0 && bytes == target->bytes) target->written->complete();
  else target->written->mark(offset, bytes);
}

void Memory::copyWritten(const void* to, const void* from, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Allocation* const target = at(to);
  Allocation* const source = at(from);
  if (target == nullptr || target->kind == MemoryKind::host) return;
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(to) - target->base;
  const std::size_t sourceOffset = source == nullptr ? 0 : reinterpret_cast<std::uintptr_t>(from) - source->base;
  const bool whole = source == nullptr || source->written == nullptr || source->written->written(sourceOffset, bytes);
  if (whole && (target->written == nullptr || (offset == 0 && bytes == target->bytes))) {
    if (target->written != nullptr) target->written->complete();
    return;
  }
  if (target->written == nullptr) {
    target->written = std::make_shared<WrittenMap>(target->bytes);
    target->written->complete();
  }
  target->written->copy(offset, whole ? nullptr : source->written.get(), sourceOffset, bytes);
}

std::uint64_t Memory::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

std::size_t Memory::count() const {
  const std::lock_guard lock(mutex_);
  return live_.size();
}

Memory& memory() {
  static auto* instance = new Memory(config().memoryBytes); // never destroyed: libraries free memory while they end
  return *instance;
}

} // namespace rdna1
