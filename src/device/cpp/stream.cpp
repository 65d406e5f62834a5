#include "stream.hpp"

#include "event.hpp"

#include <mutex>
#include <unordered_map>

using namespace rdna1;

namespace {

std::mutex mutex;
auto& streams() { // flags of the live streams
  static auto* map = new std::unordered_map<hipStream_t, unsigned>;
  return *map;
}

hipError_t create(const char* call, hipStream_t* stream, unsigned flags) {
  if (stream == nullptr) return fail(hipErrorInvalidValue, call, "no place for the stream");
  if (flags != hipStreamDefault && flags != hipStreamNonBlocking) {
    return fail(hipErrorInvalidValue, call, "unknown flags " + std::to_string(flags));
  }
  *stream = reinterpret_cast<hipStream_t>(new char);
  const std::lock_guard lock(mutex);
  streams().emplace(*stream, flags);
  return result(hipSuccess);
}

hipError_t check(const char* call, hipStream_t stream) {
  return isStream(stream) ? result(hipSuccess) : fail(hipErrorInvalidHandle, call, "the stream does not exist");
}

} // namespace

bool rdna1::isStream(hipStream_t stream) {
  if (stream == nullptr || stream == hipStreamPerThread || stream == hipStreamLegacy) return true;
  const std::lock_guard lock(mutex);
  return streams().contains(stream);
}

extern "C" {

hipError_t hipStreamCreate(hipStream_t* stream) { return create(__func__, stream, hipStreamDefault); }
hipError_t hipStreamCreateWithFlags(hipStream_t* stream, unsigned flags) { return create(__func__, stream, flags); }
hipError_t hipStreamCreateWithPriority(hipStream_t* stream, unsigned flags, int) {
  return create(__func__, stream, flags);
}

hipError_t hipStreamDestroy(hipStream_t stream) {
  const std::lock_guard lock(mutex);
  if (streams().erase(stream) == 0) return fail(hipErrorInvalidHandle, __func__, "the stream does not exist");
  delete reinterpret_cast<char*>(stream);
  return result(hipSuccess);
}

hipError_t hipStreamSynchronize(hipStream_t stream) { return check(__func__, stream); }
hipError_t hipStreamQuery(hipStream_t stream) { return check(__func__, stream); }

hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned) {
  if (!isEvent(event)) return fail(hipErrorInvalidHandle, __func__, "the event does not exist");
  return check(__func__, stream);
}

hipError_t hipStreamGetFlags(hipStream_t stream, unsigned* flags) {
  if (flags == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the flags");
  const hipError_t known = check(__func__, stream);
  if (known != hipSuccess) return known;
  const std::lock_guard lock(mutex);
  const auto found = streams().find(stream);
  *flags = found == streams().end() ? hipStreamDefault : found->second;
  return known;
}

hipError_t hipStreamIsCapturing(hipStream_t stream, hipStreamCaptureStatus* status) {
  if (status == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the status");
  *status = hipStreamCaptureStatusNone;
  return check(__func__, stream);
}

/// Returns a device number, not an error code; -1 for no stream of ours.
int hipGetStreamDeviceId(hipStream_t stream) { return isStream(stream) ? 0 : -1; }

hipError_t hipLaunchHostFunc(hipStream_t stream, hipHostFn_t function, void* argument) {
  const hipError_t known = check(__func__, stream);
  if (known != hipSuccess) return known;
  if (function == nullptr) return fail(hipErrorInvalidValue, __func__, "no function");
  function(argument);
  return result(hipSuccess);
}
}
