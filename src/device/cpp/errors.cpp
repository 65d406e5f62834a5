// hipGetLastError and the names of errors.
#include "hip_api.hpp"
#include "log.hpp"

#include <utility>

namespace rdna1 {
namespace {

thread_local hipError_t lastError = hipSuccess; // since it was last asked for
thread_local hipError_t lastCall = hipSuccess;

struct Named {
  hipError_t code;
  const char* name;
  const char* text;
};

constexpr Named kErrors[] = {
    {hipSuccess, "hipSuccess", "no error"},
    {hipErrorInvalidValue, "hipErrorInvalidValue", "invalid argument"},
    {hipErrorOutOfMemory, "hipErrorOutOfMemory", "out of memory"},
    {hipErrorInvalidConfiguration, "hipErrorInvalidConfiguration", "invalid configuration argument"},
    {hipErrorInvalidPitchValue, "hipErrorInvalidPitchValue", "invalid pitch argument"},
    {hipErrorInvalidDevicePointer, "hipErrorInvalidDevicePointer", "invalid device pointer"},
    {hipErrorInvalidMemcpyDirection, "hipErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {hipErrorInvalidDeviceFunction, "hipErrorInvalidDeviceFunction", "invalid device function"},
    {hipErrorInvalidDevice, "hipErrorInvalidDevice", "invalid device ordinal"},
    {hipErrorInvalidImage, "hipErrorInvalidImage", "device kernel image is invalid"},
    {hipErrorNoBinaryForGpu, "hipErrorNoBinaryForGpu", "no kernel image is available for execution on the device"},
    {hipErrorFileNotFound, "hipErrorFileNotFound", "file not found"},
    {hipErrorInvalidHandle, "hipErrorInvalidHandle", "invalid resource handle"},
    {hipErrorNotFound, "hipErrorNotFound", "named symbol not found"},
    {hipErrorNotReady, "hipErrorNotReady", "device not ready"},
    {hipErrorLaunchFailure, "hipErrorLaunchFailure", "unspecified launch failure"},
    {hipErrorNotSupported, "hipErrorNotSupported", "operation not supported"},
};

const Named& named(hipError_t code) {
  static constexpr Named kUnknown = {hipErrorUnknown, "hipErrorUnknown", "unknown error"};
  for (const Named& entry : kErrors) {
    if (entry.code == code) return entry;
  }
  return kUnknown;
}

} // namespace

hipError_t result(hipError_t code) {
  lastCall = code;
  if (code != hipSuccess) lastError = code;
  return code;
}

hipError_t fail(hipError_t code, const char* call, const std::string& message) {
  complain(std::string(call) + ": " + message + " (" + named(code).name + ")");
  Event("error").text("call", call).number("code", code).text("name", named(code).name).text("message", message).send();
  return result(code);
}

} // namespace rdna1

using rdna1::named;

extern "C" {

const char* hipGetErrorName(hipError_t code) { return named(code).name; }
const char* hipGetErrorString(hipError_t code) { return named(code).text; }
hipError_t hipGetLastError() { return std::exchange(rdna1::lastError, hipSuccess); }
hipError_t hipPeekAtLastError() { return rdna1::lastError; }
/// The result of this thread's last call, and forgets it [HIP header, hipExtGetLastError].
hipError_t hipExtGetLastError() { return std::exchange(rdna1::lastCall, hipSuccess); }
}
