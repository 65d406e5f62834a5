// The toolchain's own HIP declarations: structure layouts and enumeration values are what its libraries were built
// with.
#pragma once

#include "hip_headers.hpp"

#include <string>

namespace rdna1 {

/// Remembers the result for hipGetLastError and returns it.
hipError_t result(hipError_t code);

/// An error that the program caused: one line on stderr, an "error" event, and the code for the caller.
hipError_t fail(hipError_t code, const char* call, const std::string& message);

} // namespace rdna1

extern "C" {
// Entry points that compiled HIP programs call but no header declares [clang CGCUDANV.cpp, HIP hip_fatbin.h].
void** __hipRegisterFatBinary(const void* wrapper);
void __hipRegisterFunction(void** modules, const void* hostFunction, char* deviceFunction, const char* deviceName,
                           unsigned threadLimit, void* tid, void* bid, dim3* blockDim, dim3* gridDim, int* wSize);
void __hipUnregisterFatBinary(void** modules);
hipError_t __hipPopCallConfiguration(dim3* gridDim, dim3* blockDim, size_t* sharedMem, hipStream_t* stream);
}
