// One lane, or eight, of a row of registers, as a value of its type and back.
#pragma once

#include "lane_types.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

namespace rdna1::sim {

namespace detail {

template <typename T> struct Wrapped {
  using type = T;
};
template <typename T> struct Wrapped<Carry<T>> {
  using type = T;
};
template <typename T> struct Wrapped<Old<T>> {
  using type = T;
};
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

/// Writes a word, or where lanes are off (Some) the bits of it that `on` has.
template <bool Some> [[gnu::always_inline]] inline void writeWord(u32& to, u32 word, u32 on) {
  to = Some ? (word & on) | (to & ~on) : word;
}

/// A 16-bit result leaves the high half of the register alone [LLVM GCNSubtarget::zeroesHigh16BitsOfDest: never on
/// GFX10].
template <bool Some, typename T>
[[gnu::always_inline]] inline void writeLane(u32* out, std::size_t stride, u32 lane, u32 on, T value) {
  if constexpr (sizeof(T) == 2) writeWord<true>(out[lane], std::bit_cast<u16>(value), on & 0xffff);
  else if constexpr (sizeof(T) == 4) writeWord<Some>(out[lane], std::bit_cast<u32>(value), on);
  else if constexpr (sizeof(T) == 8) {
    const u64 bits = std::bit_cast<u64>(value);
    writeWord<Some>(out[lane], static_cast<u32>(bits), on);
    writeWord<Some>(out[lane + stride], static_cast<u32>(bits >> 32), on);
  } else {
    for (u32 i = 0; i < words<T>; ++i) writeWord<Some>(out[lane + i * stride], value[i], on);
  }
}

// In front of a loop over lanes: they do not depend on each other. What the compiler cannot vectorise is still right.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#define RDNA1_EACH_LANE _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#define RDNA1_EACH_OF_EIGHT                                                                                            \
  _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(2) unroll(disable)")
#define RDNA1_EIGHT                                                                                                    \
  _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(1) unroll(disable)")
#define RDNA1_UNROLLED _Pragma("clang loop unroll(full)")
// No calls of memmove for a copy of 32 words.
#define RDNA1_LANE_FUNCTION [[clang::no_builtin("memcpy", "memmove")]]
#else
#define RDNA1_EACH_LANE _Pragma("GCC ivdep")
#define RDNA1_EACH_OF_EIGHT
#define RDNA1_EIGHT
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
inline u32 lowestOf(const Words& words) {
  u32 lowest = words[0];
  for (u32 i = 1; i < 8; ++i) lowest = std::min(lowest, words[i]);
  return lowest;
}

inline u32 highestOf(const Words& words) {
  u32 highest = words[0];
  for (u32 i = 1; i < 8; ++i) highest = std::max(highest, words[i]);
  return highest;
}
inline bool anyOf(const Words& words) {
  const Wides wide = (Wides)words;
  return (wide[0] | wide[1] | wide[2] | wide[3]) != 0;
}
/// All bits of each of eight words whose bit is set. The compiler is not to know what the words are made of: it would
/// use masked stores, which cost some processors ten times as much as a blend.
[[gnu::always_inline]] inline Words onWords(u32 bits) {
  constexpr Words kBits = {1, 2, 4, 8, 16, 32, 64, 128};
  Words on = (Words)(((bits + Words{}) & kBits) == kBits);
#ifdef __AVX2__
  asm("" : "+x"(on));
#endif
  return on;
}
/// The highest bit of each of eight words.
[[gnu::always_inline]] inline u32 signsOf(const u32 (&words)[8]) {
#ifdef __AVX__
  using Floats = float __attribute__((vector_size(32)));
  return static_cast<u32>(__builtin_ia32_movmskps256((Floats)loadWords(words)));
#else
  u32 bits = 0;
  for (u32 i = 0; i < 8; ++i) bits |= words[i] >> 31 << i;
  return bits;
#endif
}
/// The highest bit of each of eight words of 64 bits, first of the even lanes and then of the odd ones.
[[gnu::always_inline]] inline u32 signsOf(const u64 (&words)[8]) {
#ifdef __AVX__
  using Doubles = double __attribute__((vector_size(32)));
  constexpr u8 kApart[16] = {0x00, 0x01, 0x04, 0x05, 0x10, 0x11, 0x14, 0x15,
                             0x40, 0x41, 0x44, 0x45, 0x50, 0x51, 0x54, 0x55};
  Doubles even, odd;
  std::memcpy(&even, words, 32);
  std::memcpy(&odd, words + 4, 32);
  return kApart[__builtin_ia32_movmskpd256(even)] | static_cast<u32>(kApart[__builtin_ia32_movmskpd256(odd)]) << 1;
#else
  u32 bits = 0;
  for (u32 i = 0; i < 8; ++i) bits |= static_cast<u32>(words[i] >> 63) << (i < 4 ? i * 2 : i * 2 - 7);
  return bits;
#endif
}
/// The lane that comes `index`-th.
constexpr u32 evenThenOdd(u32 index) { return index * 2 - (index < 4 ? 0 : 7); }

/// The rows of low and of high words, `Stride` words apart. The address is made opaque: sums of registers in memory
/// operands would take apart what the processor decodes as one.
template <std::size_t Stride> struct EightRows {
  const u32 *low, *high;
  [[gnu::always_inline]] explicit EightRows(const u32* row) : low(row) {
    asm("" : "+r"(low));
    high = low + Stride;
  }
};

/// A value among eight: an unsigned word is widened, so that the compiler need not gather it again for a product of 64
/// bits.
template <typename T> using OneOfEight = std::conditional_t<std::is_same_v<T, u32>, u64, T>;

/// Reads a value of eight lanes. `on`, where lanes are off: the others are to read as 0.
template <typename T, typename Rows>
[[gnu::always_inline]] inline void readEight(const Rows& rows, u32 lane, [[maybe_unused]] const u32* on,
                                             OneOfEight<T> (&values)[8]) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  Words low = loadWords(rows.low + lane);
  if (on != nullptr) low &= loadWords(on + lane);
  if constexpr (std::is_same_v<T, u32>) {
    const Wides even = (Wides)low & 0xffffffff, odd = (Wides)low >> 32;
    std::memcpy(values, &even, 32);
    std::memcpy(values + 4, &odd, 32);
  } else if constexpr (sizeof(T) == 8) {
    Words high = loadWords(rows.high + lane);
    Words highCopies, lowCopies;
#ifdef __AVX2__
    // Copies of the even words to their odd neighbours, and the other way, are free with a load.
    if (on == nullptr) {
      asm("vmovsldup %1, %0" : "=x"(highCopies) : "m"(*reinterpret_cast<const u32(*)[8]>(rows.high + lane)));
      asm("vmovshdup %1, %0" : "=x"(lowCopies) : "m"(*reinterpret_cast<const u32(*)[8]>(rows.low + lane)));
    } else
#endif
    {
      if (on != nullptr) high &= loadWords(on + lane);
      highCopies = __builtin_shufflevector(high, high, 0, 0, 2, 2, 4, 4, 6, 6);
      lowCopies = __builtin_shufflevector(low, low, 1, 1, 3, 3, 5, 5, 7, 7);
    }
    const Words even = __builtin_shufflevector(low, highCopies, 0, 9, 2, 11, 4, 13, 6, 15);
    const Words odd = __builtin_shufflevector(lowCopies, high, 0, 9, 2, 11, 4, 13, 6, 15);
    std::memcpy(values, &even, 32);
    std::memcpy(values + 4, &odd, 32);
  } else {
    const Words ordered = __builtin_shufflevector(low, low, 0, 2, 4, 6, 1, 3, 5, 7);
    std::memcpy(values, &ordered, 32);
  }
}

/// Writes eight words; `on`, where lanes are off.
[[gnu::always_inline]] inline void storeWords(u32* to, Words words, [[maybe_unused]] const u32* on) {
  if (on != nullptr) {
    const Words mask = loadWords(on), old = loadWords(to);
#ifdef __AVX2__
    using Bytes = char __attribute__((vector_size(32)));
    words = (Words)__builtin_ia32_pblendvb256((Bytes)old, (Bytes)words, (Bytes)mask);
#else
    words = (words & mask) | (old & ~mask);
#endif
  }
  std::memcpy(to, &words, sizeof words);
}

/// Writes a value of eight lanes; `on`, where lanes are off.
template <typename Rows, typename T>
[[gnu::always_inline]] inline void writeEight(const Rows& rows, u32 lane, const u32* on, const T (&values)[8]) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  u32* const low = const_cast<u32*>(rows.low + lane);
  const u32* const mask = on == nullptr ? nullptr : on + lane;
  if constexpr (sizeof(T) == 8) {
    Wides even, odd;
    std::memcpy(&even, values, 32);
    std::memcpy(&odd, values + 4, 32);
    storeWords(low, (Words)((even & 0xffffffff) | odd << 32), mask);
    storeWords(const_cast<u32*>(rows.high + lane), (Words)(even >> 32 | (odd & 0xffffffff00000000)), mask);
  } else {
    Words ordered;
    std::memcpy(&ordered, values, 32);
    storeWords(low, __builtin_shufflevector(ordered, ordered, 0, 4, 1, 5, 2, 6, 3, 7), mask);
  }
}

} // namespace detail
} // namespace rdna1::sim
