// Kernels that the prover runs itself, each with a reference of our own: what must come out, from the operation's
// definition and not from the kernel's source.
#pragma once

#include "elements.hpp"
#include "hip.hpp"
#include "plan.hpp"

#include <cstddef>
#include <cstdint>

namespace rdna1::prover {

/// How a case came out.
struct Outcome {
  std::size_t elements = 0; ///< compared
  std::size_t wrong = 0;    ///< of these, differing in any bit
  std::size_t first = 0;    ///< index of the first wrong one
  std::uint32_t expected = 0;
  std::uint32_t found = 0;
};

/// Compares bit by bit.
Outcome compare(const Elements& expected, const Elements& found);

/// The columns of one image of a batch: Im2d2Col_v2 of MIOpenIm2d2Col.cpp.
Outcome runIm2d2Col(const Hip& hip, void* module, const Line& line);

/// The image that columns add up to: Col2Im3dU of MIOpenCol2Im3d.cpp.
Outcome runCol2Im3d(const Hip& hip, void* module, const Line& line);

/// One value into a one-dimensional tensor: SubTensorOpWithScalar1d of MIOpenSubTensorOpWithScalarKernel.cl.
Outcome runSetTensor(const Hip& hip, void* module, const Line& line);

/// int8 to int8 convolution: naive_conv_ab_nonpacked_fwd_{nchw,nhwc}_int8_t_int32_t_int8_t of naive_conv.cpp.
Outcome runNaiveInt8(const Hip& hip, void* module, const Line& line);

/// Memory before a kernel runs, and after where it must not write.
inline constexpr std::uint8_t kFiller = 0xa5;

/// The type of a case; throws std::runtime_error for a name that is none.
Type typeOf(const Line& line);

} // namespace rdna1::prover
