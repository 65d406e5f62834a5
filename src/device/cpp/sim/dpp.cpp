#include "dpp.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rdna1::sim {
namespace {

constexpr std::uint32_t kRow = 16, kOutside = ~0u;
constexpr std::uint32_t kShiftLeft = 0x100, kShiftRight = 0x110, kRotateRight = 0x120, kMirror = 0x140,
                        kHalfMirror = 0x141, kShare = 0x150, kXmask = 0x160;

bool isControl(std::uint32_t control) {
  if (control < 0x100 || control == kMirror || control == kHalfMirror) return true;
  const std::uint32_t kind = control & 0x1f0, amount = control & 15;
  if (kind == kShare || kind == kXmask) return true;
  return (kind == kShiftLeft || kind == kShiftRight || kind == kRotateRight) && amount != 0;
}

/// Lane of its row that lane `lane` of a row reads.
std::uint32_t inRow(std::uint32_t control, std::uint32_t lane) {
  const std::uint32_t amount = control & 15;
  if (control < 0x100) return (lane & ~3u) | (control >> lane % 4 * 2 & 3); // quad_perm
  if (control == kMirror) return lane ^ 15;
  if (control == kHalfMirror) return lane ^ 7;
  switch (control & 0x1f0) {
  case kShiftLeft: return lane + amount < kRow ? lane + amount : kOutside;
  case kShiftRight: return lane >= amount ? lane - amount : kOutside;
  case kRotateRight: return (lane + kRow - amount) % kRow;
  case kShare: return amount;
  default: return lane ^ amount; // row_xmask
  }
}

} // namespace

std::string laneMap(const Dpp& dpp, Form form, LaneMap& map) {
  const bool eight = form == Form::dpp8;
  if (!eight && !isControl(dpp.control)) return "no DPP control of GFX10: " + std::to_string(dpp.control);
  for (std::uint32_t lane = 0; lane < 64; ++lane) {
    const std::uint32_t row = lane / kRow, bank = lane % kRow / 4;
    std::uint32_t from =
        eight ? lane % kRow / 8 * 8 + (dpp.select >> lane % 8 * 3 & 7) : inRow(dpp.control, lane % kRow);
    if (from != kOutside) map.inside |= std::uint64_t{1} << lane;
    map.from[lane] = row * kRow + (from == kOutside ? lane % kRow : from);
    if (eight || ((dpp.rowMask >> row & 1) != 0 && (dpp.bankMask >> bank & 1) != 0))
      map.written |= std::uint64_t{1} << lane;
  }
  return {};
}

// A source lane that is off counts as outside its row unless FI is set: with BOUND_CTRL the source is 0, without it the
// lane is not written. AMD's device library relies on that (its wave reductions give the identity as old value of
// update_dpp and run with lanes off). DPP8 has no BOUND_CTRL and reads 0.
DppLanes dppLanes(const Dpp& dpp, Form form, const LaneMap& map, const Wave& wave) {
  const std::uint64_t exec = wave.exec64();
  std::uint64_t valid = map.inside;
  if (!dpp.fetchInactive && !wave.allLanes()) {
    for (std::uint32_t lane = 0; lane < wave.lanes; ++lane) {
      if ((exec >> map.from[lane] & 1) == 0) valid &= ~(std::uint64_t{1} << lane);
    }
  }
  const bool keepsInvalid = form == Form::dpp16 && !dpp.boundControl;
  return {exec & map.written & (keepsInvalid ? valid : ~std::uint64_t{0}), valid};
}

#ifdef __AVX2__
void permute(const std::uint32_t* from, std::uint32_t* to, std::uint32_t lanes, const LaneMap& map,
             std::uint64_t valid) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  for (std::uint32_t lane = 0; lane < lanes; lane += 8) {
    const std::uint32_t* const row = from + lane / kRow * kRow;
    const __m256i index = _mm256_load_si256(reinterpret_cast<const __m256i*>(map.from.data() + lane));
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + 8));
    // Bit 3 of the lane number, moved to the sign, picks the row's upper half.
    const __m256i upper = _mm256_slli_epi32(index, 28);
    const __m256 moved =
        _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_permutevar8x32_epi32(low, index)),
                         _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(high, index)), _mm256_castsi256_ps(upper));
    const __m256i on = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(valid >> lane & 255)), bits);
    const __m256i result = _mm256_and_si256(_mm256_castps_si256(moved), _mm256_cmpeq_epi32(on, bits));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + lane), result);
  }
}
#else
void permute(const std::uint32_t* from, std::uint32_t* to, std::uint32_t lanes, const LaneMap& map,
             std::uint64_t valid) {
  for (std::uint32_t lane = 0; lane < lanes; ++lane) to[lane] = (valid >> lane & 1) != 0 ? from[map.from[lane]] : 0;
}
#endif

} // namespace rdna1::sim
