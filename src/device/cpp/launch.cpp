#include "launch.hpp"

#include "clock.hpp"
#include "config.hpp"
#include "log.hpp"
#include "sim/execute.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <span>

namespace rdna1 {
namespace {

constexpr std::uint32_t kLargestGroup = 1024;
constexpr std::uint32_t kLargestLds = 65536; // of one work-group [RDNA1 ISA §2.5]
constexpr std::size_t kLoggedArguments = 256;

std::atomic<std::uint64_t> dispatches{0};

} // namespace

std::vector<std::byte> packArguments(const Kernel& kernel, void* const* arguments) {
  std::vector<std::byte> packed(kernel.explicitSize());
  std::size_t index = 0;
  for (const KernelArgument& argument : kernel.arguments) {
    if (argument.hidden()) continue;
    std::memcpy(packed.data() + argument.offset, arguments[index++], argument.size);
  }
  return packed;
}

std::string dispatchProblem(const Dispatch& dispatch) {
  std::uint64_t groupSize = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (dispatch.grid[axis] == 0 || dispatch.block[axis] == 0) return "the grid or the block is empty";
    groupSize *= dispatch.block[axis];
  }
  if (groupSize > kLargestGroup) return "a work-group of " + std::to_string(groupSize) + " work-items exceeds 1024";
  const Kernel& kernel = *dispatch.function->kernel;
  if (groupSize > kernel.largestGroup) {
    return "a work-group of " + std::to_string(groupSize) + " work-items exceeds the " +
           std::to_string(kernel.largestGroup) + " that the kernel was compiled for";
  }
  const std::uint64_t lds = std::uint64_t{kernel.ldsSize} + dispatch.dynamicLds;
  if (lds > kLargestLds) return std::to_string(lds) + " bytes of LDS exceed 65536";
  return "";
}

std::string run(const Dispatch& dispatch) {
  dispatches.fetch_add(1, std::memory_order_relaxed);
  sim::Outcome outcome;
  const auto started = std::chrono::steady_clock::now();
  if (config().execute) outcome = sim::execute(dispatch);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
  const std::span<const std::byte> arguments = dispatch.kernarg;
  Event("launch")
      .text("api", dispatch.api)
      .text("kernel", dispatch.name)
      .text("module", dispatch.function->module->md5)
      .numbers("grid", dispatch.grid)
      .numbers("block", dispatch.block)
      .number("lds", dispatch.function->kernel->ldsSize + dispatch.dynamicLds)
      .number("argumentBytes", static_cast<std::int64_t>(arguments.size()))
      .number("missingArgumentBytes", dispatch.missingArguments)
      .hex("arguments", arguments.first(std::min(arguments.size(), kLoggedArguments)))
      .flag("executed", config().execute && !outcome.problem)
      .number("instructions", static_cast<std::int64_t>(outcome.instructions))
      .milliseconds("milliseconds", config().execute ? took.count() : 0)
      .send();
  deviceClock().advance();
  return outcome.problem.value_or("");
}

std::uint64_t dispatchCount() { return dispatches.load(std::memory_order_relaxed); }

} // namespace rdna1
