#include "transcendental.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

/// Quarter turns nearest to an angle, modulo 4, and what is left, in radians (at most pi / 4).
struct Quarters {
  int count;
  double rest;
};

Quarters quarters(double turns) {
  const double all = turns * 4, nearest = std::nearbyint(all);
  constexpr double kQuarterTurn = 1.5707963267948966;
  return {static_cast<int>(std::fmod(nearest, 4.0)) & 3, (all - nearest) * kQuarterTurn};
}

/// The first 1184 bits of 2 / pi behind the point: what the card's table holds [LLVM AMDGPUInstCombineIntrinsic, which
/// folds the operation; the manual speaks of 1201].
constexpr std::uint32_t kTwoOverPi[] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046,
};
constexpr std::uint32_t kWords = sizeof kTwoOverPi / sizeof kTwoOverPi[0];

} // namespace

double sineOfTurns(double turns) {
  if (!std::isfinite(turns)) return turns - turns;
  const Quarters angle = quarters(turns);
  const double sine = angle.count % 2 == 0 ? std::sin(angle.rest) : std::cos(angle.rest);
  if (sine == 0) return turns == 0 ? turns : 0; // [RDNA ISA, v_sin_f32: -0 gives -0, -MaxFloat gives +0]
  return angle.count < 2 ? sine : -sine;
}

double cosineOfTurns(double turns) {
  if (!std::isfinite(turns)) return turns - turns;
  const Quarters angle = quarters(turns);
  const double cosine = angle.count % 2 == 0 ? std::cos(angle.rest) : std::sin(angle.rest);
  if (cosine == 0) return 0;
  return angle.count == 0 || angle.count == 3 ? cosine : -cosine;
}

double trigPreop(double operand, std::uint32_t segment) {
  if (isNan(operand)) return quieted(operand);
  constexpr int kFirstShifted = 1077, kHuge = 1968;
  const int exponent = exponentField(operand);
  const std::uint32_t shift = segment % 32 * 53 + static_cast<std::uint32_t>(std::max(exponent - kFirstShifted, 0));
  const auto word = [](std::uint32_t index) -> std::uint64_t { return index < kWords ? kTwoOverPi[index] : 0; };
  const std::uint32_t first = shift / 32, bit = shift % 32;
  std::uint64_t bits = word(first) << 32 | word(first + 1);
  if (bit != 0) bits = bits << bit | word(first + 2) >> (32 - bit);
  const int scale = -53 - static_cast<int>(shift) + (exponent >= kHuge ? 128 : 0);
  return std::ldexp(static_cast<double>(bits >> 11), scale);
}

} // namespace rdna1::sim
