// What the card says of itself. Numbers that only steer speed are those of an RX 5700 XT; see docs/device.md.
#include "config.hpp"
#include "hip_api.hpp"

#include <cstring>

using namespace rdna1;

namespace {

constexpr int kWaveSize = 32;
constexpr int kLargestGroup = 1024;
constexpr int kLds = 65536; // bytes of a work-group [RDNA1 ISA §2.5]
constexpr int kRegisters = 65536;
constexpr int kItemsOfWgp = 2048;
constexpr int kClock = 2100000;      // kHz
constexpr int kMemoryClock = 875000; // kHz
constexpr int kWallClock = 100000;   // kHz
constexpr int kBusWidth = 256;       // bits
constexpr int kL2 = 4 << 20;         // bytes
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
  case hipDeviceAttributeWarpSize: value = kWaveSize; return true;
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
  case hipDeviceAttributeMaxThreadsPerMultiProcessor: value = kItemsOfWgp; return true;
  case hipDeviceAttributeComputeCapabilityMajor: value = 10; return true;
  case hipDeviceAttributeComputeCapabilityMinor: value = 1; return true;
  case hipDeviceAttributeClockRate: value = kClock; return true;
  case hipDeviceAttributeMemoryClockRate: value = kMemoryClock; return true;
  case hipDeviceAttributeWallClockRate: value = kWallClock; return true;
  case hipDeviceAttributeMemoryBusWidth: value = kBusWidth; return true;
  case hipDeviceAttributeL2CacheSize: value = kL2; return true;
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
  hipDeviceProp_tR0600 card{};
  std::strncpy(card.name, config().cardName.c_str(), sizeof card.name - 1);
  std::strncpy(card.gcnArchName, architectureOf(config().target).c_str(), sizeof card.gcnArchName - 1);
  card.totalGlobalMem = config().memoryBytes;
  card.sharedMemPerBlock = card.sharedMemPerMultiprocessor = card.maxSharedMemoryPerMultiProcessor = kLds;
  card.regsPerBlock = card.regsPerMultiprocessor = kRegisters;
  card.warpSize = kWaveSize;
  card.memPitch = INT32_MAX;
  card.maxThreadsPerBlock = kLargestGroup;
  card.maxThreadsDim[0] = card.maxThreadsDim[1] = card.maxThreadsDim[2] = kLargestGroup;
  card.maxGridSize[0] = INT32_MAX;
  card.maxGridSize[1] = card.maxGridSize[2] = 65536;
  card.clockRate = kClock;
  card.clockInstructionRate = kWallClock;
  card.memoryClockRate = kMemoryClock;
  card.memoryBusWidth = kBusWidth;
  card.totalConstMem = INT32_MAX;
  card.major = 10;
  card.minor = 1;
  card.multiProcessorCount = config().wgps;
  card.maxThreadsPerMultiProcessor = kItemsOfWgp;
  card.l2CacheSize = kL2;
  card.computeMode = hipComputeModeDefault;
  card.concurrentKernels = card.canMapHostMemory = card.unifiedAddressing = 1;
  card.cooperativeLaunch = card.memoryPoolsSupported = 1;
  card.pciBusID = kPciBus;
  card.arch.hasGlobalInt32Atomics = card.arch.hasGlobalInt64Atomics = 1;
  card.arch.hasSharedInt32Atomics = card.arch.hasSharedInt64Atomics = 1;
  card.arch.hasFloatAtomicAdd = card.arch.hasDoubles = 1;
  card.arch.hasWarpVote = card.arch.hasWarpBallot = card.arch.hasWarpShuffle = 1;
  card.arch.hasThreadFenceSystem = card.arch.hasDynamicParallelism = 0;
  card.arch.has3dGrid = 1;
  *out = card;
  return result(hipSuccess);
}
}
