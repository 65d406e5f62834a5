#include "fatbin.hpp"

#include "hip_api.hpp"
#include "log.hpp"

#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace rdna1 {
namespace {

/// What generated code passes [clang CGCUDANV.cpp, HIP hip_fatbin.h __CudaFatBinaryWrapper].
struct Wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const void* binary;
  void* unused;
};
constexpr std::uint32_t kWrapperMagic = 0x48495046; // "HIPF"

struct FatBinary {
  const Wrapper* wrapper = nullptr;
  bool read = false;
  std::string problem;
  std::shared_ptr<const Module> module;
};

struct Registration {
  FatBinary* binary;
  std::string name;
};

std::mutex mutex;
auto& registrations() {
  static auto* map = new std::unordered_map<const void*, Registration>;
  return *map;
}

void read(FatBinary& binary) {
  binary.read = true;
  const void* data = binary.wrapper->binary;
  auto loaded = loadModule({static_cast<const std::byte*>(data), readableBytes(data)}, "fatbin");
  if (auto* failure = std::get_if<LoadFailure>(&loaded)) binary.problem = failure->message;
  else binary.module = std::get<std::shared_ptr<const Module>>(std::move(loaded));
}

} // namespace

RegisteredKernel registeredKernel(const void* stub) {
  const std::lock_guard lock(mutex);
  const auto found = registrations().find(stub);
  if (found == registrations().end()) return {};
  auto& [binary, name] = found->second;
  if (!binary->read) read(*binary);
  if (!binary->problem.empty()) return {name, binary->problem, nullptr};
  const auto kernel = binary->module->object.kernels.find(name);
  if (kernel == binary->module->object.kernels.end()) return {name, "its fat binary does not hold it", nullptr};
  return {name, "", keepFunction(std::make_shared<const Function>(Function{binary->module, &kernel->second}))};
}

} // namespace rdna1

using namespace rdna1;

extern "C" {

void** __hipRegisterFatBinary(const void* data) {
  const auto* wrapper = static_cast<const Wrapper*>(data);
  if (wrapper->magic != kWrapperMagic) {
    complain("__hipRegisterFatBinary: the wrapper has an unknown magic number");
    std::abort();
  }
  return reinterpret_cast<void**>(new FatBinary{.wrapper = wrapper, .problem = {}, .module = {}});
}

void __hipRegisterFunction(void** modules, const void* stub, char*, const char* name, unsigned, void*, void*, dim3*,
                           dim3*, int*) {
  const std::lock_guard lock(mutex);
  registrations().insert_or_assign(stub, Registration{reinterpret_cast<FatBinary*>(modules), name});
}

/// The library goes away; its stubs must not be found again.
void __hipUnregisterFatBinary(void** modules) {
  const std::lock_guard lock(mutex);
  auto* binary = reinterpret_cast<FatBinary*>(modules);
  std::erase_if(registrations(), [&](const auto& entry) { return entry.second.binary == binary; });
  if (binary->module != nullptr) dropFunctions(binary->module.get());
  delete binary;
}

namespace {
struct CallConfiguration {
  dim3 grid, block;
  size_t lds;
  hipStream_t stream;
};
thread_local std::vector<CallConfiguration> callConfigurations;
} // namespace

/// `kernel<<<…>>>()` pushes, the host stub pops and calls hipLaunchKernel.
hipError_t __hipPushCallConfiguration(dim3 grid, dim3 block, size_t lds, hipStream_t stream) {
  callConfigurations.push_back({grid, block, lds, stream});
  return hipSuccess;
}

hipError_t __hipPopCallConfiguration(dim3* grid, dim3* block, size_t* lds, hipStream_t* stream) {
  if (callConfigurations.empty()) return fail(hipErrorInvalidConfiguration, __func__, "nothing was pushed");
  const CallConfiguration& top = callConfigurations.back();
  *grid = top.grid;
  *block = top.block;
  *lds = top.lds;
  *stream = top.stream;
  callConfigurations.pop_back();
  return hipSuccess;
}
}
