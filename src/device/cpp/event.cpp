#include "event.hpp"

#include "clock.hpp"
#include "stream.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>

using namespace rdna1;

namespace {

using Moment = std::optional<std::uint64_t>; // nanoseconds; nothing before the event is recorded

std::mutex mutex;
auto& events() {
  static auto* map = new std::unordered_map<hipEvent_t, Moment>;
  return *map;
}

std::optional<Moment> momentOf(hipEvent_t event) {
  const std::lock_guard lock(mutex);
  const auto found = events().find(event);
  return found == events().end() ? std::nullopt : std::optional(found->second);
}

hipError_t check(const char* call, hipEvent_t event) {
  return isEvent(event) ? result(hipSuccess) : fail(hipErrorInvalidHandle, call, "the event does not exist");
}

hipError_t create(const char* call, hipEvent_t* event) {
  if (event == nullptr) return fail(hipErrorInvalidValue, call, "no place for the event");
  *event = reinterpret_cast<hipEvent_t>(new char);
  const std::lock_guard lock(mutex);
  events().emplace(*event, std::nullopt);
  return result(hipSuccess);
}

} // namespace

bool rdna1::isEvent(hipEvent_t event) { return momentOf(event).has_value(); }

bool rdna1::stamp(hipEvent_t event) {
  const std::lock_guard lock(mutex);
  const auto found = events().find(event);
  if (found == events().end()) return false;
  found->second = deviceClock().now();
  return true;
}

extern "C" {

hipError_t hipEventCreate(hipEvent_t* event) { return create(__func__, event); }
hipError_t hipEventCreateWithFlags(hipEvent_t* event, unsigned) { return create(__func__, event); }

hipError_t hipEventDestroy(hipEvent_t event) {
  const std::lock_guard lock(mutex);
  if (events().erase(event) == 0) return fail(hipErrorInvalidHandle, __func__, "the event does not exist");
  delete reinterpret_cast<char*>(event);
  return result(hipSuccess);
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream) {
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, __func__, "the stream does not exist");
  if (!stamp(event)) return fail(hipErrorInvalidHandle, __func__, "the event does not exist");
  return result(hipSuccess);
}

hipError_t hipEventSynchronize(hipEvent_t event) { return check(__func__, event); }
hipError_t hipEventQuery(hipEvent_t event) { return check(__func__, event); }

/// Milliseconds; never 0, because MIOpen takes a solver with no time for one that failed.
hipError_t hipEventElapsedTime(float* milliseconds, hipEvent_t start, hipEvent_t stop) {
  if (milliseconds == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the time");
  const auto first = momentOf(start), last = momentOf(stop);
  if (!first || !last) return fail(hipErrorInvalidHandle, __func__, "an event does not exist");
  if (!*first || !*last) return fail(hipErrorInvalidHandle, __func__, "an event was not recorded");
  const std::uint64_t elapsed = **last > **first ? **last - **first : 0;
  *milliseconds = static_cast<float>(std::max(elapsed, DeviceClock::kDispatchNanoseconds)) / 1e6F;
  return result(hipSuccess);
}
}
