// VOP3P: the two halves of a register at once, dot products and mixed precision [RDNA1 ISA §12.12].
#include "extremes.hpp"
#include "integer_lanes.hpp"
#include "multiply_add.hpp"
#include "vector.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

/// A parameter of an operation on halves, for both of them.
template <typename T> struct Doubled {
  using type = Pair<T>;
  static T low(Pair<T> pair) { return pair.low; }
  static T high(Pair<T> pair) { return pair.high; }
};
template <> struct Doubled<Mode> {
  using type = Mode;
  static Mode low(Mode mode) { return mode; }
  static Mode high(Mode mode) { return mode; }
};

template <typename Function, typename Call> struct Both;
template <typename Function, typename Result, typename... Parameters> struct Both<Function, Result(Parameters...)> {
  Pair<Result> operator()(typename Doubled<Parameters>::type... pairs) const {
    return {Function{}(Doubled<Parameters>::low(pairs)...), Function{}(Doubled<Parameters>::high(pairs)...)};
  }
};
template <typename Function>
using InPairs = Both<Function, typename detail::Signature<decltype(&Function::operator())>::type>;

/// The body of an operation that does the same to the low and the high halves of its operands.
template <typename Function> constexpr Body pairs(Function) { return lanes(InPairs<Function>{}); }
/// The same for integers whose exact result, an i64, wraps to T or saturates.
template <typename T, typename Function> constexpr Body integerPairs(Function) {
  return integerLanes<Pair<T>>(InPairs<Function>{});
}

template <typename T, typename Sum> i64 dot(Pair<T> a, Pair<T> b, Sum c) {
  return i64{a.low} * b.low + i64{a.high} * b.high + c;
}
/// Of all fields of `kBits` bits, which have a sign when T has one.
template <u32 kBits, typename T> i64 dot(u32 a, u32 b, T c) {
  constexpr u32 kUnused = 32 - kBits;
  i64 sum = c;
  for (u32 shift = 0; shift < 32; shift += kBits)
    sum += i64{T(a << (kUnused - shift)) >> kUnused} * (T(b << (kUnused - shift)) >> kUnused);
  return sum;
}

/// Rounded to f32, then to f16: the compiler selects it for a conversion of an f32 fma [LLVM VOP3PInstructions.td].
Half mixedFma(float a, float b, float c) { return Half(fma(a, b, c)); }

} // namespace

std::span<const Operation> vop3pOperations() {
  using Shorts = Pair<i16>;
  using Words = Pair<u16>;
  using Halves = Pair<Half>;
  static const Operation kTable[] = {
      vop3p(0x00, "v_pk_mad_i16", integerPairs<i16>([](i16 a, i16 b, i16 c) { return i64{a} * b + c; })),
      vop3p(0x01, "v_pk_mul_lo_u16", pairs([](u16 a, u16 b) { return u16(u32{a} * b); })),
      vop3p(0x02, "v_pk_add_i16", integerPairs<i16>([](i16 a, i16 b) { return i64{a} + b; })),
      vop3p(0x03, "v_pk_sub_i16", integerPairs<i16>([](i16 a, i16 b) { return i64{a} - b; })),
      vop3p(0x04, "v_pk_lshlrev_b16", pairs([](u16 n, u16 a) { return u16(a << (n & 15)); })),
      vop3p(0x05, "v_pk_lshrrev_b16", pairs([](u16 n, u16 a) { return u16(a >> (n & 15)); })),
      vop3p(0x06, "v_pk_ashrrev_i16", pairs([](i16 n, i16 a) { return i16(a >> (n & 15)); })),
      vop3p(0x07, "v_pk_max_i16", pairs([](i16 a, i16 b) { return std::max(a, b); })),
      vop3p(0x08, "v_pk_min_i16", pairs([](i16 a, i16 b) { return std::min(a, b); })),
      vop3p(0x09, "v_pk_mad_u16", integerPairs<u16>([](u16 a, u16 b, u16 c) { return i64{a} * b + c; })),
      vop3p(0x0a, "v_pk_add_u16", integerPairs<u16>([](u16 a, u16 b) { return i64{a} + b; })),
      vop3p(0x0b, "v_pk_sub_u16", integerPairs<u16>([](u16 a, u16 b) { return i64{a} - b; })),
      vop3p(0x0c, "v_pk_max_u16", pairs([](u16 a, u16 b) { return std::max(a, b); })),
      vop3p(0x0d, "v_pk_min_u16", pairs([](u16 a, u16 b) { return std::min(a, b); })),
      vop3p(0x0e, "v_pk_fma_f16", pairs([](Half a, Half b, Half c) { return fma(a, b, c); })),
      vop3p(0x0f, "v_pk_add_f16", pairs([](Half a, Half b) { return a + b; })),
      vop3p(0x10, "v_pk_mul_f16", pairs([](Half a, Half b) { return a * b; })),
      vop3p(0x11, "v_pk_min_f16", pairs([](Half a, Half b, Mode m) { return minimum(a, b, m); })),
      vop3p(0x12, "v_pk_max_f16", pairs([](Half a, Half b, Mode m) { return maximum(a, b, m); })),

      vop3p(0x13, "v_dot2_f32_f16", lanes([](Halves a, Halves b, float c) { return dot2(a, b, c); }), kDotTargets),
      vop3p(0x14, "v_dot2_i32_i16", integerLanes<i32>([](Shorts a, Shorts b, i32 c) { return dot(a, b, c); }),
            kDotTargets),
      vop3p(0x15, "v_dot2_u32_u16", integerLanes<u32>([](Words a, Words b, u32 c) { return dot(a, b, c); }),
            kDotTargets),
      vop3p(0x16, "v_dot4_i32_i8", integerLanes<i32>([](u32 a, u32 b, i32 c) { return dot<8>(a, b, c); }), kDotTargets),
      vop3p(0x17, "v_dot4_u32_u8", integerLanes<u32>([](u32 a, u32 b, u32 c) { return dot<8>(a, b, c); }), kDotTargets),
      vop3p(0x18, "v_dot8_i32_i4", integerLanes<i32>([](u32 a, u32 b, i32 c) { return dot<4>(a, b, c); }), kDotTargets),
      vop3p(0x19, "v_dot8_u32_u4", integerLanes<u32>([](u32 a, u32 b, u32 c) { return dot<4>(a, b, c); }), kDotTargets),

      vop3p(0x20, "v_fma_mix_f32", lanes([](Mixed a, Mixed b, Mixed c) { return fma(float{a}, float{b}, float{c}); })),
      vop3p(0x21, "v_fma_mixlo_f16", lanes([](Mixed a, Mixed b, Mixed c) { return mixedFma(a, b, c); })),
      vop3p(0x22, "v_fma_mixhi_f16", lanes([](Mixed a, Mixed b, Mixed c) { return mixedFma(a, b, c); })),
  };
  return kTable;
}

} // namespace rdna1::sim
