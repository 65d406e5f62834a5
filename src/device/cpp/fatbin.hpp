// Kernels that are compiled into libraries (rocBLAS's non-Tensile kernels, rocRAND): registered by generated code while
// the library is loaded, launched by the address of a host stub [clang CGCUDANV.cpp].
#pragma once

#include "module.hpp"

#include <string>

namespace rdna1 {

struct RegisteredKernel {
  std::string name;                   ///< empty: never registered
  std::string problem;                ///< why the fat binary has no code for the target, else empty
  const Function* function = nullptr; ///< null when there is a problem
};

/// The kernel behind a host stub; reads its fat binary at the first call.
RegisteredKernel registeredKernel(const void* stub);

} // namespace rdna1
