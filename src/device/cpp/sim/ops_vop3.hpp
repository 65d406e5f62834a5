// The groups of operations that vop3Operations() joins.
#pragma once

#include "vector.hpp"

namespace rdna1::sim {

std::span<const Operation> vop3FloatOperations();   ///< f32 and f64
std::span<const Operation> vop3IntegerOperations(); ///< 32- and 64-bit integers
std::span<const Operation> vop3ShortOperations();   ///< 16-bit integers, f16 and conversions to them
std::span<const Operation> vop3BitOperations();     ///< bits, bytes, lanes

} // namespace rdna1::sim
