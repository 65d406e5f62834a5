// What the card says of itself. Numbers that only steer speed are those of an RX 5700 XT; see docs/device.md.
#include "config.hpp"
#include "hip_api.hpp"

#include <cstring>

using namespace rdna1;

namespace {

/// What differs between the cards. Sizes are bytes, clocks kHz, the bus bits.
struct Card {
  int waveSize, itemsOfUnit, clock, memoryClock, busWidth, l2, major, minor;
};
constexpr Card kRdna = {32, 2048, 2100000, 875000, 256, 4 << 20, 10, 1};
constexpr Card kMi50 = {64, 2560, 1725000, 1000000, 4096, 8 << 20, 9, 0}; // what rocminfo says of one

const Card& card() { return config().target == "gfx906" ? kMi50 : kRdna; }

constexpr int kLargestGroup = 1024;
constexpr int kLds = 65536; // bytes of a work-group [RDNA1 ISA §2.5]
constexpr int kRegisters = 65536;
constexpr int kWallClock = 100000; // kHz
constexpr int kPciBus = 3;

hipError_t checkDevice(const char* call, int device) {
  if (device == 0) return result(hipSuccess);
  return fail(hipErrorInvalidDevice, call, "there is no device " + std::to_string(device));
}

/// The value of an attribute; false for one that the device does not know.
bool attributeOf(hipDeviceAttribute_t attribute, int& value) {
  switch (attribute) {
  case hipDeviceAttributeMultiprocessorCount: value = config().wgps; return true;
  case hipDeviceAttributePhysicalMultiProcessorCount: value = config().wgps; return true;
  case hipDeviceAttributeWarpSize: value = card().waveSize; return true;
  case hipDeviceAttributeMaxThreadsPerBlock: value = kLargestGroup; return true;
  case hipDeviceAttributeMaxBlockDimX:
  case hipDeviceAttributeMaxBlockDimY:
  case hipDeviceAttributeMaxBlockDimZ: value = kLargestGroup; return true;
  case hipDeviceAttributeMaxGridDimX: value = INT32_MAX; return true;
  case hipDeviceAttributeMaxGridDimY:
  case hipDeviceAttributeMaxGridDimZ: value = 65536; return true;
  case hipDeviceAttributeMaxSharedMemoryPerBlock:
  case hipDeviceAttributeSharedMemPerMultiprocessor:
  case hipDeviceAttributeMaxSharedMemoryPerMultiprocessor: value = kLds; return true;
  case hipDeviceAttributeMaxRegistersPerBlock: value = kRegisters; return true;
  case hipDeviceAttributeMaxThreadsPerMultiProcessor: value = card().itemsOfUnit; return true;
  case hipDeviceAttributeComputeCapabilityMajor: value = card().major; return true;
  case hipDeviceAttributeComputeCapabilityMinor: value = card().minor; return true;
  case hipDeviceAttributeClockRate: value = card().clock; return true;
  case hipDeviceAttributeMemoryClockRate: value = card().memoryClock; return true;
  case hipDeviceAttributeWallClockRate: value = kWallClock; return true;
  case hipDeviceAttributeMemoryBusWidth: value = card().busWidth; return true;
  case hipDeviceAttributeL2CacheSize: value = card().l2; return true;
  case hipDeviceAttributePciBusId: value = kPciBus; return true;
  case hipDeviceAttributePciDeviceId:
  case hipDeviceAttributePciDomainID:
  case hipDeviceAttributeIntegrated:
  case hipDeviceAttributeAsicRevision:
  case hipDeviceAttributeManagedMemory:
  case hipDeviceAttributeConcurrentManagedAccess:
  case hipDeviceAttributePageableMemoryAccess:
  case hipDeviceAttributeCooperativeMultiDeviceLaunch: value = 0; return true;
  case hipDeviceAttributeCooperativeLaunch:
  case hipDeviceAttributeConcurrentKernels:
  case hipDeviceAttributeCanMapHostMemory:
  case hipDeviceAttributeMemoryPoolsSupported:
  case hipDeviceAttributeUnifiedAddressing: value = 1; return true;
  case hipDeviceAttributeMaxPitch: value = INT32_MAX; return true;
  case hipDeviceAttributeComputeMode: value = hipComputeModeDefault; return true;
  default: return false;
  }
}

} // namespace

