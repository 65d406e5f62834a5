// One lane, or eight, of a row of registers, as a value of its type and back.
#pragma once

#include "lane_types.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

namespace rdna1::sim {

namespace detail {

template <typename T> struct Wrapped { using type = T; };
template <typename T> struct Wrapped<Carry<T>> { using type = T; };
template <typename T> struct Wrapped<Old<T>> { using type = T; };
template <typename T> inline constexpr bool isCarry = false;
template <typename T> inline constexpr bool isCarry<Carry<T>> = true;
template <typename T> inline constexpr bool isOld = false;
template <typename T> inline constexpr bool isOld<Old<T>> = true;
/// Not an operand of the instruction.
template <typename T>
inline constexpr bool isImplicit =
    isOld<T> || std::is_same_v<T, VccBit> || std::is_same_v<T, Lane> || std::is_same_v<T, Mode>;
template <typename T> inline constexpr u32 words = (sizeof(T) + 3) / 4;

template <typename T> constexpr Type typeOf() {
  if constexpr (std::is_same_v<T, bool>) return Type::mask;
  else if constexpr (std::is_same_v<T, i16>) return Type::i16;
  else if constexpr (std::is_same_v<T, u16>) return Type::u16;
  else if constexpr (std::is_same_v<T, Half>) return Type::f16;
  else if constexpr (std::is_same_v<T, i32>) return Type::i32;
  else if constexpr (std::is_same_v<T, u32>) return Type::u32;
  else if constexpr (std::is_same_v<T, float>) return Type::f32;
  else if constexpr (std::is_same_v<T, i64>) return Type::i64;
  else if constexpr (std::is_same_v<T, u64>) return Type::u64;
  else if constexpr (std::is_same_v<T, double>) return Type::f64;
  else if constexpr (std::is_same_v<T, B32>) return Type::b32;
  else if constexpr (std::is_same_v<T, B64>) return Type::b64;
  else if constexpr (std::is_same_v<T, Mixed>) return Type::mixed;
  else if constexpr (std::is_same_v<T, Pair<Half>>) return Type::packedF16;
  else if constexpr (std::is_same_v<T, Pair<u16>> || std::is_same_v<T, Pair<i16>>) return Type::packed16;
  else if constexpr (std::is_same_v<T, std::array<u32, 3>>) return Type::b96;
  else {
    static_assert(std::is_same_v<T, std::array<u32, 4>>, "no operand type");
    return Type::b128;
  }
}

/// Where the lanes of one parameter are: a row and those behind it, or 32 bits of a mask.
struct Rows {
  const u32* row;
  u32 bits;
};

template <typename T> [[gnu::always_inline]] inline T readLane(Rows in, std::size_t stride, u32 lane) {
  if constexpr (std::is_same_v<T, bool>) return (in.bits >> lane & 1) != 0;
  else if constexpr (sizeof(T) == 2) return std::bit_cast<T>(static_cast<u16>(in.row[lane]));
  else if constexpr (sizeof(T) == 4) return std::bit_cast<T>(in.row[lane]);
  else if constexpr (sizeof(T) == 8) return std::bit_cast<T>(in.row[lane] | u64{in.row[lane + stride]} << 32);
  else {
    T value;
    for (u32 i = 0; i < words<T>; ++i) value[i] = in.row[lane + i * stride];
    return value;
  }
}

/// A 16-bit result leaves the high half of the register alone [LLVM GCNSubtarget::zeroesHigh16BitsOfDest: never on
/// GFX10]; `old` is the destination row.
template <typename T>
[[gnu::always_inline]] inline void writeLane(u32* out, std::size_t stride, u32 lane, const u32* old, T value) {
  if constexpr (sizeof(T) == 2) out[lane] = (old[lane] & 0xffff0000u) | std::bit_cast<u16>(value);
  else if constexpr (sizeof(T) == 4) out[lane] = std::bit_cast<u32>(value);
  else if constexpr (sizeof(T) == 8) {
    const u64 bits = std::bit_cast<u64>(value);
    out[lane] = static_cast<u32>(bits);
    out[lane + stride] = static_cast<u32>(bits >> 32);
  } else {
    for (u32 i = 0; i < words<T>; ++i) out[lane + i * stride] = value[i];
  }
}

// In front of a loop over lanes: they do not depend on each other. What the compiler cannot vectorise is still right.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#define RDNA1_EACH_LANE _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#define RDNA1_EACH_OF_EIGHT                                                                                            \
  _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(2) unroll(disable)")
#define RDNA1_UNROLLED _Pragma("clang loop unroll(full)")
// No calls of memmove for a copy of 32 words.
#define RDNA1_LANE_FUNCTION [[clang::no_builtin("memcpy", "memmove")]]
#else
#define RDNA1_EACH_LANE _Pragma("GCC ivdep")
#define RDNA1_EACH_OF_EIGHT
#define RDNA1_UNROLLED
#define RDNA1_LANE_FUNCTION
#endif

/// Eight words of a row. The compiler's own interleaving of low and high words costs twice the arithmetic, so
/// operations on 64-bit values take eight lanes at a time, first the even ones and then the odd ones: that is a blend
/// and a copy.
#pragma GCC diagnostic ignored "-Wpsabi" // only ever inlined
using Words = u32 __attribute__((vector_size(32)));
using Wides = u64 __attribute__((vector_size(32)));
[[gnu::always_inline]] inline Words loadWords(const u32* from) {
  Words words;
  std::memcpy(&words, from, sizeof words);
  return words;
}
/// The lane that comes `index`-th.
constexpr u32 evenThenOdd(u32 index) { return index * 2 - (index < 4 ? 0 : 7); }

/// The rows of low and of high words. Their addresses are made opaque: sums of registers in memory operands would take
/// apart what the processor decodes as one.
struct EightRows {
  const u32 *low, *high;
  [[gnu::always_inline]] EightRows(const u32* row, std::size_t stride) : low(row), high(row + stride) {
    asm("" : "+r"(low), "+r"(high));
  }
};

template <typename T> [[gnu::always_inline]] inline void readEight(const EightRows& rows, u32 lane, T (&values)[8]) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  const Words low = loadWords(rows.low + lane);
  if constexpr (sizeof(T) == 8) {
    const Words high = loadWords(rows.high + lane);
#ifdef __AVX2__
    // Copies of the even words to their odd neighbours, and the other way, are free with a load.
    Words highCopies, lowCopies;
    asm("vmovsldup %1, %0" : "=x"(highCopies) : "m"(*reinterpret_cast<const u32(*)[8]>(rows.high + lane)));
    asm("vmovshdup %1, %0" : "=x"(lowCopies) : "m"(*reinterpret_cast<const u32(*)[8]>(rows.low + lane)));
    const Words even = __builtin_shufflevector(low, highCopies, 0, 9, 2, 11, 4, 13, 6, 15);
    const Words odd = __builtin_shufflevector(lowCopies, high, 0, 9, 2, 11, 4, 13, 6, 15);
#else
    const Wides even = ((Wides)low & 0xffffffff) | (Wides)high << 32;
    const Wides odd = (Wides)low >> 32 | ((Wides)high & 0xffffffff00000000);
#endif
    std::memcpy(values, &even, 32);
    std::memcpy(values + 4, &odd, 32);
  } else {
    const Words ordered = __builtin_shufflevector(low, low, 0, 2, 4, 6, 1, 3, 5, 7);
    std::memcpy(values, &ordered, 32);
  }
}

/// Makes 0 of the values of lanes whose bit in `exec` is not set.
template <typename T> [[gnu::always_inline]] inline void dropOthers(T (&values)[8], u32 exec) {
  if constexpr (sizeof(T) == 8) {
    constexpr Wides kBits[] = {{1, 4, 16, 64}, {2, 8, 32, 128}};
    for (u32 i = 0; i < 2; ++i) {
      Wides four;
      std::memcpy(&four, values + i * 4, 32);
      four &= (Wides)(((u64{exec} + Wides{}) & kBits[i]) == kBits[i]);
      std::memcpy(values + i * 4, &four, 32);
    }
  } else {
    constexpr Words kBits = {1, 4, 16, 64, 2, 8, 32, 128};
    Words eight;
    std::memcpy(&eight, values, 32);
    eight &= (Words)(((exec + Words{}) & kBits) == kBits);
    std::memcpy(values, &eight, 32);
  }
}

template <typename T>
[[gnu::always_inline]] inline void writeEight(const EightRows& rows, u32 lane, const T (&values)[8]) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  u32* const low = const_cast<u32*>(rows.low + lane);
  if constexpr (sizeof(T) == 8) {
    Wides even, odd;
    std::memcpy(&even, values, 32);
    std::memcpy(&odd, values + 4, 32);
    const Wides lows = (even & 0xffffffff) | odd << 32;
    const Wides highs = even >> 32 | (odd & 0xffffffff00000000);
    std::memcpy(low, &lows, 32);
    std::memcpy(const_cast<u32*>(rows.high + lane), &highs, 32);
  } else {
    Words ordered;
    std::memcpy(&ordered, values, 32);
    const Words words = __builtin_shufflevector(ordered, ordered, 0, 4, 1, 5, 2, 6, 3, 7);
    std::memcpy(low, &words, 32);
  }
}

} // namespace detail
} // namespace rdna1::sim
