#include "hip.hpp"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

namespace rdna1::prover {
namespace {

constexpr int kMemcpyDefault = 4; // hipMemcpyDefault
// HIP_LAUNCH_PARAM_BUFFER_POINTER, _BUFFER_SIZE and _END [hip/hip_runtime_api.h]
void* const kBufferPointer = reinterpret_cast<void*>(1);
void* const kBufferSize = reinterpret_cast<void*>(2);
void* const kBufferEnd = reinterpret_cast<void*>(3);

void must(int code, const char* call) {
  if (code != 0) throw HipError{call, code};
}

} // namespace

template <typename Function> void Hip::take(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  if (function != nullptr) return;
  std::fprintf(stderr, "prover: no library that was loaded has %s\n", name);
  std::exit(2);
}

Hip::Hip() {
  take(malloc_, "hipMalloc");
  take(free_, "hipFree");
  take(memcpy_, "hipMemcpy");
  take(moduleLoadData_, "hipModuleLoadData");
  take(moduleUnload_, "hipModuleUnload");
  take(moduleGetFunction_, "hipModuleGetFunction");
  take(moduleLaunchKernel_, "hipExtModuleLaunchKernel");
  take(deviceSynchronize_, "hipDeviceSynchronize");
}

void* Hip::allocate(std::size_t bytes) const {
  void* memory = nullptr;
  must(malloc_(&memory, bytes), "hipMalloc");
  return memory;
}

void Hip::release(void* memory) const { free_(memory); }

void Hip::copy(void* to, const void* from, std::size_t bytes) const {
  must(memcpy_(to, from, bytes, kMemcpyDefault), "hipMemcpy");
}

void* Hip::loadModule(const void* object) const {
  void* module = nullptr;
  must(moduleLoadData_(&module, object), "hipModuleLoadData");
  return module;
}

void Hip::unloadModule(void* module) const { moduleUnload_(module); }

void* Hip::function(void* module, const char* name) const {
  void* function = nullptr;
  must(moduleGetFunction_(&function, module, name), "hipModuleGetFunction");
  return function;
}

void Hip::launch(void* function, unsigned items, unsigned block, std::vector<std::uint8_t> arguments) const {
  std::size_t bytes = arguments.size();
  void* extra[] = {kBufferPointer, arguments.data(), kBufferSize, &bytes, kBufferEnd};
  must(moduleLaunchKernel_(function, items, 1, 1, block, 1, 1, 0, nullptr, nullptr, extra, nullptr, nullptr, 0),
       "hipExtModuleLaunchKernel");
  must(deviceSynchronize_(), "hipDeviceSynchronize");
}

} // namespace rdna1::prover
