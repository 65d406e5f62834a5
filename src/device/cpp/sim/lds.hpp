// Handlers of the DS format that access LDS [RDNA1 ISA §12.15]. A work-group's waves run in one thread, so nothing here
// has to be atomic for the host.
#pragma once

#include "moves.hpp"

namespace rdna1::sim::lds {

/// DS addresses: the address register plus the instruction's offset, modulo 2^32. Of lanes.mask a group that is wholly
/// in range, or wholly not: see confineToLds.
void resolve(Wave& wave, const Step& step, u32 offset, Lanes& lanes);

/// Calls `visit` with each group of the lanes that are on.
template <typename Visit>
void eachGroup(Wave& wave, const Step& step, u32 half, u32 offset, Access::Kind kind, u32 bytes, u32 words,
               Visit&& visit) {
  moves::eachGroup(wave, half, kind, bytes, words, [&](Lanes& lanes) { resolve(wave, step, offset, lanes); }, visit);
}

template <typename T, u32 words = 1, Part part = Part::whole> void read(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    eachGroup(wave, step, half, step.immediate, Access::Kind::load, sizeof(T) * words, words, [&](const Lanes& lanes) {
      moves::loadGroup<T, words, part>(wave, step, wave.vector + step.dst + half * 32, lanes);
    });
  }
}

/// ds_read2: both accesses are looked at before the first result may overwrite the address.
template <u32 words> void readPair(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32 exec = wave.exec(half);
    if (exec == 0) continue;
    alignas(32) u32 values[2 * words][32] = {};
    for (u32 access = 0; access < 2; ++access) {
      const u32 offset = access == 0 ? step.immediate : step.sdst;
      eachGroup(wave, step, half, offset, Access::Kind::load, 4 * words, words, [&](const Lanes& lanes) {
        if (lanes.written != nullptr) checkWritten(wave, step, lanes);
        if (lanes.words != 0) moves::fetchWords<words>(lanes, values[access * words], 32);
      });
    }
    u32* row = wave.vector + step.dst + half * 32;
    for (u32 word = 0; word < 2 * words; ++word, row += wave.lanes) {
      if (exec == ~0u) std::memcpy(row, values[word], sizeof values[word]);
      else blend(row, values[word], exec);
    }
  }
}

template <typename T, u32 words = 1, Part part = Part::whole> void write(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32* const data = step.src[1].in(wave) + half * 32;
    eachGroup(wave, step, half, step.immediate, Access::Kind::store, sizeof(T) * words, words,
              [&](const Lanes& lanes) { moves::storeGroup<T, words, part>(data, wave.lanes, lanes); });
  }
}

template <u32 words> void writePair(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    for (u32 access = 0; access < 2; ++access) {
      const u32* const data = step.src[1 + access].in(wave) + half * 32;
      const u32 offset = access == 0 ? step.immediate : step.sdst;
      eachGroup(wave, step, half, offset, Access::Kind::store, 4 * words, words,
                [&](const Lanes& lanes) { moves::storeGroup<u32, words, Part::whole>(data, wave.lanes, lanes); });
    }
  }
}

/// Replaces memory at `lanes` by what `change(memory, lane)` makes of it; gives the old value, 0 where there is none,
/// to `take(lane, old)`.
template <typename T, typename Change, typename Take>
void exchange(Wave& wave, const Step& step, const Lanes& lanes, Change&& change, Take&& take) {
  if (lanes.written != nullptr) checkWritten(wave, step, lanes);
  eachLane(lanes.mask, [&](u32 lane) {
    T old{};
    if (lanes.words != 0) {
      std::byte* const place = lanes.pointer(lane);
      if (lanes.offset[lane] % sizeof(T) != 0)
        moves::misalignedAtomic(wave, step, place, sizeof(T), laneOf(lanes, lane));
      std::memcpy(&old, place, sizeof old);
      const T changed = static_cast<T>(change(old, lane));
      std::memcpy(place, &changed, sizeof changed);
    }
    take(lane, old);
  });
  if (lanes.written != nullptr) markWritten(lanes);
}

/// Atomics with `operands` data registers (or pairs) and, with a destination, the old value.
template <typename T, auto combine, u32 operands, bool returns> void atomic(Wave& wave, const Step& step) {
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    const u32 length = wave.lanes;
    const auto data = [&](u32 index, u32 lane) {
      return moves::laneValue<T>(step.src[index].in(wave) + half * 32, lane, length);
    };
    u32* const out = wave.vector + step.dst + half * 32;
    eachGroup(wave, step, half, step.immediate, Access::Kind::atomic, sizeof(T), sizeof(T) / 4,
              [&](const Lanes& lanes) {
                exchange<T>(
                    wave, step, lanes,
                    [&](T memory, u32 lane) {
                      if constexpr (operands == 2) return combine(memory, data(1, lane), data(2, lane));
                      else return combine(memory, data(1, lane));
                    },
                    [&](u32 lane, T old) {
                      if constexpr (returns) moves::setLaneValue(out, lane, length, old);
                    });
              });
  }
}

/// ds_wrxchg2: two exchanges, the first one's old value in the lower registers.
template <typename T> void exchangePair(Wave& wave, const Step& step) {
  constexpr u32 words = sizeof(T) / 4;
  for (u32 half = 0; half < wave.lanes / 32; ++half) {
    alignas(32) u32 values[2 * words][32] = {};
    for (u32 access = 0; access < 2; ++access) {
      const u32* const data = step.src[1 + access].in(wave) + half * 32;
      const u32 offset = access == 0 ? step.immediate : step.sdst;
      eachGroup(wave, step, half, offset, Access::Kind::atomic, sizeof(T), words, [&](const Lanes& lanes) {
        exchange<T>(
            wave, step, lanes, [&](T, u32 lane) { return moves::laneValue<T>(data, lane, wave.lanes); },
            [&](u32 lane, T old) { moves::setLaneValue(values[access * words], lane, 32, old); });
      });
    }
    u32* row = wave.vector + step.dst + half * 32;
    for (u32 word = 0; word < 2 * words; ++word, row += wave.lanes) blend(row, values[word], wave.exec(half));
  }
}

// Exchange of values between lanes through the LDS hardware; no memory is accessed. In wave64 each half has its own.
void swizzle(Wave& wave, const Step& step);
void permute(Wave& wave, const Step& step);
void permuteBack(Wave& wave, const Step& step);

} // namespace rdna1::sim::lds
