// The toolchain's HIP headers, to be included before any other that may reach <format>.
#pragma once

#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>

// HIP 6.4 leaves a macro of this name behind, which libstdc++ 16 uses as an attribute.
#undef __noinline__
