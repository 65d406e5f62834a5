// Handlers of SMEM: loads, stores and atomics on one address that all lanes share [RDNA1 ISA §7].
#pragma once

#include "moves.hpp"

namespace rdna1::sim::smem {

/// Where an access goes: dwords of it that are there, and the first one's place.
struct Place {
  std::byte* pointer = nullptr;
  u32 words = 0; ///< buffers: the rest is out of range
  WrittenMap* written = nullptr;
  u64 offset = 0; ///< in the map
};

/// The dwords at base + offsets, checked; the address's lowest two bits do not count.
Place locate(Wave& wave, const Step& step, bool buffer, u32 words, Access::Kind kind);
/// The data registers, at most four; zeros for NULL.
const u32* dataOf(const Wave& wave, const Step& step);
void load(Wave& wave, const Step& step, bool buffer, u32 words);
void store(Wave& wave, const Step& step, bool buffer, u32 words);

template <bool buffer, u32 words> void loads(Wave& wave, const Step& step) { load(wave, step, buffer, words); }
template <bool buffer, u32 words> void stores(Wave& wave, const Step& step) { store(wave, step, buffer, words); }

template <bool buffer, typename T, auto combine, bool compare> void atomic(Wave& wave, const Step& step) {
  constexpr u32 words = sizeof(T) / 4;
  const Place place = locate(wave, step, buffer, words, Access::Kind::atomic);
  const u32* const data = dataOf(wave, step);
  T old{};
  if (place.words == words) {
    if (reinterpret_cast<u64>(place.pointer) % sizeof(T) != 0) {
      moves::misalignedAtomic(wave, step, place.pointer, sizeof(T), -1);
    }
    old = moves::exchange<T>(place.pointer, [&](T memory) {
      if constexpr (compare)
        return combine(memory, moves::laneValue<T>(data, 0, 1), moves::laneValue<T>(data, words, 1));
      else return combine(memory, moves::laneValue<T>(data, 0, 1));
    });
    if (place.written != nullptr) place.written->mark(place.offset, sizeof(T));
  }
  if (step.origin->glc && step.scalarSrc[1] != kNull) moves::setLaneValue(&wave.scalar[step.scalarSrc[1]], 0, 1, old);
}

void time(Wave& wave, const Step& step);       ///< s_memtime
void realTime(Wave& wave, const Step& step);   ///< s_memrealtime
void waveNumber(Wave& wave, const Step& step); ///< s_get_waveid_in_workgroup

} // namespace rdna1::sim::smem
