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

/// The same word in all lanes of a row, which often holds it already.
[[gnu::always_inline]] inline void fill(u32* row, u32 lanes, u32 word) {
  if (row[0] == word) return;
  const detail::Words words = detail::Words{} + word;
  for (u32 lane = 0; lane < lanes; lane += 8) std::memcpy(row + lane, &words, sizeof words);
}

} // namespace

void copyScalars(Wave& wave, const Step& step) {
  for (u32 i = 0; i < step.spreadCount; ++i) {
    const Spread& spread = step.spreads[i];
    fill(wave.vector + spread.offset, wave.lanes, wave.scalar[spread.scalar]);
  }
  for (u32 left = step.specials & 7; left != 0; left &= left - 1) {
    const u32 i = static_cast<u32>(std::countr_zero(left));
    const bool wide = (step.specials >> (4 + i) & 1) != 0;
    const u64 value = scalarSource(wave, step.scalarSrc[i], wide);
    u32* const row = wave.vector + step.src[i].offset;
    fill(row, wave.lanes, static_cast<u32>(value));
    if (wide) fill(row + wave.lanes, wave.lanes, static_cast<u32>(value >> 32));
  }
}

} // namespace rdna1::sim
