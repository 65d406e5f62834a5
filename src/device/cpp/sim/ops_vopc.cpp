// VOPC [RDNA1 ISA §12.9]: comparisons, to a mask (v_cmp) or to EXEC (v_cmpx).
#include "float_format.hpp"
#include "vector.hpp"

namespace rdna1::sim {

namespace {

template <typename T> constexpr Body kNever = lanes([](T, T) { return false; });
template <typename T> constexpr Body kAlways = lanes([](T, T) { return true; });
template <typename T> constexpr Body kLess = lanes([](T a, T b) { return a < b; });
template <typename T> constexpr Body kEqual = lanes([](T a, T b) { return a == b; });
template <typename T> constexpr Body kLessEqual = lanes([](T a, T b) { return a <= b; });
template <typename T> constexpr Body kGreater = lanes([](T a, T b) { return a > b; });
template <typename T> constexpr Body kGreaterEqual = lanes([](T a, T b) { return a >= b; });
template <typename T> constexpr Body kNotEqual = lanes([](T a, T b) { return !(a == b); });

// Floats: what is ordered has no NaN; the negations hold when there is one.
template <typename T> constexpr Body kLessGreater = lanes([](T a, T b) { return a < b || a > b; });
template <typename T> constexpr Body kOrdered = lanes([](T a, T b) { return a == a && b == b; });
template <typename T> constexpr Body kUnordered = lanes([](T a, T b) { return a != a || b != b; });
template <typename T> constexpr Body kNotGreaterEqual = lanes([](T a, T b) { return !(a >= b); });
template <typename T> constexpr Body kNotLessGreater = lanes([](T a, T b) { return !(a < b || a > b); });
template <typename T> constexpr Body kNotGreater = lanes([](T a, T b) { return !(a > b); });
template <typename T> constexpr Body kNotLessEqual = lanes([](T a, T b) { return !(a <= b); });
template <typename T> constexpr Body kNotLess = lanes([](T a, T b) { return !(a < b); });

/// The bit of a value's class in the mask: 0 signalling NaN, 1 quiet NaN, 2 -infinity, 3 -normal, 4 -subnormal, 5 -0,
/// 6 +0, 7 +subnormal, 8 +normal, 9 +infinity. From the bits: MODE's denormals have no say.
template <typename Bits, u32 kFraction> u32 classOf(Bits bits) {
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1), kQuiet = Bits{1} << (kFraction - 1);
  constexpr Bits kInfinite = (kSign - 1) >> kFraction << kFraction, kNormal = Bits{1} << kFraction;
  const Bits magnitude = bits & (kSign - 1);
  const bool negative = (bits & kSign) != 0;
  if (magnitude > kInfinite) return (magnitude & kQuiet) != 0 ? 1 : 0;
  if (magnitude == kInfinite) return negative ? 2 : 9;
  if (magnitude >= kNormal) return negative ? 3 : 8;
  if (magnitude != 0) return negative ? 4 : 7;
  return negative ? 5 : 6;
}
u32 classOf(float value) { return classOf<u32, 23>(std::bit_cast<u32>(value)); }
u32 classOf(double value) { return classOf<u64, 52>(std::bit_cast<u64>(value)); }
u32 classOf(Half value) { return classOf<u16, 10>(value.bits); }
template <typename T> constexpr Body kClass = lanes([](T a, u32 classes) { return (classes >> classOf(a) & 1) != 0; });

} // namespace

