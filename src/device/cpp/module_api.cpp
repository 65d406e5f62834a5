// hipModule*: load, look up, unload.
#include "config.hpp"
#include "hip_api.hpp"
#include "log.hpp"
#include "module.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <unordered_map>

using namespace rdna1;

namespace {

std::mutex mutex;
auto& modules() {
  static auto* map = new std::unordered_map<hipModule_t, std::shared_ptr<const Module>>;
  return *map;
}

std::shared_ptr<const Module> moduleOf(hipModule_t handle) {
  const std::lock_guard lock(mutex);
  const auto found = modules().find(handle);
  return found == modules().end() ? nullptr : found->second;
}

hipError_t codeOf(LoadProblem problem) {
  if (problem == LoadProblem::outOfMemory) return hipErrorOutOfMemory;
  return problem == LoadProblem::noBinaryForTarget ? hipErrorNoBinaryForGpu : hipErrorInvalidImage;
}

hipError_t load(const char* call, hipModule_t* out, std::span<const std::byte> bytes, const std::string& source) {
  if (out == nullptr) return fail(hipErrorInvalidValue, call, "no place for the module handle");
  auto loaded = loadModule(bytes, source);
  if (const auto* failure = std::get_if<LoadFailure>(&loaded)) {
    return fail(codeOf(failure->kind), call, "the code object is refused: " + failure->message);
  }
  auto module = std::get<std::shared_ptr<const Module>>(std::move(loaded));
  // opaque to the caller: the address of our Module serves as its ihipModule_t
  const auto handle = reinterpret_cast<hipModule_t>(const_cast<Module*>(module.get()));
  const std::lock_guard lock(mutex);
  modules().emplace(handle, std::move(module));
  *out = handle;
  return result(hipSuccess);
}

hipError_t loadData(const char* call, hipModule_t* out, const void* image) {
  if (image == nullptr) return fail(hipErrorInvalidValue, call, "the image is null");
  return load(call, out, {static_cast<const std::byte*>(image), readableBytes(image)}, "data");
}

} // namespace

extern "C" {

hipError_t hipModuleLoadData(hipModule_t* module, const void* image) { return loadData(__func__, module, image); }

hipError_t hipModuleLoadDataEx(hipModule_t* module, const void* image, unsigned, hipJitOption*, void**) {
  return loadData(__func__, module, image);
}

hipError_t hipModuleLoad(hipModule_t* module, const char* name) {
  if (name == nullptr) return fail(hipErrorInvalidValue, __func__, "no file name");
  std::ifstream file(name, std::ios::binary);
  if (!file) return fail(hipErrorFileNotFound, __func__, std::string(name) + ": " + std::strerror(errno));
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return load(__func__, module, std::as_bytes(std::span(bytes)), name);
}

hipError_t hipModuleUnload(hipModule_t handle) {
  const std::lock_guard lock(mutex);
  const auto found = modules().find(handle);
  if (found == modules().end()) return fail(hipErrorInvalidHandle, __func__, "the module is not loaded");
  Event("unload").text("md5", found->second->md5).send();
  dropFunctions(found->second.get());
  modules().erase(found);
  return result(hipSuccess);
}

/// Unknown names are hipErrorNotFound without a line on stderr: rocBLAS asks several modules for one kernel.
hipError_t hipModuleGetFunction(hipFunction_t* function, hipModule_t handle, const char* name) {
  if (function == nullptr || name == nullptr) return fail(hipErrorInvalidValue, __func__, "null argument");
  const auto module = moduleOf(handle);
  if (module == nullptr) return fail(hipErrorInvalidHandle, __func__, "the module is not loaded");
  const auto kernel = module->object.kernels.find(name);
  const bool found = kernel != module->object.kernels.end();
  Event("function").text("module", module->md5).text("name", name).flag("found", found).send();
  if (!found) return result(hipErrorNotFound);
  const auto* kept = keepFunction(std::make_shared<const Function>(Function{module, &kernel->second}));
  *function = reinterpret_cast<hipFunction_t>(const_cast<Function*>(kept));
  return result(hipSuccess);
}

hipError_t hipModuleGetGlobal(hipDeviceptr_t* pointer, size_t* bytes, hipModule_t handle, const char* name) {
  if (name == nullptr) return fail(hipErrorInvalidValue, __func__, "no name");
  const auto module = moduleOf(handle);
  if (module == nullptr) return fail(hipErrorInvalidHandle, __func__, "the module is not loaded");
  const auto symbol = module->object.objects.find(name);
  if (symbol == module->object.objects.end()) return result(hipErrorNotFound);
  if (pointer != nullptr) *pointer = module->image + symbol->second.address;
  if (bytes != nullptr) *bytes = symbol->second.size;
  return result(hipSuccess);
}

/// Not a model of occupancy: as many work-groups as the waves and the LDS of a WGP hold, or of a compute unit of
/// gfx906.
hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, hipFunction_t handle, int blockSize,
                                                              size_t dynamicLds) {
  const auto function = functionOf(handle);
  if (function == nullptr) return fail(hipErrorInvalidHandle, __func__, "the function is not loaded");
  if (blocks == nullptr || blockSize < 1) return fail(hipErrorInvalidValue, __func__, "bad argument");
  const auto waveSize = static_cast<int>(function->kernel->waveSize == 0 ? 32 : function->kernel->waveSize);
  const bool isWgp = config().target != "gfx906";
  const int waves = isWgp ? 80 : 40; // four SIMDs with 20 waves each [RDNA1 ISA §2], or 10 [Vega 7nm ISA]
  const int byWaves = waves / ((blockSize + waveSize - 1) / waveSize);
  const size_t lds = function->kernel->ldsSize + dynamicLds;
  const int byLds = lds == 0 ? byWaves : static_cast<int>((isWgp ? 131072 : 65536) / lds);
  *blocks = byWaves < byLds ? byWaves : byLds;
  return result(hipSuccess);
}
}
