// The device through its HIP calls, linked in and built with -fsanitize=address,undefined by api.test.ts.
// Arguments: objects with the kernel `add` of kernel.cl for gfx1010:xnack-, gfx1010:xnack+ and gfx1030.
#include "check.hpp"
#include "hip_api.hpp"

#include <hip/hip_ext.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

extern "C" hipError_t hipGraphCreate(hipGraph_t*, unsigned); // the device does not have it: a generated entry point

namespace {

std::string contentOf(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void* allocated(std::size_t bytes) {
  void* pointer = nullptr;
  CHECK(hipMalloc(&pointer, bytes) == hipSuccess && pointer != nullptr);
  return pointer;
}

void copiesStayInsideAllocations() {
  auto* device = static_cast<char*>(allocated(64));
  char host[128] = "some bytes";
  CHECK(hipMemcpy(device, host, 64, hipMemcpyHostToDevice) == hipSuccess);
  CHECK(hipMemcpy(device, host, 65, hipMemcpyHostToDevice) == hipErrorInvalidValue);
  CHECK(hipMemcpy(device + 63, host, 2, hipMemcpyDefault) == hipErrorInvalidValue);
  CHECK(hipMemcpy(host, device - 1, 1, hipMemcpyDeviceToHost) == hipErrorInvalidValue);
  CHECK(hipMemcpy(host, device + 1, 64, hipMemcpyDeviceToHost) == hipErrorInvalidValue);
  CHECK(hipMemcpy(host, host + 64, 8, hipMemcpyDeviceToHost) == hipErrorInvalidValue); // no device memory
  CHECK(hipMemcpy(host + 64, device, 64, hipMemcpyDeviceToHost) == hipSuccess);
  CHECK(std::memcmp(host, host + 64, 64) == 0);
  CHECK(hipMemcpy2D(device, 16, host, 32, 16, 4, hipMemcpyHostToDevice) == hipSuccess);
  CHECK(hipMemcpy2D(device, 17, host, 32, 16, 4, hipMemcpyHostToDevice) == hipErrorInvalidValue);
  CHECK(hipMemcpy2D(device, 8, host, 32, 16, 4, hipMemcpyHostToDevice) == hipErrorInvalidPitchValue);
  CHECK(hipMemsetAsync(device, 1, 64, nullptr) == hipSuccess);
  CHECK(hipMemsetAsync(device, 1, 65, nullptr) == hipErrorInvalidValue);
  CHECK(hipFree(device + 1) == hipErrorInvalidDevicePointer);
  CHECK(hipFree(device) == hipSuccess);
  CHECK(hipMemcpy(device, host, 1, hipMemcpyHostToDevice) == hipErrorInvalidValue); // freed
  CHECK(hipFree(device) == hipErrorInvalidDevicePointer);
  CHECK(hipFree(nullptr) == hipSuccess);
  CHECK(hipGetLastError() == hipErrorInvalidDevicePointer && hipGetLastError() == hipSuccess);
}

void memoryIsAccountedFor() {
  std::size_t free = 0, total = 0, size = 0;
  CHECK(hipMemGetInfo(&free, &total) == hipSuccess && free == total && total == 64 << 20);
  void* most = allocated(40 << 20);
  void* more = nullptr;
  CHECK(hipMalloc(&more, 30 << 20) == hipErrorOutOfMemory && more == nullptr);
  CHECK(hipMemPtrGetInfo(most, &size) == hipSuccess && size == 40 << 20);
  CHECK(hipFree(most) == hipSuccess);
  CHECK(hipMalloc(&more, 0) == hipSuccess && more == nullptr);
}

void hostMemoryKeepsItsFlags() {
  void* host = nullptr;
  CHECK(hipHostMalloc(&host, 4096, hipHostMallocNonCoherent) == hipSuccess);
  hipPointerAttribute_t attributes;
  CHECK(hipPointerGetAttributes(&attributes, host) == hipSuccess);
  CHECK(attributes.type == hipMemoryTypeHost && attributes.allocationFlags == hipHostMallocNonCoherent);
  CHECK(hipFree(host) == hipErrorInvalidDevicePointer);
  CHECK(hipHostFree(host) == hipSuccess);
  int local = 0;
  CHECK(hipPointerGetAttributes(&attributes, &local) == hipSuccess && attributes.type == hipMemoryTypeUnregistered);
}

void foreignAndDamagedModulesAreRefused(const std::string& good, const char* xnack, const char* other) {
  hipModule_t module = nullptr;
  CHECK(hipModuleLoad(&module, other) == hipErrorNoBinaryForGpu);
  CHECK(hipModuleLoad(&module, xnack) == hipErrorNoBinaryForGpu);
  CHECK(hipModuleLoad(&module, "/nowhere.co") == hipErrorFileNotFound);
  CHECK(hipModuleLoadData(&module, contentOf(other).data()) == hipErrorNoBinaryForGpu);
  const std::string cut = good.substr(0, good.size() / 2);
  std::ofstream("cut.co", std::ios::binary) << cut;
  CHECK(hipModuleLoad(&module, "cut.co") == hipErrorInvalidImage);
  const std::string text = "this is text, not a code object, and long enough to be one..................";
  CHECK(hipModuleLoadData(&module, text.data()) == hipErrorInvalidImage);
  CHECK(module == nullptr);
  CHECK(hipModuleUnload(reinterpret_cast<hipModule_t>(&module)) == hipErrorInvalidHandle);
}

void kernelsAreFoundAndLaunched(const std::string& object) {
  hipModule_t module = nullptr;
  CHECK(hipModuleLoadData(&module, object.data()) == hipSuccess);
  hipFunction_t add = nullptr, again = nullptr, none = nullptr;
  CHECK(hipModuleGetFunction(&add, module, "add") == hipSuccess);
  CHECK(hipModuleGetFunction(&again, module, "add") == hipSuccess && again == add);
  CHECK(hipModuleGetFunction(&none, module, "ad") == hipErrorNotFound && none == nullptr);
  CHECK(hipModuleGetFunction(&none, module, "add.kd") == hipErrorNotFound);
  hipDeviceptr_t global = nullptr;
  std::size_t bytes = 0;
  CHECK(hipModuleGetGlobal(&global, &bytes, module, "nothing") == hipErrorNotFound);
  CHECK(hipModuleGetGlobal(&global, &bytes, module, "counter") == hipSuccess && bytes == 4);
  int counter = 0;
  CHECK(hipMemcpy(&counter, global, 4, hipMemcpyDeviceToHost) == hipSuccess && counter == 7);

  void *a = allocated(256), *b = allocated(256);
  int n = 64;
  short s = -2;
  void* parameters[] = {&a, &b, &n, &s};
  hipEvent_t start, stop;
  CHECK(hipEventCreate(&start) == hipSuccess && hipEventCreate(&stop) == hipSuccess);
  float milliseconds = 0;
  CHECK(hipEventElapsedTime(&milliseconds, start, stop) == hipErrorInvalidHandle); // not recorded
  CHECK(hipEventRecord(start, nullptr) == hipSuccess);
  CHECK(hipModuleLaunchKernel(add, 2, 1, 1, 32, 1, 1, 0, nullptr, parameters, nullptr) == hipSuccess);
  CHECK(hipEventRecord(stop, nullptr) == hipSuccess);
  CHECK(hipEventElapsedTime(&milliseconds, start, stop) == hipSuccess && milliseconds > 0);
  CHECK(hipEventElapsedTime(&milliseconds, stop, start) == hipSuccess && milliseconds > 0);

  char packed[24] = {};
  std::memcpy(packed, &a, 8), std::memcpy(packed + 8, &b, 8), std::memcpy(packed + 16, &n, 4),
      std::memcpy(packed + 20, &s, 2);
  std::size_t size = 24;
  void* extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, packed, HIP_LAUNCH_PARAM_BUFFER_SIZE, &size, HIP_LAUNCH_PARAM_END};
  CHECK(hipExtModuleLaunchKernel(add, 64, 1, 1, 32, 1, 1, 0, nullptr, nullptr, extra, start, stop, 0) == hipSuccess);
  size = 16; // six bytes too few: HIP does not look, the event says so
  CHECK(hipExtModuleLaunchKernel(add, 64, 1, 1, 32, 1, 1, 0, nullptr, nullptr, extra, nullptr, nullptr, 0) ==
        hipSuccess);
  CHECK(hipModuleLaunchKernel(add, 1, 1, 1, 2048, 1, 1, 0, nullptr, parameters, nullptr) ==
        hipErrorInvalidConfiguration);
  CHECK(hipModuleLaunchKernel(add, 0, 1, 1, 32, 1, 1, 0, nullptr, parameters, nullptr) == hipErrorInvalidConfiguration);
  CHECK(hipModuleLaunchKernel(add, 1, 1, 1, 32, 1, 1, 65536, nullptr, parameters, nullptr) ==
        hipErrorInvalidConfiguration);
  const auto stranger = reinterpret_cast<hipStream_t>(&n);
  CHECK(hipModuleLaunchKernel(add, 1, 1, 1, 32, 1, 1, 0, stranger, parameters, nullptr) == hipErrorInvalidHandle);
  CHECK(hipModuleUnload(module) == hipSuccess);
  CHECK(hipModuleLaunchKernel(add, 1, 1, 1, 32, 1, 1, 0, nullptr, parameters, nullptr) == hipErrorInvalidHandle);
  CHECK(hipEventDestroy(start) == hipSuccess && hipEventDestroy(stop) == hipSuccess);
  CHECK(hipEventDestroy(stop) == hipErrorInvalidHandle);
  CHECK(hipFree(a) == hipSuccess && hipFree(b) == hipSuccess);
}

void handlesAndQuestionsAreChecked() {
  hipStream_t stream = nullptr;
  CHECK(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking) == hipSuccess);
  CHECK(hipStreamSynchronize(stream) == hipSuccess && hipStreamDestroy(stream) == hipSuccess);
  CHECK(hipStreamSynchronize(stream) == hipErrorInvalidHandle);
  hipDeviceProp_t card;
  CHECK(hipGetDeviceProperties(&card, 0) == hipSuccess && card.warpSize == 32 && card.multiProcessorCount == 18);
  CHECK(std::string(card.gcnArchName) == "gfx1010:xnack-");
  CHECK(hipGetDeviceProperties(&card, 1) == hipErrorInvalidDevice);
  int value = 0;
  CHECK(hipDeviceGetAttribute(&value, hipDeviceAttributeMultiprocessorCount, 0) == hipSuccess && value == 18);
  hipGraph_t graph = nullptr;
  CHECK(hipGraphCreate(&graph, 0) == hipErrorNotSupported);
  CHECK(hipExtGetLastError() == hipErrorNotSupported);
  CHECK(hipLaunchKernel(&value, dim3(1), dim3(1), nullptr, 0, nullptr) == hipErrorInvalidDeviceFunction);
}

