// hipMemcpy* and hipMemset*: the device side must lie inside one live allocation.
#include "hip_api.hpp"
#include "log.hpp"
#include "memory.hpp"
#include "stream.hpp"

#include <cstring>
#include <string>

using namespace rdna1;

namespace {

enum class Side { device, any };

/// hipSuccess when a device pointer is sound; pointers outside the device's range pass when the side may be host
/// memory.
hipError_t check(const char* call, const char* role, const void* pointer, size_t bytes, Side side) {
  if (pointer == nullptr) return fail(hipErrorInvalidValue, call, std::string(role) + " is null");
  if (side == Side::any && !memory().owns(pointer)) return hipSuccess;
  const auto problem = memory().problem(pointer, bytes);
  if (!problem) return hipSuccess;
  return fail(hipErrorInvalidValue, call,
              std::string(role) + " " + hexOf(pointer) + " of " + std::to_string(bytes) + " bytes " + *problem);
}

struct Block { // rows of `width` bytes, `pitch` bytes apart
  size_t pitch;
  size_t width;
  size_t height;
  size_t extent() const { return (height - 1) * pitch + width; }
};

hipError_t copy(const char* call, void* to, Block toBlock, const void* from, Block fromBlock, hipMemcpyKind kind,
                hipStream_t stream) {
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, call, "the stream does not exist");
  if (kind < hipMemcpyHostToHost || kind > hipMemcpyDefault) {
    return fail(hipErrorInvalidMemcpyDirection, call, "unknown kind " + std::to_string(kind));
  }
  if (toBlock.width == 0 || toBlock.height == 0) return result(hipSuccess);
  if (toBlock.height > 1 && (toBlock.width > toBlock.pitch || fromBlock.width > fromBlock.pitch)) {
    return fail(hipErrorInvalidPitchValue, call, "a row is wider than the pitch");
  }
  const bool toDevice = kind == hipMemcpyHostToDevice || kind == hipMemcpyDeviceToDevice;
  const bool fromDevice = kind == hipMemcpyDeviceToHost || kind == hipMemcpyDeviceToDevice;
  const hipError_t toCheck = check(call, "destination", to, toBlock.extent(), toDevice ? Side::device : Side::any);
  if (toCheck != hipSuccess) return toCheck;
  const hipError_t fromCheck = check(call, "source", from, fromBlock.extent(), fromDevice ? Side::device : Side::any);
  if (fromCheck != hipSuccess) return fromCheck;
  for (size_t row = 0; row < toBlock.height; ++row) {
    std::memmove(static_cast<std::byte*>(to) + row * toBlock.pitch,
                 static_cast<const std::byte*>(from) + row * fromBlock.pitch, toBlock.width);
    memory().copyWritten(static_cast<std::byte*>(to) + row * toBlock.pitch,
                         static_cast<const std::byte*>(from) + row * fromBlock.pitch, toBlock.width);
  }
  return result(hipSuccess);
}

hipError_t copy(const char* call, void* to, const void* from, size_t bytes, hipMemcpyKind kind, hipStream_t stream) {
  return copy(call, to, {bytes, bytes, 1}, from, {bytes, bytes, 1}, kind, stream);
}

hipError_t set(const char* call, void* to, int value, size_t bytes, hipStream_t stream) {
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, call, "the stream does not exist");
  if (bytes == 0) return result(hipSuccess);
  const hipError_t sound = check(call, "destination", to, bytes, Side::device);
  if (sound != hipSuccess) return sound;
  std::memset(to, value, bytes);
  memory().markWritten(to, bytes);
  return result(hipSuccess);
}

} // namespace

extern "C" {

hipError_t hipMemcpy(void* to, const void* from, size_t bytes, hipMemcpyKind kind) {
  return copy(__func__, to, from, bytes, kind, nullptr);
}

hipError_t hipMemcpyAsync(void* to, const void* from, size_t bytes, hipMemcpyKind kind, hipStream_t stream) {
  return copy(__func__, to, from, bytes, kind, stream);
}

hipError_t hipMemcpyWithStream(void* to, const void* from, size_t bytes, hipMemcpyKind kind, hipStream_t stream) {
  return copy(__func__, to, from, bytes, kind, stream);
}

hipError_t hipMemcpy2D(void* to, size_t toPitch, const void* from, size_t fromPitch, size_t width, size_t height,
                       hipMemcpyKind kind) {
  return copy(__func__, to, {toPitch, width, height}, from, {fromPitch, width, height}, kind, nullptr);
}

hipError_t hipMemcpy2DAsync(void* to, size_t toPitch, const void* from, size_t fromPitch, size_t width, size_t height,
                            hipMemcpyKind kind, hipStream_t stream) {
  return copy(__func__, to, {toPitch, width, height}, from, {fromPitch, width, height}, kind, stream);
}

hipError_t hipMemset(void* to, int value, size_t bytes) { return set(__func__, to, value, bytes, nullptr); }

hipError_t hipMemsetAsync(void* to, int value, size_t bytes, hipStream_t stream) {
  return set(__func__, to, value, bytes, stream);
}
}
