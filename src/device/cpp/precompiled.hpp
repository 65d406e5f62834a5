// Headers that most files include, compiled once by src/device/build.ts: halves the time to build the device.
#ifndef RDNA1_PRECOMPILED // not `#pragma once`: gcc warns of it in a file that it compiles by itself
#define RDNA1_PRECOMPILED

#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>
#undef __noinline__ // see hip_headers.hpp

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#endif
