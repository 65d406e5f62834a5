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

template <typename Function> void Hip::take(void* library, Function& function, const char* name) const {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function != nullptr) return;
  std::fprintf(stderr, "prover: the HIP library has no %s\n", name);
  std::exit(2);
}

Hip::Hip(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    std::fprintf(stderr, "prover: %s\n", dlerror());
    std::exit(2);
  }
  take(library, malloc_, "hipMalloc");
  take(library, free_, "hipFree");
  take(library, memcpy_, "hipMemcpy");
  take(library, moduleLoadData_, "hipModuleLoadData");
  take(library, moduleUnload_, "hipModuleUnload");
  take(library, moduleGetFunction_, "hipModuleGetFunction");
  take(library, moduleLaunchKernel_, "hipExtModuleLaunchKernel");
  take(library, deviceSynchronize_, "hipDeviceSynchronize");
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
