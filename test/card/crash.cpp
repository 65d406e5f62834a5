// Before the virtual device, in tests of what a failing card does: kernels whose name begins with RDNA1_TEST_CRASH end
// the process as the HSA runtime does after a memory fault; those of RDNA1_TEST_WRONG are not run.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <string>

namespace {

std::map<void*, std::string> names;
bool faulted = false;
constexpr int kFault = 700; // hipErrorIllegalAddress

template <typename F> F* next(const char* name) { return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name)); }

bool isNamed(void* function, const char* variable) {
  const char* prefix = std::getenv(variable);
  return prefix != nullptr && names[function].rfind(prefix, 0) == 0;
}

} // namespace

extern "C" {

int hipModuleLoadData(void** module, const void* image) {
  return faulted ? kFault : next<int(void**, const void*)>(__func__)(module, image);
}

int hipStreamSynchronize(void* stream) { return faulted ? kFault : next<int(void*)>(__func__)(stream); }

int hipDeviceSynchronize() { return faulted ? kFault : next<int()>(__func__)(); }

int hipModuleGetFunction(void** function, void* module, const char* name) {
  const int status = next<int(void**, void*, const char*)>(__func__)(function, module, name);
  if (status == 0) names[*function] = name;
  return status;
}

using Launch = int(void*, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, size_t, void*, void**, void**,
                   void*, void*, uint32_t);

int hipExtModuleLaunchKernel(void* function, uint32_t gx, uint32_t gy, uint32_t gz, uint32_t bx, uint32_t by,
                             uint32_t bz, size_t lds, void* stream, void** parameters, void** extra, void* start,
                             void* stop, uint32_t flags) {
  if (isNamed(function, "RDNA1_TEST_CRASH")) {
    std::fprintf(stderr, "Memory access fault by GPU node-1 (Agent handle: 0x1) on address 0x7000. Reason: Unknown.\n");
    std::abort();
  }
  if (isNamed(function, "RDNA1_TEST_STICKY")) {
    faulted = true;
    return 0;
  }
  if (isNamed(function, "RDNA1_TEST_WRONG")) return 0;
  return next<Launch>(__func__)(function, gx, gy, gz, bx, by, bz, lds, stream, parameters, extra, start, stop, flags);
}
}
