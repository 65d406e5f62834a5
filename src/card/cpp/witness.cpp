// First event of a process, which card answered it, and whose compilations are refused.
#include "witness.hpp"

#include "compile.hpp"
#include "config.hpp"
#include "log.hpp"
#include "next.hpp"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string_view>

namespace rdna1 {

/// The HIP runtime compiles its copy kernels from source when it starts [ROCm clr, rocclr/device/rocm/rocdevice.cpp,
/// Device::createBlitProgram]. Debian's reaches comgr through addresses that it looks up itself, so that nothing of it
/// is seen here; a runtime that is linked with comgr comes by.
bool isRuntimesOwn(const void* caller) {
  Dl_info library{};
  if (dladdr(caller, &library) == 0 || library.dli_fname == nullptr) return false;
  const std::string_view path = library.dli_fname;
  return path.substr(path.rfind('/') + 1).starts_with("libamdhip64.so");
}

namespace {

// By its versioned name: the plain one is an older structure [hip_runtime_api.h]
using GetProperties = hipError_t(hipDeviceProp_tR0600*, int);
constexpr const char* kGetProperties = "hipGetDevicePropertiesR0600";

} // namespace

void introduceCard() {
  static std::once_flag once;
  std::call_once(once, [] {
    hipDeviceProp_tR0600 properties{};
    const hipError_t status = next<GetProperties>(kGetProperties)(&properties, 0);
    if (status != hipSuccess) return; // the program will see the same, and say so
    Event("card")
        .text("name", properties.name)
        .text("architecture", properties.gcnArchName)
        .number("wgps", properties.multiProcessorCount)
        .number("memory", static_cast<std::int64_t>(properties.totalGlobalMem))
        .send();
  });
}

} // namespace rdna1

namespace {

[[gnu::constructor]] void start() {
  const rdna1::Config& config = rdna1::config(); // ends the process when the environment is wrong
  rdna1::openLog();
  rdna1::Event("start")
      .text("device", "card")
      .text("target", config.target)
      .text("compile", rdna1::nameOf(config.compile))
      .text("program", program_invocation_name)
      .send();
}

} // namespace

extern "C" {

/// What programs ask first, and choose by.
hipError_t properties(hipDeviceProp_tR0600* properties, int device) asm("hipGetDevicePropertiesR0600");
hipError_t properties(hipDeviceProp_tR0600* properties, int device) {
  rdna1::introduceCard();
  return rdna1::next<rdna1::GetProperties>(rdna1::kGetProperties)(properties, device);
}
}
