// HIP events: moments of the device's clock.
#pragma once

#include "hip_api.hpp"

namespace rdna1 {

bool isEvent(hipEvent_t event);

/// Records the clock's present time; false when the event does not exist.
bool stamp(hipEvent_t event);

} // namespace rdna1
