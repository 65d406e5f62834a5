// MODE's rounding and denormal fields [RDNA1 ISA §3.4]: executed at full speed while they have their defaults, else by
// MXCSR, and by hand for what MXCSR does not reach.
#pragma once

#include "program.hpp"

#include <cstdint>

namespace rdna1::sim {

/// Executes steps one after the other while MODE is not the default; MODE does not change between them.
void runWithMode(Wave& wave, const Step* begin, const Step* end);

/// Sources and results of a bare step flushed by hand, as MODE says.
void runFlushed(Wave& wave, const Step& step);

/// Executes a step whose sources and result are already as the operation sees them.
inline void runArithmetic(Wave& wave, const Step& step) {
  if (step.softwareFlush && (wave.mode & kModeFloatMask) != kModeFloatDefault) runFlushed(wave, step);
  else step.run(wave, step);
}

/// Sets step.floatClass and step.softwareFlush from the operation.
void prepareFloatMode(Step& step);

} // namespace rdna1::sim
