// hip*LaunchKernel: every call is turned into one Dispatch.
#include "event.hpp"
#include "fatbin.hpp"
#include "hip_api.hpp"
#include "launch.hpp"
#include "stream.hpp"

#include <hip/hip_ext.h>

#include <cstring>

using namespace rdna1;

namespace {

/// Arguments out of HIP_LAUNCH_PARAM_BUFFER_POINTER / _SIZE / _END; false when the list is malformed.
bool readExtra(void** extra, std::vector<std::byte>& kernarg) {
  const void* buffer = nullptr;
  const std::size_t* size = nullptr;
  for (; *extra != HIP_LAUNCH_PARAM_END; extra += 2) {
    if (*extra == HIP_LAUNCH_PARAM_BUFFER_POINTER) buffer = extra[1];
    else if (*extra == HIP_LAUNCH_PARAM_BUFFER_SIZE) size = static_cast<const std::size_t*>(extra[1]);
    else return false;
  }
  if (size == nullptr || (buffer == nullptr && *size != 0)) return false;
  kernarg.resize(*size);
  if (*size != 0) std::memcpy(kernarg.data(), buffer, *size);
  return true;
}

hipError_t launch(Dispatch dispatch, const void* handle, hipStream_t stream, void** parameters, void** extra) {
  const char* call = dispatch.api.c_str();
  if (!isStream(stream)) return fail(hipErrorInvalidHandle, call, "the stream does not exist");
  dispatch.function = functionOf(handle);
  if (dispatch.function == nullptr) return fail(hipErrorInvalidHandle, call, "the function is not loaded");
  const Kernel& kernel = *dispatch.function->kernel;
  dispatch.name = kernel.name;
  if (parameters != nullptr) {
    dispatch.kernarg = packArguments(kernel, parameters);
  } else if (extra != nullptr) {
    if (!readExtra(extra, dispatch.kernarg)) return fail(hipErrorInvalidValue, call, "malformed `extra` list");
    // HIP copies what the kernel takes and does not look at the size: rocBLAS 5 gives 96 bytes to Tensile kernels whose
    // metadata has a last, unused word at 96 (HHS_BH_MT64x1x64). The log tells.
    if (const std::size_t given = dispatch.kernarg.size(); given < kernel.explicitSize()) {
      dispatch.missingArguments = static_cast<std::uint32_t>(kernel.explicitSize() - given);
      dispatch.kernarg.resize(kernel.explicitSize());
    }
  }
  if (const std::string problem = dispatchProblem(dispatch); !problem.empty()) {
    return fail(hipErrorInvalidConfiguration, call, dispatch.name + ": " + problem);
  }
  if (const std::string problem = run(dispatch); !problem.empty()) {
    return fail(hipErrorLaunchFailure, call, dispatch.name + ": " + problem);
  }
  return result(hipSuccess);
}

hipError_t launchBlocks(const char* call, hipFunction_t function, std::array<std::uint32_t, 3> blocks,
                        std::array<std::uint32_t, 3> block, unsigned lds, hipStream_t stream, void** parameters,
                        void** extra) {
  Dispatch dispatch{
      .api = call, .name = {}, .function = {}, .grid = {}, .block = block, .dynamicLds = lds, .kernarg = {}};
  for (int axis = 0; axis < 3; ++axis) {
    const std::uint64_t items = std::uint64_t{blocks[axis]} * block[axis];
    if (items > UINT32_MAX) return fail(hipErrorInvalidValue, call, "the grid has more than 2^32 - 1 work-items");
    dispatch.grid[axis] = static_cast<std::uint32_t>(items);
  }
  return launch(std::move(dispatch), function, stream, parameters, extra);
}

} // namespace

extern "C" {

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                 unsigned blockX, unsigned blockY, unsigned blockZ, unsigned lds, hipStream_t stream,
                                 void** parameters, void** extra) {
  return launchBlocks(__func__, function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, lds, stream, parameters,
                      extra);
}

hipError_t hipModuleLaunchCooperativeKernel(hipFunction_t function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                            unsigned blockX, unsigned blockY, unsigned blockZ, unsigned lds,
                                            hipStream_t stream, void** parameters) {
  return launchBlocks(__func__, function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, lds, stream, parameters,
                      nullptr);
}

/// Its grid counts work-items, unlike hipModuleLaunchKernel's [HIP hip_ext.h].
hipError_t hipExtModuleLaunchKernel(hipFunction_t function, uint32_t gridX, uint32_t gridY, uint32_t gridZ,
                                    uint32_t blockX, uint32_t blockY, uint32_t blockZ, size_t lds, hipStream_t stream,
                                    void** parameters, void** extra, hipEvent_t start, hipEvent_t stop, uint32_t) {
  if (start != nullptr && !stamp(start)) return fail(hipErrorInvalidHandle, __func__, "the start event does not exist");
  const hipError_t launched = launch({.api = __func__,
                                      .name = {},
                                      .function = {},
                                      .grid = {gridX, gridY, gridZ},
                                      .block = {blockX, blockY, blockZ},
                                      .dynamicLds = static_cast<std::uint32_t>(lds),
                                      .kernarg = {}},
                                     function, stream, parameters, extra);
  if (launched != hipSuccess) return launched;
  if (stop != nullptr && !stamp(stop)) return fail(hipErrorInvalidHandle, __func__, "the stop event does not exist");
  return launched;
}

/// Kernels compiled into a library: known by the address of their host stub.
hipError_t hipLaunchKernel(const void* stub, dim3 blocks, dim3 block, void** parameters, size_t lds,
                           hipStream_t stream) {
  const RegisteredKernel kernel = registeredKernel(stub);
  if (kernel.name.empty()) return fail(hipErrorInvalidDeviceFunction, __func__, "the kernel was never registered");
  if (!kernel.problem.empty()) return fail(hipErrorNoBinaryForGpu, __func__, kernel.name + ": " + kernel.problem);
  const auto handle = reinterpret_cast<hipFunction_t>(const_cast<Function*>(kernel.function));
  return launchBlocks(__func__, handle, {blocks.x, blocks.y, blocks.z}, {block.x, block.y, block.z},
                      static_cast<unsigned>(lds), stream, parameters, nullptr);
}
}
