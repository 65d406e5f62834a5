// The device's time. It is counted, not measured: every dispatch takes 10 microseconds, so that choices a library makes
// by timing kernels are the same in every run. Never a measurement of anything.
#pragma once

#include <atomic>
#include <cstdint>

namespace rdna1 {

class DeviceClock {
public:
  static constexpr std::uint64_t kDispatchNanoseconds = 10'000;
  std::uint64_t now() const { return time_.load(std::memory_order_relaxed); }
  void advance() { time_.fetch_add(kDispatchNanoseconds, std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> time_{0};
};

inline DeviceClock& deviceClock() {
  static DeviceClock clock;
  return clock;
}

} // namespace rdna1
