// hipMalloc, hipHostMalloc and what goes with them.
#include "hip_api.hpp"
#include "log.hpp"
#include "memory.hpp"
#include "stream.hpp"

using namespace rdna1;

namespace {

hipError_t allocate(const char* call, void** out, size_t bytes, MemoryKind kind, unsigned flags) {
  if (out == nullptr) return fail(hipErrorInvalidValue, call, "no place for the pointer");
  *out = nullptr;
  if (bytes == 0) return result(hipSuccess); // as HIP does: success and a null pointer
  *out = memory().allocate(bytes, kind, flags);
  if (*out == nullptr) {
    const std::string room = std::to_string(memory().total() - memory().used());
    return fail(hipErrorOutOfMemory, call, std::to_string(bytes) + " bytes asked for, " + room + " bytes are free");
  }
  Event("alloc")
      .text("api", call)
      .text("kind", kind == MemoryKind::device ? "device" : "host")
      .pointer("pointer", *out)
      .number("bytes", static_cast<std::int64_t>(bytes))
      .number("flags", flags)
      .send();
  return result(hipSuccess);
}

hipError_t release(const char* call, void* pointer, MemoryKind kind) {
  if (pointer == nullptr) return result(hipSuccess);
  const auto found = memory().find(pointer);
  if (!found || found->base != reinterpret_cast<std::uintptr_t>(pointer)) {
    const std::string why = found ? "points into an allocation, not at its start" : *memory().problem(pointer, 1);
    return fail(hipErrorInvalidDevicePointer, call, hexOf(pointer) + " " + why);
  }
  if (found->kind != kind) { // [HIP hip_runtime_api.h: hipFree of hipHostMalloc memory is hipErrorInvalidDevicePointer]
    const char* made = found->kind == MemoryKind::host ? "hipHostMalloc" : "hipMalloc";
    return fail(hipErrorInvalidDevicePointer, call, hexOf(pointer) + " was made by " + made);
  }
  memory().release(pointer);
  Event("free").text("api", call).pointer("pointer", pointer).number("bytes", found->bytes).send();
  return result(hipSuccess);
}

} // namespace

extern "C" {

hipError_t hipMalloc(void** pointer, size_t bytes) { return allocate(__func__, pointer, bytes, MemoryKind::device, 0); }
hipError_t hipFree(void* pointer) { return release(__func__, pointer, MemoryKind::device); }

hipError_t hipMallocAsync(void** pointer, size_t bytes, hipStream_t stream) {
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, __func__, "the stream does not exist");
  return allocate(__func__, pointer, bytes, MemoryKind::device, 0);
}

hipError_t hipFreeAsync(void* pointer, hipStream_t stream) {
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, __func__, "the stream does not exist");
  return release(__func__, pointer, MemoryKind::device);
}

hipError_t hipHostMalloc(void** pointer, size_t bytes, unsigned flags) {
  return allocate(__func__, pointer, bytes, MemoryKind::host, flags);
}
hipError_t hipHostFree(void* pointer) { return release(__func__, pointer, MemoryKind::host); }

hipError_t hipMemGetInfo(size_t* free, size_t* total) {
  if (free != nullptr) *free = memory().total() - memory().used();
  if (total != nullptr) *total = memory().total();
  return result(hipSuccess);
}

hipError_t hipMemPtrGetInfo(void* pointer, size_t* bytes) {
  if (bytes == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the size");
  *bytes = 0;
  if (pointer == nullptr) return result(hipSuccess);
  const auto found = memory().find(pointer);
  if (!found) return fail(hipErrorInvalidValue, __func__, hexOf(pointer) + " " + *memory().problem(pointer, 1));
  *bytes = found->bytes;
  return result(hipSuccess);
}

/// Ordinary host memory is not an error: rocBLAS asks to find out where a scalar lies.
hipError_t hipPointerGetAttributes(hipPointerAttribute_t* attributes, const void* pointer) {
  if (attributes == nullptr || pointer == nullptr) return fail(hipErrorInvalidValue, __func__, "null argument");
  *attributes = {};
  const auto found = memory().find(pointer);
  if (!found) {
    if (memory().owns(pointer)) {
      return fail(hipErrorInvalidValue, __func__, hexOf(pointer) + " " + *memory().problem(pointer, 1));
    }
    attributes->type = hipMemoryTypeUnregistered;
    attributes->device = -2; // hipInvalidDeviceId, as HIP 6 and later report
    return result(hipSuccess);
  }
  const bool host = found->kind == MemoryKind::host;
  attributes->type = host ? hipMemoryTypeHost : hipMemoryTypeDevice;
  attributes->devicePointer = const_cast<void*>(pointer);
  attributes->hostPointer = host ? const_cast<void*>(pointer) : nullptr;
  attributes->allocationFlags = found->flags;
  return result(hipSuccess);
}

/// There is one pool and it keeps nothing.
hipError_t hipDeviceGetDefaultMemPool(hipMemPool_t* pool, int device) {
  if (pool == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the pool");
  if (device != 0) return fail(hipErrorInvalidDevice, __func__, "there is no device " + std::to_string(device));
  *pool = reinterpret_cast<hipMemPool_t>(&memory());
  return result(hipSuccess);
}

hipError_t hipMemPoolTrimTo(hipMemPool_t pool, size_t) {
  if (pool != reinterpret_cast<hipMemPool_t>(&memory())) {
    return fail(hipErrorInvalidValue, __func__, "the pool does not exist");
  }
  return result(hipSuccess);
}
}
