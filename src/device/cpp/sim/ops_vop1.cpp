// VOP1 [RDNA1 ISA §12.8].
#include "bits.hpp"
#include "convert.hpp"
#include "cross_lane.hpp"
#include "transcendental.hpp"
#include "vector.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

/// value - floor(value), but never 1.
template <typename F> F fraction(F value) {
  constexpr F kLargest = 1 - std::numeric_limits<F>::epsilon() / 2;
  const F rest = value - std::floor(value);
  return rest >= 1 ? kLargest : rest;
}
Half halfFraction(Half value) {
  const Half rest(float{value} - std::floor(float{value}));
  return rest.bits == 0x3c00 ? Half::of(0x3bff) : rest;
}

/// Between 0.5 and 1, with the value's sign; zeros, infinities and NaN as they are.
template <typename F> F significand(F value) {
  int exponent = 0;
  return std::isfinite(value) ? std::frexp(value, &exponent) : quieted(value);
}
/// value = significand * 2^exponent; 0 for zeros, infinities and NaN.
template <typename F> i32 exponentOf(F value) {
  int exponent = 0;
  if (std::isfinite(value)) static_cast<void>(std::frexp(value, &exponent));
  return exponent;
}

u32 saturatedBytes(u32 words) {
  return clamped<u8>(static_cast<i16>(words), 0, 255) | u32{clamped<u8>(static_cast<i32>(words) >> 16, 0, 255)} << 8;
}

} // namespace

