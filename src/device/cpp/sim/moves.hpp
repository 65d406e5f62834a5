// Handlers of the vector memory formats: loads, stores and atomics, whatever the addresses come from.
#pragma once

#include "blend.hpp"
#include "lanes.hpp"

#include <atomic>
#include <string>
#include <type_traits>

namespace rdna1::sim {

/// The part of a register that a sub-dword access uses: all of it, or one half, the other one kept.
enum class Part : u8 { whole, low, high };

namespace moves {

template <typename T> u32 widened(T value) {
  if constexpr (std::is_signed_v<T>) return static_cast<u32>(static_cast<i32>(value));
  else return value;
}

template <typename T> u32 read(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return widened(value);
}

/// One dword (or what is widened to one) of eight lanes. What was stored word by word would have to reach memory before
/// it can be read as a vector.
template <typename T> [[gnu::always_inline]] inline detail::Words gather(u64 base, const u32* offsets) {
  const auto at = [&](u32 lane) { return read<T>(reinterpret_cast<const std::byte*>(base + offsets[lane])); };
  const detail::Words words = {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)};
  return words;
}

/// One dword (or what is widened to one) of every lane; lanes outside the mask read what one inside reads.
template <typename T> void fetch(const Lanes& lanes, u32 word, u32* out) {
  const auto* const base = reinterpret_cast<const std::byte*>(lanes.base + u64{word} * lanes.wordStride);
  if (lanes.even && lanes.step == 0) {
    const u32 value = read<T>(base + lanes.lowest);
    for (u32 i = 0; i < 32; ++i) out[i] = value;
  } else if (lanes.even && lanes.step == sizeof(T)) {
    T values[32]; // a copy, since the registers may lie in the way
    std::memcpy(values, base + lanes.lowest, sizeof values);
    for (u32 i = 0; i < 32; ++i) out[i] = widened(values[i]);
  } else {
    for (u32 i = 0; i < 32; i += 8) {
      const detail::Words words = gather<T>(reinterpret_cast<u64>(base), lanes.offset + i);
      std::memcpy(out + i, &words, sizeof words);
    }
  }
}

template <Part part> void mergeHalf(u32* value, const u32* old) {
  for (u32 i = 0; i < 32; ++i) {
    if constexpr (part == Part::low) value[i] = (old[i] & 0xffff0000) | (value[i] & 0xffff);
    else value[i] = (old[i] & 0xffff) | value[i] << 16;
  }
}

using Four = u32 __attribute__((vector_size(16)));

/// Four dwords of every lane to four rows.
inline void fetchFour(const Lanes& lanes, u32* row, u32 rowLength) {
  for (u32 lane = 0; lane < 32; lane += 4) {
    Four in[4], out[4];
    for (u32 i = 0; i < 4; ++i) std::memcpy(&in[i], lanes.pointer(lane + i), sizeof in[i]);
    const Four low01 = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5);
    const Four high01 = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7);
    const Four low23 = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5);
    const Four high23 = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
    out[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    for (u32 word = 0; word < 4; ++word) std::memcpy(row + word * rowLength + lane, &out[word], sizeof out[word]);
  }
}

/// Two dwords of every lane to two rows.
inline void fetchTwo(const Lanes& lanes, u32* row, u32 rowLength) {
  for (u32 lane = 0; lane < 32; ++lane) {
    u64 both;
    std::memcpy(&both, lanes.pointer(lane), sizeof both);
    row[lane] = static_cast<u32>(both);
    row[lane + rowLength] = static_cast<u32>(both >> 32);
  }
}

/// All `words` dwords of the lanes of the mask, where none is missing.
template <u32 words> void fetchWords(const Lanes& lanes, u32* row, u32 rowLength) {
  if (lanes.mask != ~0u || (lanes.even && lanes.step == 0) || lanes.wordStride != 4 || (words != 2 && words != 4)) {
    alignas(32) u32 value[32];
    for (u32 word = 0; word < words; ++word, row += rowLength) {
      u32* const out = lanes.mask == ~0u ? row : value;
      fetch<u32>(lanes, word, out);
      if (out == value) blend(row, value, lanes.mask);
    }
  } else if constexpr (words == 4) fetchFour(lanes, row, rowLength);
  else if constexpr (words == 2) fetchTwo(lanes, row, rowLength);
}

template <typename T, u32 words, Part part> void loadGroup(Wave& wave, const Step& step, u32* row, const Lanes& lanes) {
  if (lanes.written != nullptr) checkWritten(wave, step, lanes);
  if constexpr (words > 1) {
    if (lanes.words == words) return fetchWords<words>(lanes, row, wave.lanes);
  }
  alignas(32) u32 value[32];
  for (u32 word = 0; word < words; ++word, row += wave.lanes) {
    const bool direct = part == Part::whole && lanes.mask == ~0u;
    u32* const out = direct ? row : value;
    if (word < lanes.words) fetch<T>(lanes, word, out);
    else std::memset(out, 0, 32 * sizeof *out);
    if constexpr (part != Part::whole) mergeHalf<part>(value, row);
    if (!direct) blend(row, value, lanes.mask);
  }
}

template <typename T, u32 words, Part part> void storeGroup(const u32* row, u32 rowLength, const Lanes& lanes) {
  for (u32 word = 0; word < words && word < lanes.words; ++word, row += rowLength) {
    if (part == Part::whole && lanes.even && lanes.step == sizeof(T)) {
      T values[32];
      for (u32 i = 0; i < 32; ++i) values[i] = static_cast<T>(row[i]);
      std::memcpy(lanes.pointer(0, word), values, sizeof values);
      continue;
    }
    const auto put = [&](u32 i) {
      const auto value = static_cast<T>(part == Part::high ? row[i] >> 16 : row[i]);
      std::memcpy(lanes.pointer(i, word), &value, sizeof value);
    };
    if (lanes.mask == ~0u) {
      for (u32 i = 0; i < 32; ++i) put(i);
    } else eachLane(lanes.mask, put);
  }
  if (lanes.written != nullptr) markWritten(lanes);
}