void threadsShareTheDevice(const std::string& object) {
  const auto work = [&](int* wrong) {
    for (int round = 0; round < 200; ++round) {
      void* pointer = nullptr;
      char bytes[256];
      std::memset(bytes, round, sizeof bytes);
      hipModule_t module = nullptr;
      hipFunction_t add = nullptr;
      *wrong += hipMalloc(&pointer, sizeof bytes) != hipSuccess;
      *wrong += hipMemcpy(pointer, bytes, sizeof bytes, hipMemcpyHostToDevice) != hipSuccess;
      *wrong += std::memcmp(pointer, bytes, sizeof bytes) != 0;
      *wrong += hipModuleLoadData(&module, object.data()) != hipSuccess;
      *wrong += hipModuleGetFunction(&add, module, "add") != hipSuccess;
      *wrong += hipModuleUnload(module) != hipSuccess || hipFree(pointer) != hipSuccess;
    }
  };
  int wrong[4] = {};
  std::vector<std::thread> threads;
  for (int& count : wrong) threads.emplace_back(work, &count);
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

} // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const std::string object = contentOf(arguments[1]);
  memoryIsAccountedFor();
  copiesStayInsideAllocations();
  hostMemoryKeepsItsFlags();
  foreignAndDamagedModulesAreRefused(object, arguments[2], arguments[3]);
  kernelsAreFoundAndLaunched(object);
  handlesAndQuestionsAreChecked();
  threadsShareTheDevice(object);
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