std::span<const Operation> vop1Operations() {
  static const Operation kTable[] = {
      vop1(0x00, "v_nop", nothing()),
      vop1(0x01, "v_mov_b32", lanes([](u32 a) { return a; })),
      vop1(0x02, "v_readfirstlane_b32", readFirstLane()),
      vop1(0x03, "v_cvt_i32_f64", lanes([](double a) { return toInteger<i32>(a); })),
      vop1(0x04, "v_cvt_f64_i32", lanes([](i32 a) { return double(a); })),
      vop1(0x05, "v_cvt_f32_i32", lanes([](i32 a) { return float(a); })),
      vop1(0x06, "v_cvt_f32_u32", lanes([](u32 a) { return float(a); })),
      vop1(0x07, "v_cvt_u32_f32", lanes([](float a) { return toInteger<u32>(a); })),
      vop1(0x08, "v_cvt_i32_f32", lanes([](float a) { return toInteger<i32>(a); })),
      vop1(0x0a, "v_cvt_f16_f32", lanes([](float a) { return Half(a); })),
      vop1(0x0b, "v_cvt_f32_f16", lanes([](Half a) { return float(a); })),
      vop1(0x0c, "v_cvt_rpi_i32_f32", lanes([](float a) { return toNearestUp(a); })),
      vop1(0x0d, "v_cvt_flr_i32_f32", lanes([](float a) { return toFloor(a); })),
      vop1(0x0e, "v_cvt_off_f32_i4", lanes([](u32 a) { return float(i32(a << 28) >> 28) / 16; })),
      vop1(0x0f, "v_cvt_f32_f64", lanes([](double a) { return float(a); })),
      vop1(0x10, "v_cvt_f64_f32", lanes([](float a) { return double(a); })),
      vop1(0x11, "v_cvt_f32_ubyte0", lanes([](u32 a) { return float(byteOf(a, 0)); })),
      vop1(0x12, "v_cvt_f32_ubyte1", lanes([](u32 a) { return float(byteOf(a, 1)); })),
      vop1(0x13, "v_cvt_f32_ubyte2", lanes([](u32 a) { return float(byteOf(a, 2)); })),
      vop1(0x14, "v_cvt_f32_ubyte3", lanes([](u32 a) { return float(byteOf(a, 3)); })),
      vop1(0x15, "v_cvt_u32_f64", lanes([](double a) { return toInteger<u32>(a); })),
      vop1(0x16, "v_cvt_f64_u32", lanes([](u32 a) { return double(a); })),
      vop1(0x17, "v_trunc_f64", lanes([](double a) { return std::trunc(a); })),
      vop1(0x18, "v_ceil_f64", lanes([](double a) { return std::ceil(a); })),
      vop1(0x19, "v_rndne_f64", lanes([](double a) { return toEven(a); })),
      vop1(0x1a, "v_floor_f64", lanes([](double a) { return std::floor(a); })),
      vop1(0x1b, "v_pipeflush", nothing()),
      vop1(0x20, "v_fract_f32", lanes([](float a) { return fraction(a); })),
      vop1(0x21, "v_trunc_f32", lanes([](float a) { return std::trunc(a); })),
      vop1(0x22, "v_ceil_f32", lanes([](float a) { return std::ceil(a); })),
      vop1(0x23, "v_rndne_f32", lanes([](float a) { return toEven(a); })),
      vop1(0x24, "v_floor_f32", lanes([](float a) { return std::floor(a); })),
      vop1(0x25, "v_exp_f32", lanes([](float a) { return powerOfTwo(a); })),
      vop1(0x27, "v_log_f32", lanes([](float a) { return logarithm(a); })),
      vop1(0x2a, "v_rcp_f32", lanes([](float a) { return reciprocal(a); })),
      vop1(0x2b, "v_rcp_iflag_f32", lanes([](float a) { return reciprocal(a); })),
      vop1(0x2e, "v_rsq_f32", lanes([](float a) { return reciprocalRoot(a); })),
      vop1(0x2f, "v_rcp_f64", lanes([](double a) { return reciprocal(a); })),
      vop1(0x31, "v_rsq_f64", lanes([](double a) { return reciprocalRoot(a); })),
      vop1(0x33, "v_sqrt_f32", lanes([](float a) { return squareRoot(a); })),
      vop1(0x34, "v_sqrt_f64", lanes([](double a) { return squareRoot(a); })),
      vop1(0x35, "v_sin_f32", lanes([](float a) { return float(sineOfTurns(a)); })),
      vop1(0x36, "v_cos_f32", lanes([](float a) { return float(cosineOfTurns(a)); })),
      vop1(0x37, "v_not_b32", lanes([](u32 a) { return ~a; })),
      vop1(0x38, "v_bfrev_b32", lanes([](u32 a) { return reversed(a); })),
      vop1(0x39, "v_ffbh_u32", lanes([](u32 a) { return zerosAbove(a); })),
      vop1(0x3a, "v_ffbl_b32", lanes([](u32 a) { return zerosBelow(a); })),
      vop1(0x3b, "v_ffbh_i32", lanes([](i32 a) { return signBits(a); })),
      vop1(0x3c, "v_frexp_exp_i32_f64", lanes([](double a) { return exponentOf(a); })),
      vop1(0x3d, "v_frexp_mant_f64", lanes([](double a) { return significand(a); })),
      vop1(0x3e, "v_fract_f64", lanes([](double a) { return fraction(a); })),
      vop1(0x3f, "v_frexp_exp_i32_f32", lanes([](float a) { return exponentOf(a); })),
      vop1(0x40, "v_frexp_mant_f32", lanes([](float a) { return significand(a); })),
      vop1(0x41, "v_clrexcp", nothing()),
      vop1(0x42, "v_movreld_b32", moveRelativeDestination()),
      vop1(0x43, "v_movrels_b32", moveRelativeSource()),
      vop1(0x44, "v_movrelsd_b32", moveRelativeBoth()),
      vop1(0x48, "v_movrelsd_2_b32", moveRelativeBoth2()),
      vop1(0x50, "v_cvt_f16_u16", lanes([](u16 a) { return Half(float(a)); })),
      vop1(0x51, "v_cvt_f16_i16", lanes([](i16 a) { return Half(float(a)); })),
      vop1(0x52, "v_cvt_u16_f16", lanes([](Half a) { return toInteger<u16>(float(a)); })),
      vop1(0x53, "v_cvt_i16_f16", lanes([](Half a) { return toInteger<i16>(float(a)); })),
      vop1(0x54, "v_rcp_f16", lanes([](Half a) { return Half(1 / float(a)); })),
      vop1(0x55, "v_sqrt_f16", lanes([](Half a) { return Half(std::sqrt(float(a))); })),
      vop1(0x56, "v_rsq_f16", lanes([](Half a) { return Half(1 / std::sqrt(double(float(a)))); })),
      vop1(0x57, "v_log_f16", lanes([](Half a) { return Half(std::log2(double(float(a)))); })),
      vop1(0x58, "v_exp_f16", lanes([](Half a) { return Half(std::exp2(double(float(a)))); })),
      vop1(0x59, "v_frexp_mant_f16", lanes([](Half a) { return Half(significand(float(a))); })),
      vop1(0x5a, "v_frexp_exp_i16_f16", lanes([](Half a) { return i16(exponentOf(float(a))); })),
      vop1(0x5b, "v_floor_f16", lanes([](Half a) { return Half(std::floor(float(a))); })),
      vop1(0x5c, "v_ceil_f16", lanes([](Half a) { return Half(std::ceil(float(a))); })),
      vop1(0x5d, "v_trunc_f16", lanes([](Half a) { return Half(std::trunc(float(a))); })),
      vop1(0x5e, "v_rndne_f16", lanes([](Half a) { return Half(toEven(float(a))); })),
      vop1(0x5f, "v_fract_f16", lanes([](Half a) { return halfFraction(a); })),
      vop1(0x60, "v_sin_f16", lanes([](Half a) { return Half(sineOfTurns(float(a))); })),
      vop1(0x61, "v_cos_f16", lanes([](Half a) { return Half(cosineOfTurns(float(a))); })),
      vop1(0x62, "v_sat_pk_u8_i16", lanes([](u32 a) { return u16(saturatedBytes(a)); })),
      vop1(0x63, "v_cvt_norm_i16_f16", lanes([](Half a) { return toSignedNorm(a); })),
      vop1(0x64, "v_cvt_norm_u16_f16", lanes([](Half a) { return toUnsignedNorm(a); })),
      vop1(0x65, "v_swap_b32", swap()),
      vop1(0x68, "v_swaprel_b32", swapRelative()),
  };
  return kTable;
}

} // namespace rdna1::sim
