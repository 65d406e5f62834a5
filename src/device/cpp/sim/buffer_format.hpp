// Typed buffer accesses: the formats of memory and the conversion to and from registers [RDNA1 ISA §8.1.9].
#pragma once

#include "moves.hpp"

namespace rdna1::sim::typed {

/// {buffer,tbuffer}_{load,store}_format_*: `components` of them in registers, two in one when `packed` (d16); `high`:
/// the single half lies in the upper 16 bits.
struct Transfer {
  u8 components = 1;
  bool packed = false;
  bool high = false;
};

void load(Wave& wave, const Step& step, Transfer transfer);
void store(Wave& wave, const Step& step, Transfer transfer);

template <u8 components, bool packed = false, bool high = false> void loads(Wave& wave, const Step& step) {
  load(wave, step, {components, packed, high});
}
template <u8 components, bool packed = false, bool high = false> void stores(Wave& wave, const Step& step) {
  store(wave, step, {components, packed, high});
}

} // namespace rdna1::sim::typed
