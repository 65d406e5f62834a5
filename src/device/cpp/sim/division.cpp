#include "division.hpp"

namespace rdna1::sim {

namespace {

using Wide = unsigned __int128;

/// A finite number as an integer times a power of two.
struct Exact {
  Wide magnitude;
  int exponent;
  bool negative;
};

Exact exactly(double value) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  return {static_cast<Wide>(std::ldexp(fraction, 53)), exponent - 53, std::signbit(value)};
}

/// In units of 2^unit; what is below sets the last bit.
__int128 inUnits(const Exact& number, int unit) {
  const int shift = number.exponent - unit;
  Wide magnitude = number.magnitude;
  if (magnitude == 0) return 0;
  if (shift >= 0) magnitude <<= shift;
  else if (shift <= -127) magnitude = 1;
  else magnitude = magnitude >> -shift | ((magnitude & ((Wide{1} << -shift) - 1)) != 0 ? 1 : 0);
  return number.negative ? -static_cast<__int128>(magnitude) : static_cast<__int128>(magnitude);
}

/// The magnitude of a * b + c as a multiple of 2^quantum, rounded to the nearest, ties to even. For sums below 2^53
/// quanta whose terms are below 2^54 quanta.
double nearestMultiple(double a, double b, double c, int quantum) {
  constexpr int kGuard = 70;
  const Exact left = exactly(a), right = exactly(b);
  const Exact product{left.magnitude * right.magnitude, left.exponent + right.exponent,
                      left.negative != right.negative};
  const __int128 sum = inUnits(product, quantum - kGuard) + inUnits(exactly(c), quantum - kGuard);
  const Wide magnitude = static_cast<Wide>(sum < 0 ? -sum : sum);
  const Wide rest = magnitude & ((Wide{1} << kGuard) - 1), half = Wide{1} << (kGuard - 1);
  std::uint64_t whole = static_cast<std::uint64_t>(magnitude >> kGuard);
  if (rest > half || (rest == half && (whole & 1) != 0)) ++whole;
  return static_cast<double>(whole);
}

template <typename F> F scaled(F a, F b, F c, int scale) {
  using Format = FloatFormat<F>;
  constexpr int kQuantum = 1 - Format::kBias - Format::kFraction; // exponent of the smallest subnormal number
  const F sum = std::fma(a, b, c);
  if (scale >= 0 || !std::isfinite(sum)) return std::ldexp(sum, scale);
  // Twice the smallest sum that becomes a normal number: scaling anything larger is exact.
  const F limit = std::ldexp(F{1}, 2 - Format::kBias - scale);
  if (std::fabs(sum) >= limit || std::fabs(c) >= limit || std::fabs(a * b) >= limit) return std::ldexp(sum, scale);
  return std::copysign(static_cast<F>(std::ldexp(nearestMultiple(a, b, c, kQuantum - scale), kQuantum)), sum);
}

} // namespace

float scaledFma(float a, float b, float c, int scale) { return scaled(a, b, c, scale); }
double scaledFma(double a, double b, double c, int scale) { return scaled(a, b, c, scale); }

} // namespace rdna1::sim
