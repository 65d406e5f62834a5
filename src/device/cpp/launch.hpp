// One kernel dispatch, gathered from whichever launch call it came through.
#pragma once

#include "module.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rdna1 {

struct Dispatch {
  std::string api;  ///< the HIP call
  std::string name; ///< of the kernel
  std::shared_ptr<const Function> function;
  std::array<std::uint32_t, 3> grid{};  ///< work-items
  std::array<std::uint32_t, 3> block{}; ///< work-items of a work-group
  std::uint32_t dynamicLds = 0;         ///< bytes, on top of the kernel's static LDS
  std::vector<std::byte> kernarg;       ///< explicit arguments as they lie in the kernel-argument segment
  std::uint32_t missingArguments = 0;   ///< bytes at the end that the caller did not give; zero here
};

/// Explicit arguments from an array of pointers, one for each, laid out by the kernel's metadata.
std::vector<std::byte> packArguments(const Kernel& kernel, void* const* arguments);

/// Why the device cannot run it, or an empty string.
std::string dispatchProblem(const Dispatch& dispatch);

/// Executes the dispatch (unless the device was told not to: then memory stays as it is) and logs it. What went wrong,
/// or an empty string.
std::string run(const Dispatch& dispatch);

/// Dispatches so far.
std::uint64_t dispatchCount();

} // namespace rdna1
