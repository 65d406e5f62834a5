#include "vector.hpp"

namespace rdna1::sim {
namespace {

/// Numbers in the source encoding [RDNA1 ISA §6.2.1]; a limit is the aperture's last address.
constexpr u32 kSharedBase = 235, kSharedLimit = 236, kPrivateBase = 237, kPrivateLimit = 238;
constexpr u32 kVccZero = 251, kExecZero = 252, kScc = 253;

} // namespace

u64 scalarSource(const Wave& wave, u32 index, bool wide) {
  switch (index) {
  case kNull: return 0;
  case kSharedBase: return u64{kSharedAperture} << 32;
  case kSharedLimit: return u64{kSharedAperture} << 32 | 0xffffffff;
  case kPrivateBase: return u64{kPrivateAperture} << 32;
  case kPrivateLimit: return u64{kPrivateAperture} << 32 | 0xffffffff;
  case kVccZero: return wave.mask(kVcc) == 0;
  case kExecZero: return wave.exec64() == 0;
  case kScc: return wave.scc;
  default: return wide ? wave.pair(index) : wave.scalar[index];
  }
}

namespace {

/// The same word in 32 lanes.
[[gnu::always_inline]] inline void fill(u32* row, u32 word) {
  const detail::Words words = detail::Words{} + word;
  for (u32 i = 0; i < 4; ++i) std::memcpy(row + i * 8, &words, sizeof words);
}

} // namespace

void copyScalars(Wave& wave, const Step& step) {
  const u32 lanes = wave.lanes;
  for (u32 left = step.scalars; left != 0; left &= left - 1) {
    const u32 i = static_cast<u32>(std::countr_zero(left)), index = step.scalarSrc[i];
    const bool wide = (step.wideScalars >> i & 1) != 0;
    u32* row = wave.vector + step.src[i].offset;
    const u64 value = index < kNull ? (wide ? wave.pair(index) : wave.scalar[index]) : scalarSource(wave, index, wide);
    fill(row, static_cast<u32>(value));
    if (lanes == 64) fill(row + 32, static_cast<u32>(value));
    if (!wide) continue;
    row += lanes;
    fill(row, static_cast<u32>(value >> 32));
    if (lanes == 64) fill(row + 32, static_cast<u32>(value >> 32));
  }
}

} // namespace rdna1::sim