/// Calls `visit` with each group of the lanes of a half that are on; `resolve` finds where a group is.
template <typename Find, typename Visit>
void eachGroup(const Wave& wave, u32 half, Access::Kind kind, u32 bytes, u32 words, Find&& resolve, Visit&& visit) {
  for (u32 left = wave.exec(half); left != 0;) {
    Lanes lanes;
    lanes.half = half;
    lanes.mask = left;
    lanes.kind = kind;
    lanes.bytes = bytes;
    lanes.words = words;
    resolve(lanes);
    left &= ~lanes.mask;
    visit(lanes);
  }
}

/// The same where Step::resolve finds it.
template <typename Visit>
void eachGroup(Wave& wave, const Step& step, u32 half, Access::Kind kind, u32 bytes, u32 words, Visit&& visit) {
  eachGroup(wave, half, kind, bytes, words, [&](Lanes& lanes) { step.resolve(wave, step, lanes); }, visit);
}

/// The same for all lanes of the wave.
template <typename Visit>
void eachGroup(Wave& wave, const Step& step, Access::Kind kind, u32 bytes, u32 words, Visit&& visit) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) eachGroup(wave, step, half, kind, bytes, words, visit);
}

/// The value of one lane that starts in a row.
template <typename T> T laneValue(const u32* row, u32 lane, u32 rowLength) {
  if constexpr (sizeof(T) == 8) return std::bit_cast<T>(row[lane] | u64{row[lane + rowLength]} << 32);
  else return std::bit_cast<T>(row[lane]);
}

template <typename T> void setLaneValue(u32* row, u32 lane, u32 rowLength, T value) {
  if constexpr (sizeof(T) == 8) {
    const auto bits = std::bit_cast<u64>(value);
    row[lane] = static_cast<u32>(bits);
    row[lane + rowLength] = static_cast<u32>(bits >> 32);
  } else row[lane] = std::bit_cast<u32>(value);
}

template <typename T> using Bits = std::conditional_t<sizeof(T) == 8, u64, u32>;

/// Replaces what lies at `place` by what `change` makes of it, at once for all threads; returns the old value.
template <typename T, typename Change> T exchange(std::byte* place, Change&& change) {
  std::atomic_ref bits(*reinterpret_cast<Bits<T>*>(place));
  Bits<T> old = bits.load(std::memory_order_relaxed);
  while (!bits.compare_exchange_weak(old, std::bit_cast<Bits<T>>(static_cast<T>(change(std::bit_cast<T>(old)))))) {
  }
  return std::bit_cast<T>(old);
}

[[noreturn]] void misalignedAtomic(const Wave& wave, const Step& step, const std::byte* place, u32 bytes, int lane);

template <typename T, auto combine, bool compare>
void atomicGroup(Wave& wave, const Step& step, const Lanes& lanes, bool returns) {
  if (lanes.written != nullptr) checkWritten(wave, step, lanes);
  const u32 length = wave.lanes;
  const u32* const data = step.src[1].in(wave) + lanes.half * 32;
  u32* const out = wave.vector + step.dst + lanes.half * 32;
  eachLane(lanes.mask, [&](u32 lane) {
    T old{};
    if (lanes.words != 0) {
      std::byte* const place = lanes.pointer(lane);
      if (reinterpret_cast<u64>(place) % sizeof(T) != 0)
        misalignedAtomic(wave, step, place, sizeof(T), laneOf(lanes, lane));
      const T first = laneValue<T>(data, lane, length);
      old = exchange<T>(place, [&](T memory) {
        if constexpr (compare) {
          return combine(memory, first, laneValue<T>(data + sizeof(T) / 4 * length, lane, length));
        } else return combine(memory, first);
      });
    }
    if (returns) setLaneValue(out, lane, length, old);
  });
  if (lanes.written != nullptr) markWritten(lanes);
}

} // namespace moves

/// A load of `words` values of type T, one in a register.
template <typename T, u32 words = 1, Part part = Part::whole> void load(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    if constexpr (std::is_same_v<T, u32> && words == 1 && part == Part::whole) {
      if (step.resolve == resolveGlobal && loadQuickly(wave, step, half)) continue;
    }
    moves::eachGroup(wave, step, half, Access::Kind::load, sizeof(T) * words, words, [&](const Lanes& lanes) {
      moves::loadGroup<T, words, part>(wave, step, wave.vector + step.dst + half * 32, lanes);
    });
  }
}

template <typename T, u32 words = 1, Part part = Part::whole> void store(Wave& wave, const Step& step) {
  moves::eachGroup(wave, step, Access::Kind::store, sizeof(T) * words, words, [&](const Lanes& lanes) {
    moves::storeGroup<T, words, part>(step.src[1].in(wave) + lanes.half * 32, wave.lanes, lanes);
  });
}

/// An atomic on a T; `compare`: two data operands, one behind the other in registers.
template <typename T, auto combine, bool compare = false> void atomic(Wave& wave, const Step& step) {
  const bool returns = step.origin->glc;
  moves::eachGroup(wave, step, Access::Kind::atomic, sizeof(T), sizeof(T) / 4,
                   [&](const Lanes& lanes) { moves::atomicGroup<T, combine, compare>(wave, step, lanes, returns); });
}

} // namespace rdna1::sim