std::span<const Operation> vopcOperations() {
  static const Operation kTable[] = {
      vopc(0x00, "v_cmp_f_f32", kNever<float>),
      vopcx(0x10, "v_cmpx_f_f32", kNever<float>),
      vopc(0x01, "v_cmp_lt_f32", kLess<float>),
      vopcx(0x11, "v_cmpx_lt_f32", kLess<float>),
      vopc(0x02, "v_cmp_eq_f32", kEqual<float>),
      vopcx(0x12, "v_cmpx_eq_f32", kEqual<float>),
      vopc(0x03, "v_cmp_le_f32", kLessEqual<float>),
      vopcx(0x13, "v_cmpx_le_f32", kLessEqual<float>),
      vopc(0x04, "v_cmp_gt_f32", kGreater<float>),
      vopcx(0x14, "v_cmpx_gt_f32", kGreater<float>),
      vopc(0x05, "v_cmp_lg_f32", kLessGreater<float>),
      vopcx(0x15, "v_cmpx_lg_f32", kLessGreater<float>),
      vopc(0x06, "v_cmp_ge_f32", kGreaterEqual<float>),
      vopcx(0x16, "v_cmpx_ge_f32", kGreaterEqual<float>),
      vopc(0x07, "v_cmp_o_f32", kOrdered<float>),
      vopcx(0x17, "v_cmpx_o_f32", kOrdered<float>),
      vopc(0x08, "v_cmp_u_f32", kUnordered<float>),
      vopcx(0x18, "v_cmpx_u_f32", kUnordered<float>),
      vopc(0x09, "v_cmp_nge_f32", kNotGreaterEqual<float>),
      vopcx(0x19, "v_cmpx_nge_f32", kNotGreaterEqual<float>),
      vopc(0x0a, "v_cmp_nlg_f32", kNotLessGreater<float>),
      vopcx(0x1a, "v_cmpx_nlg_f32", kNotLessGreater<float>),
      vopc(0x0b, "v_cmp_ngt_f32", kNotGreater<float>),
      vopcx(0x1b, "v_cmpx_ngt_f32", kNotGreater<float>),
      vopc(0x0c, "v_cmp_nle_f32", kNotLessEqual<float>),
      vopcx(0x1c, "v_cmpx_nle_f32", kNotLessEqual<float>),
      vopc(0x0d, "v_cmp_neq_f32", kNotEqual<float>),
      vopcx(0x1d, "v_cmpx_neq_f32", kNotEqual<float>),
      vopc(0x0e, "v_cmp_nlt_f32", kNotLess<float>),
      vopcx(0x1e, "v_cmpx_nlt_f32", kNotLess<float>),
      vopc(0x0f, "v_cmp_tru_f32", kAlways<float>),
      vopcx(0x1f, "v_cmpx_tru_f32", kAlways<float>),
      vopc(0x20, "v_cmp_f_f64", kNever<double>),
      vopcx(0x30, "v_cmpx_f_f64", kNever<double>),
      vopc(0x21, "v_cmp_lt_f64", kLess<double>),
      vopcx(0x31, "v_cmpx_lt_f64", kLess<double>),
      vopc(0x22, "v_cmp_eq_f64", kEqual<double>),
      vopcx(0x32, "v_cmpx_eq_f64", kEqual<double>),
      vopc(0x23, "v_cmp_le_f64", kLessEqual<double>),
      vopcx(0x33, "v_cmpx_le_f64", kLessEqual<double>),
      vopc(0x24, "v_cmp_gt_f64", kGreater<double>),
      vopcx(0x34, "v_cmpx_gt_f64", kGreater<double>),
      vopc(0x25, "v_cmp_lg_f64", kLessGreater<double>),
      vopcx(0x35, "v_cmpx_lg_f64", kLessGreater<double>),
      vopc(0x26, "v_cmp_ge_f64", kGreaterEqual<double>),
      vopcx(0x36, "v_cmpx_ge_f64", kGreaterEqual<double>),
      vopc(0x27, "v_cmp_o_f64", kOrdered<double>),
      vopcx(0x37, "v_cmpx_o_f64", kOrdered<double>),
      vopc(0x28, "v_cmp_u_f64", kUnordered<double>),
      vopcx(0x38, "v_cmpx_u_f64", kUnordered<double>),
      vopc(0x29, "v_cmp_nge_f64", kNotGreaterEqual<double>),
      vopcx(0x39, "v_cmpx_nge_f64", kNotGreaterEqual<double>),
      vopc(0x2a, "v_cmp_nlg_f64", kNotLessGreater<double>),
      vopcx(0x3a, "v_cmpx_nlg_f64", kNotLessGreater<double>),
      vopc(0x2b, "v_cmp_ngt_f64", kNotGreater<double>),
      vopcx(0x3b, "v_cmpx_ngt_f64", kNotGreater<double>),
      vopc(0x2c, "v_cmp_nle_f64", kNotLessEqual<double>),
      vopcx(0x3c, "v_cmpx_nle_f64", kNotLessEqual<double>),
      vopc(0x2d, "v_cmp_neq_f64", kNotEqual<double>),
      vopcx(0x3d, "v_cmpx_neq_f64", kNotEqual<double>),
      vopc(0x2e, "v_cmp_nlt_f64", kNotLess<double>),
      vopcx(0x3e, "v_cmpx_nlt_f64", kNotLess<double>),
      vopc(0x2f, "v_cmp_tru_f64", kAlways<double>),
      vopcx(0x3f, "v_cmpx_tru_f64", kAlways<double>),
      vopc(0x80, "v_cmp_f_i32", kNever<i32>),
      vopcx(0x90, "v_cmpx_f_i32", kNever<i32>),
      vopc(0x81, "v_cmp_lt_i32", kLess<i32>),
      vopcx(0x91, "v_cmpx_lt_i32", kLess<i32>),
      vopc(0x82, "v_cmp_eq_i32", kEqual<i32>),
      vopcx(0x92, "v_cmpx_eq_i32", kEqual<i32>),
      vopc(0x83, "v_cmp_le_i32", kLessEqual<i32>),
      vopcx(0x93, "v_cmpx_le_i32", kLessEqual<i32>),
      vopc(0x84, "v_cmp_gt_i32", kGreater<i32>),
      vopcx(0x94, "v_cmpx_gt_i32", kGreater<i32>),
      vopc(0x85, "v_cmp_ne_i32", kNotEqual<i32>),
      vopcx(0x95, "v_cmpx_ne_i32", kNotEqual<i32>),
      vopc(0x86, "v_cmp_ge_i32", kGreaterEqual<i32>),
      vopcx(0x96, "v_cmpx_ge_i32", kGreaterEqual<i32>),
      vopc(0x87, "v_cmp_t_i32", kAlways<i32>),
      vopcx(0x97, "v_cmpx_t_i32", kAlways<i32>),
      vopc(0x88, "v_cmp_class_f32", kClass<float>),
      vopcx(0x98, "v_cmpx_class_f32", kClass<float>),
      vopc(0x89, "v_cmp_lt_i16", kLess<i16>),
      vopcx(0x99, "v_cmpx_lt_i16", kLess<i16>),
      vopc(0x8a, "v_cmp_eq_i16", kEqual<i16>),
      vopcx(0x9a, "v_cmpx_eq_i16", kEqual<i16>),
      vopc(0x8b, "v_cmp_le_i16", kLessEqual<i16>),
      vopcx(0x9b, "v_cmpx_le_i16", kLessEqual<i16>),
      vopc(0x8c, "v_cmp_gt_i16", kGreater<i16>),
      vopcx(0x9c, "v_cmpx_gt_i16", kGreater<i16>),
      vopc(0x8d, "v_cmp_ne_i16", kNotEqual<i16>),
      vopcx(0x9d, "v_cmpx_ne_i16", kNotEqual<i16>),
      vopc(0x8e, "v_cmp_ge_i16", kGreaterEqual<i16>),
      vopcx(0x9e, "v_cmpx_ge_i16", kGreaterEqual<i16>),
      vopc(0x8f, "v_cmp_class_f16", kClass<Half>),
      vopcx(0x9f, "v_cmpx_class_f16", kClass<Half>),
      vopc(0xa0, "v_cmp_f_i64", kNever<i64>),
      vopcx(0xb0, "v_cmpx_f_i64", kNever<i64>),
      vopc(0xa1, "v_cmp_lt_i64", kLess<i64>),
      vopcx(0xb1, "v_cmpx_lt_i64", kLess<i64>),
      vopc(0xa2, "v_cmp_eq_i64", kEqual<i64>),
      vopcx(0xb2, "v_cmpx_eq_i64", kEqual<i64>),
      vopc(0xa3, "v_cmp_le_i64", kLessEqual<i64>),
      vopcx(0xb3, "v_cmpx_le_i64", kLessEqual<i64>),
      vopc(0xa4, "v_cmp_gt_i64", kGreater<i64>),
      vopcx(0xb4, "v_cmpx_gt_i64", kGreater<i64>),
      vopc(0xa5, "v_cmp_ne_i64", kNotEqual<i64>),
      vopcx(0xb5, "v_cmpx_ne_i64", kNotEqual<i64>),
      vopc(0xa6, "v_cmp_ge_i64", kGreaterEqual<i64>),
      vopcx(0xb6, "v_cmpx_ge_i64", kGreaterEqual<i64>),
      vopc(0xa7, "v_cmp_t_i64", kAlways<i64>),
      vopcx(0xb7, "v_cmpx_t_i64", kAlways<i64>),
      vopc(0xa8, "v_cmp_class_f64", kClass<double>),
      vopcx(0xb8, "v_cmpx_class_f64", kClass<double>),
      vopc(0xa9, "v_cmp_lt_u16", kLess<u16>),
      vopcx(0xb9, "v_cmpx_lt_u16", kLess<u16>),
      vopc(0xaa, "v_cmp_eq_u16", kEqual<u16>),
      vopcx(0xba, "v_cmpx_eq_u16", kEqual<u16>),
      vopc(0xab, "v_cmp_le_u16", kLessEqual<u16>),
      vopcx(0xbb, "v_cmpx_le_u16", kLessEqual<u16>),
      vopc(0xac, "v_cmp_gt_u16", kGreater<u16>),
      vopcx(0xbc, "v_cmpx_gt_u16", kGreater<u16>),
      vopc(0xad, "v_cmp_ne_u16", kNotEqual<u16>),
      vopcx(0xbd, "v_cmpx_ne_u16", kNotEqual<u16>),
      vopc(0xae, "v_cmp_ge_u16", kGreaterEqual<u16>),
      vopcx(0xbe, "v_cmpx_ge_u16", kGreaterEqual<u16>),
      vopc(0xc0, "v_cmp_f_u32", kNever<u32>),
      vopcx(0xd0, "v_cmpx_f_u32", kNever<u32>),
      vopc(0xc1, "v_cmp_lt_u32", kLess<u32>),
      vopcx(0xd1, "v_cmpx_lt_u32", kLess<u32>),
      vopc(0xc2, "v_cmp_eq_u32", kEqual<u32>),
      vopcx(0xd2, "v_cmpx_eq_u32", kEqual<u32>),
      vopc(0xc3, "v_cmp_le_u32", kLessEqual<u32>),
      vopcx(0xd3, "v_cmpx_le_u32", kLessEqual<u32>),
      vopc(0xc4, "v_cmp_gt_u32", kGreater<u32>),
      vopcx(0xd4, "v_cmpx_gt_u32", kGreater<u32>),
      vopc(0xc5, "v_cmp_ne_u32", kNotEqual<u32>),
      vopcx(0xd5, "v_cmpx_ne_u32", kNotEqual<u32>),
      vopc(0xc6, "v_cmp_ge_u32", kGreaterEqual<u32>),
      vopcx(0xd6, "v_cmpx_ge_u32", kGreaterEqual<u32>),
      vopc(0xc7, "v_cmp_t_u32", kAlways<u32>),
      vopcx(0xd7, "v_cmpx_t_u32", kAlways<u32>),
      vopc(0xc8, "v_cmp_f_f16", kNever<Half>),
      vopcx(0xd8, "v_cmpx_f_f16", kNever<Half>),
      vopc(0xc9, "v_cmp_lt_f16", kLess<Half>),
      vopcx(0xd9, "v_cmpx_lt_f16", kLess<Half>),
      vopc(0xca, "v_cmp_eq_f16", kEqual<Half>),
      vopcx(0xda, "v_cmpx_eq_f16", kEqual<Half>),
      vopc(0xcb, "v_cmp_le_f16", kLessEqual<Half>),
      vopcx(0xdb, "v_cmpx_le_f16", kLessEqual<Half>),
      vopc(0xcc, "v_cmp_gt_f16", kGreater<Half>),
      vopcx(0xdc, "v_cmpx_gt_f16", kGreater<Half>),
      vopc(0xcd, "v_cmp_lg_f16", kLessGreater<Half>),
      vopcx(0xdd, "v_cmpx_lg_f16", kLessGreater<Half>),
      vopc(0xce, "v_cmp_ge_f16", kGreaterEqual<Half>),
      vopcx(0xde, "v_cmpx_ge_f16", kGreaterEqual<Half>),
      vopc(0xcf, "v_cmp_o_f16", kOrdered<Half>),
      vopcx(0xdf, "v_cmpx_o_f16", kOrdered<Half>),
      vopc(0xe0, "v_cmp_f_u64", kNever<u64>),
      vopcx(0xf0, "v_cmpx_f_u64", kNever<u64>),
      vopc(0xe1, "v_cmp_lt_u64", kLess<u64>),
      vopcx(0xf1, "v_cmpx_lt_u64", kLess<u64>),
      vopc(0xe2, "v_cmp_eq_u64", kEqual<u64>),
      vopcx(0xf2, "v_cmpx_eq_u64", kEqual<u64>),
      vopc(0xe3, "v_cmp_le_u64", kLessEqual<u64>),
      vopcx(0xf3, "v_cmpx_le_u64", kLessEqual<u64>),
      vopc(0xe4, "v_cmp_gt_u64", kGreater<u64>),
      vopcx(0xf4, "v_cmpx_gt_u64", kGreater<u64>),
      vopc(0xe5, "v_cmp_ne_u64", kNotEqual<u64>),
      vopcx(0xf5, "v_cmpx_ne_u64", kNotEqual<u64>),
      vopc(0xe6, "v_cmp_ge_u64", kGreaterEqual<u64>),
      vopcx(0xf6, "v_cmpx_ge_u64", kGreaterEqual<u64>),
      vopc(0xe7, "v_cmp_t_u64", kAlways<u64>),
      vopcx(0xf7, "v_cmpx_t_u64", kAlways<u64>),
      vopc(0xe8, "v_cmp_u_f16", kUnordered<Half>),
      vopcx(0xf8, "v_cmpx_u_f16", kUnordered<Half>),
      vopc(0xe9, "v_cmp_nge_f16", kNotGreaterEqual<Half>),
      vopcx(0xf9, "v_cmpx_nge_f16", kNotGreaterEqual<Half>),
      vopc(0xea, "v_cmp_nlg_f16", kNotLessGreater<Half>),
      vopcx(0xfa, "v_cmpx_nlg_f16", kNotLessGreater<Half>),
      vopc(0xeb, "v_cmp_ngt_f16", kNotGreater<Half>),
      vopcx(0xfb, "v_cmpx_ngt_f16", kNotGreater<Half>),
      vopc(0xec, "v_cmp_nle_f16", kNotLessEqual<Half>),
      vopcx(0xfc, "v_cmpx_nle_f16", kNotLessEqual<Half>),
      vopc(0xed, "v_cmp_neq_f16", kNotEqual<Half>),
      vopcx(0xfd, "v_cmpx_neq_f16", kNotEqual<Half>),
      vopc(0xee, "v_cmp_nlt_f16", kNotLess<Half>),
      vopcx(0xfe, "v_cmpx_nlt_f16", kNotLess<Half>),
      vopc(0xef, "v_cmp_tru_f16", kAlways<Half>),
      vopcx(0xff, "v_cmpx_tru_f16", kAlways<Half>),
  };
  return kTable;
}

} // namespace rdna1::sim