extern "C" {

hipError_t hipInit(unsigned flags) {
  return flags == 0 ? result(hipSuccess) : fail(hipErrorInvalidValue, __func__, "flags must be 0");
}

hipError_t hipGetDeviceCount(int* count) {
  if (count == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the count");
  *count = 1;
  return result(hipSuccess);
}

hipError_t hipGetDevice(int* device) {
  if (device == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the device");
  *device = 0;
  return result(hipSuccess);
}

hipError_t hipSetDevice(int device) { return checkDevice(__func__, device); }
hipError_t hipDeviceSynchronize() { return result(hipSuccess); }

hipError_t hipRuntimeGetVersion(int* version) {
  if (version == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the version");
  *version = HIP_VERSION; // of the headers the device was built with: the toolchain's
  return result(hipSuccess);
}

hipError_t hipDeviceTotalMem(size_t* bytes, hipDevice_t device) {
  if (bytes == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the size");
  *bytes = config().memoryBytes;
  return checkDevice(__func__, device);
}

hipError_t hipDeviceGetAttribute(int* value, hipDeviceAttribute_t attribute, int device) {
  if (value == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the value");
  if (device != 0) return checkDevice(__func__, device);
  if (attributeOf(attribute, *value)) return result(hipSuccess);
  return fail(hipErrorInvalidValue, __func__, "attribute " + std::to_string(attribute) + " is not known to the device");
}

/// hipGetDeviceProperties of HIP 6 and later (the header renames it).
hipError_t hipGetDevicePropertiesR0600(hipDeviceProp_tR0600* out, int device) {
  if (out == nullptr) return fail(hipErrorInvalidValue, __func__, "no place for the properties");
  if (device != 0) return checkDevice(__func__, device);
  hipDeviceProp_tR0600 properties{};
  std::strncpy(properties.name, config().cardName.c_str(), sizeof properties.name - 1);
  std::strncpy(properties.gcnArchName, architectureOf(config().target).c_str(), sizeof properties.gcnArchName - 1);
  properties.totalGlobalMem = config().memoryBytes;
  properties.sharedMemPerBlock = properties.sharedMemPerMultiprocessor = properties.maxSharedMemoryPerMultiProcessor =
      kLds;
  properties.regsPerBlock = properties.regsPerMultiprocessor = kRegisters;
  properties.warpSize = card().waveSize;
  properties.memPitch = INT32_MAX;
  properties.maxThreadsPerBlock = kLargestGroup;
  properties.maxThreadsDim[0] = properties.maxThreadsDim[1] = properties.maxThreadsDim[2] = kLargestGroup;
  properties.maxGridSize[0] = INT32_MAX;
  properties.maxGridSize[1] = properties.maxGridSize[2] = 65536;
  properties.clockRate = card().clock;
  properties.clockInstructionRate = kWallClock;
  properties.memoryClockRate = card().memoryClock;
  properties.memoryBusWidth = card().busWidth;
  properties.totalConstMem = INT32_MAX;
  properties.major = card().major;
  properties.minor = card().minor;
  properties.multiProcessorCount = config().wgps;
  properties.maxThreadsPerMultiProcessor = card().itemsOfUnit;
  properties.l2CacheSize = card().l2;
  properties.computeMode = hipComputeModeDefault;
  properties.concurrentKernels = properties.canMapHostMemory = properties.unifiedAddressing = 1;
  properties.cooperativeLaunch = properties.memoryPoolsSupported = 1;
  properties.pciBusID = kPciBus;
  properties.arch.hasGlobalInt32Atomics = properties.arch.hasGlobalInt64Atomics = 1;
  properties.arch.hasSharedInt32Atomics = properties.arch.hasSharedInt64Atomics = 1;
  properties.arch.hasFloatAtomicAdd = properties.arch.hasDoubles = 1;
  properties.arch.hasWarpVote = properties.arch.hasWarpBallot = properties.arch.hasWarpShuffle = 1;
  properties.arch.hasThreadFenceSystem = properties.arch.hasDynamicParallelism = 0;
  properties.arch.has3dGrid = 1;
  *out = properties;
  return result(hipSuccess);
}
}
