// VOP3 on f32 and f64 [RDNA1 ISA §12.11].
#include "cube.hpp"
#include "division.hpp"
#include "extremes.hpp"
#include "multiply_add.hpp"
#include "ops_vop3.hpp"
#include "transcendental.hpp"

namespace rdna1::sim {

namespace {

float lightProduct(float a, float b, float c) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return b == -kLargest || b == -kInfinity<float> || isNan(b) || c <= 0 || isNan(c) ? -kLargest : legacyProduct(a, b);
}

template <typename F> Carry<F> scaledForDivision(F operand, F denominator, F numerator) {
  const Scaled<F> scaled = divScale(operand, denominator, numerator);
  return {scaled.value, scaled.flag};
}

} // namespace

std::span<const Operation> vop3FloatOperations() {
  static const Operation kTable[] = {
      vop3(0x140, "v_mad_legacy_f32", lanes([](float a, float b, float c) { return legacyMultiplyAdd(a, b, c); }),
           kGfx101x),
      vop3(0x140, "v_fma_legacy_f32", lanes([](float a, float b, float c) { return legacyFma(a, b, c); }), kGfx1030),
      vop3(0x141, "v_mad_f32", lanes([](float a, float b, float c) { return multiplyAdd(a, b, c); }), kGfx101x),
      vop3(0x144, "v_cubeid_f32", lanes([](float x, float y, float z) { return cubeFace(x, y, z); })),
      vop3(0x145, "v_cubesc_f32", lanes([](float x, float y, float z) { return cubeS(x, y, z); })),
      vop3(0x146, "v_cubetc_f32", lanes([](float x, float y, float z) { return cubeT(x, y, z); })),
      vop3(0x147, "v_cubema_f32", lanes([](float x, float y, float z) { return cubeMajor(x, y, z); })),
      vop3(0x14b, "v_fma_f32", lanes([](float a, float b, float c) { return fma(a, b, c); })),
      vop3(0x14c, "v_fma_f64", lanes([](double a, double b, double c) { return fma(a, b, c); })),
      vop3(0x150, "v_mullit_f32", lanes([](float a, float b, float c) { return lightProduct(a, b, c); })),
      vop3(0x151, "v_min3_f32", lanes([](float a, float b, float c, Mode m) { return minimum3(a, b, c, m); })),
      vop3(0x154, "v_max3_f32", lanes([](float a, float b, float c, Mode m) { return maximum3(a, b, c, m); })),
      vop3(0x157, "v_med3_f32", lanes([](float a, float b, float c, Mode m) { return median(a, b, c, m); })),
      vop3(0x15f, "v_div_fixup_f32", lanes([](float q, float d, float n) { return divFixup(q, d, n); })),
      vop3(0x160, "v_div_fixup_f64", lanes([](double q, double d, double n) { return divFixup(q, d, n); })),
      vop3(0x164, "v_add_f64", lanes([](double a, double b) { return a + b; })),
      vop3(0x165, "v_mul_f64", lanes([](double a, double b) { return a * b; })),
      vop3(0x166, "v_min_f64", lanes([](double a, double b, Mode m) { return minimum(a, b, m); })),
      vop3(0x167, "v_max_f64", lanes([](double a, double b, Mode m) { return maximum(a, b, m); })),
      vop3(0x168, "v_ldexp_f64", lanes([](double a, i32 b) { return std::ldexp(a, b); })),
      vop3(0x16d, "v_div_scale_f32", lanes([](float a, float d, float n) { return scaledForDivision(a, d, n); })),
      vop3(0x16e, "v_div_scale_f64", lanes([](double a, double d, double n) { return scaledForDivision(a, d, n); })),
      vop3(0x16f, "v_div_fmas_f32", lanes([](float a, float b, float c, VccBit v) { return divFmas(a, b, c, v); })),
      vop3(0x170, "v_div_fmas_f64", lanes([](double a, double b, double c, VccBit v) { return divFmas(a, b, c, v); })),
      vop3(0x174, "v_trig_preop_f64", lanes([](double a, u32 segment) { return trigPreop(a, segment); })),
      vop3(0x362, "v_ldexp_f32", lanes([](float a, i32 b) { return std::ldexp(a, b); })),
  };
  return kTable;
}

} // namespace rdna1::sim
