// hip*Launch*: each launch is named before it starts and judged when it is over, one behind the other, so that the log
// of a card that hangs ends with the kernel it hangs in.
#include "config.hpp"
#include "log.hpp"
#include "next.hpp"
#include "witness.hpp"

#include <hip/hip_ext.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>

namespace rdna1 {
namespace {

struct Launch {
  const char* api;
  WitnessedKernel kernel;
  std::array<std::uint32_t, 3> grid; ///< work-items
  std::array<std::uint32_t, 3> block;
  std::size_t dynamicLds;
  hipStream_t stream;
  hipEvent_t start = nullptr;
  hipEvent_t stop = nullptr;
};

std::mutex mutex;
auto& stubs() { // names of kernels that lie inside libraries, by the address of their host stub
  static auto* map = new std::unordered_map<const void*, std::string>;
  return *map;
}

WitnessedKernel kernelOfStub(const void* stub) {
  const std::lock_guard lock(mutex);
  const auto found = stubs().find(stub);
  return {"", found == stubs().end() ? "" : found->second};
}

std::array<std::uint32_t, 3> itemsOf(std::array<std::uint32_t, 3> blocks, const std::array<std::uint32_t, 3>& block) {
  for (int axis = 0; axis < 3; ++axis) blocks[axis] *= block[axis];
  return blocks;
}

/// Without executing, events are still recorded: whoever waits for them must not wait forever.
hipError_t leaveOut(const Launch& launch) {
  for (const hipEvent_t event : {launch.start, launch.stop}) {
    if (event == nullptr) continue;
    const hipError_t status = next<decltype(hipEventRecord)>("hipEventRecord")(event, launch.stream);
    if (status != hipSuccess) return status;
  }
  return hipSuccess;
}

/// `forward` is the runtime's own launch.
template <typename Forward> hipError_t witness(const Launch& launch, Forward forward) {
  const bool execute = config().execute;
  const auto& [module, name] = launch.kernel;
  Event("launching").text("kernel", name).text("module", module).send();
  const auto started = std::chrono::steady_clock::now();
  hipError_t status = execute ? forward() : leaveOut(launch);
  if (status == hipSuccess) {
    status = next<decltype(hipStreamSynchronize)>("hipStreamSynchronize")(launch.stream);
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
  Event("launch")
      .text("api", launch.api)
      .text("kernel", name)
      .text("module", module)
      .numbers("grid", launch.grid)
      .numbers("block", launch.block)
      .number("lds", static_cast<std::int64_t>(launch.dynamicLds))
      .flag("executed", execute && status == hipSuccess)
      .milliseconds("milliseconds", took.count())
      .send();
  if (status != hipSuccess) {
    const std::string why = next<decltype(hipGetErrorString)>("hipGetErrorString")(status);
    Event("error")
        .text("call", launch.api)
        .number("code", status)
        .text("name", next<decltype(hipGetErrorName)>("hipGetErrorName")(status))
        .text("message", name + ": " + why)
        .send();
    complain(std::string(launch.api) + ": " + name + ": " + why);
  }
  return status;
}

} // namespace
} // namespace rdna1

using namespace rdna1;

extern "C" {

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                 unsigned blockX, unsigned blockY, unsigned blockZ, unsigned lds, hipStream_t stream,
                                 void** parameters, void** extra) {
  const std::array<std::uint32_t, 3> block{blockX, blockY, blockZ};
  return witness({__func__, kernelBehind(function), itemsOf({gridX, gridY, gridZ}, block), block, lds, stream}, [&] {
    return next<decltype(hipModuleLaunchKernel)>("hipModuleLaunchKernel")(function, gridX, gridY, gridZ, blockX, blockY,
                                                                          blockZ, lds, stream, parameters, extra);
  });
}

hipError_t hipModuleLaunchCooperativeKernel(hipFunction_t function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                            unsigned blockX, unsigned blockY, unsigned blockZ, unsigned lds,
                                            hipStream_t stream, void** parameters) {
  const std::array<std::uint32_t, 3> block{blockX, blockY, blockZ};
  return witness({__func__, kernelBehind(function), itemsOf({gridX, gridY, gridZ}, block), block, lds, stream}, [&] {
    return next<decltype(hipModuleLaunchCooperativeKernel)>("hipModuleLaunchCooperativeKernel")(
        function, gridX, gridY, gridZ, blockX, blockY, blockZ, lds, stream, parameters);
  });
}

/// Its grid counts work-items, unlike hipModuleLaunchKernel's [HIP hip_ext.h].
hipError_t hipExtModuleLaunchKernel(hipFunction_t function, uint32_t gridX, uint32_t gridY, uint32_t gridZ,
                                    uint32_t blockX, uint32_t blockY, uint32_t blockZ, size_t lds, hipStream_t stream,
                                    void** parameters, void** extra, hipEvent_t start, hipEvent_t stop,
                                    uint32_t flags) {
  return witness(
      {__func__, kernelBehind(function), {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, lds, stream, start, stop},
      [&] {
        return next<decltype(hipExtModuleLaunchKernel)>("hipExtModuleLaunchKernel")(
            function, gridX, gridY, gridZ, blockX, blockY, blockZ, lds, stream, parameters, extra, start, stop, flags);
      });
}

hipError_t hipLaunchKernel(const void* stub, dim3 blocks, dim3 block, void** parameters, size_t lds,
                           hipStream_t stream) {
  const std::array<std::uint32_t, 3> shape{block.x, block.y, block.z};
  return witness(
      {__func__, kernelOfStub(stub), itemsOf({blocks.x, blocks.y, blocks.z}, shape), shape, lds, stream},
      [&] { return next<decltype(hipLaunchKernel)>("hipLaunchKernel")(stub, blocks, block, parameters, lds, stream); });
}

/// Entry point of compiled HIP programs that no header declares [clang CGCUDANV.cpp].
void __hipRegisterFunction(void** modules, const void* stub, char* deviceFunction, const char* name, unsigned limit,
                           void* tid, void* bid, dim3* blockDim, dim3* gridDim, int* wSize) {
  {
    const std::lock_guard lock(mutex);
    stubs().insert_or_assign(stub, name);
  }
  next<decltype(__hipRegisterFunction)>("__hipRegisterFunction")(modules, stub, deviceFunction, name, limit, tid, bid,
                                                                 blockDim, gridDim, wSize);
}
}
