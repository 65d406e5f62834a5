// Streams. Every operation is finished when its call returns, so a stream is a name with flags.
#pragma once

#include "hip_api.hpp"

namespace rdna1 {

/// Whether the handle is the null stream, one of the two special ones, or one that was made and not destroyed.
bool isStream(hipStream_t stream);

} // namespace rdna1
