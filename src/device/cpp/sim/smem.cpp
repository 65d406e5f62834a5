#include "smem.hpp"

#include "buffer.hpp"
#include "execute.hpp"

#include <algorithm>
#include <chrono>

namespace rdna1::sim::smem {
namespace {

/// There is no load of three dwords: compilers load four where the address is a multiple of 16 and the fourth cannot
/// lie on another page. 3 when it lies behind the end of the memory, else 4.
u32 wordsOfThree(const Wave& wave, u64 address) {
  if (address % 16 != 0) return 4;
  const Region* const region = wave.group->launch->regions().find(address);
  return region != nullptr && region->end - address == 12 ? 3 : 4;
}

} // namespace

const u32* dataOf(const Wave& wave, const Step& step) {
  static constexpr u32 kZeros[4] = {};
  return step.scalarSrc[1] == kNull ? kZeros : &wave.scalar[step.scalarSrc[1]];
}

Place locate(Wave& wave, const Step& step, bool buffer, u32 words, Access::Kind kind) {
  const u64 offset = static_cast<u64>(i64{step.immediate}) + scalarOffset(wave, step);
  if (const Region* const recent = wave.recent[step.memory];
      !buffer && kind == Access::Kind::load && recent != nullptr && recent->written == nullptr) { // nearly always
    const u64 address = (wave.pair(step.scalarSrc[0]) + offset) & ~u64{3};
    if (recent->holds(address, u64{words} * 4)) return {reinterpret_cast<std::byte*>(address), words, nullptr, 0};
  }
  Lanes one;
  one.mask = 1;
  one.kind = kind;
  one.words = words;
  if (!buffer) one.base = wave.pair(step.scalarSrc[0]);
  else { // a dword that begins behind the end reads as 0 [RDNA1 ISA §7.2]
    const Resource resource = readResource(&wave.scalar[step.scalarSrc[0]]);
    const u64 size = resource.stride == 0 ? resource.records : u64{resource.stride} * resource.records;
    const u64 first = offset & ~u64{3};
    one.base = resource.base;
    one.words = first < size ? static_cast<u32>(std::min<u64>(words, (size - first + 3) / 4)) : 0;
  }
  if (one.words == 0) return {};
  one.base = (one.base + offset) & ~u64{3};
  if (kind == Access::Kind::load && words == 4) one.words = std::min(one.words, wordsOfThree(wave, one.base));
  one.bytes = one.words * 4;
  std::ranges::fill(one.offset, 0);
  confine(wave, step, one);
  if (one.written != nullptr && kind != Access::Kind::store) checkWritten(wave, step, one);
  return {one.pointer(0), one.words, one.written, one.base - one.writtenBase};
}

void load(Wave& wave, const Step& step, bool buffer, u32 words) {
  u32 values[16] = {};
  const Place place = locate(wave, step, buffer, words, Access::Kind::load);
  if (place.words != 0) std::memcpy(values, place.pointer, std::size_t{place.words} * 4);
  if (step.dst != kTrash) std::copy_n(values, words, &wave.scalar[step.dst]); // NULL takes any number of dwords
}

void store(Wave& wave, const Step& step, bool buffer, u32 words) {
  const Place place = locate(wave, step, buffer, words, Access::Kind::store);
  if (place.words == 0) return;
  std::memcpy(place.pointer, dataOf(wave, step), std::size_t{place.words} * 4);
  if (place.written != nullptr) place.written->mark(place.offset, std::size_t{place.words} * 4);
}

/// Instructions count as clocks, so that two runs see the same times.
void time(Wave& wave, const Step& step) {
  const Block& block = *wave.block; // counted as executed already
  const auto left = static_cast<u64>(&block.instructions.back() - step.origin);
  wave.setPair(step.dst, wave.instructions - left);
}

void realTime(Wave& wave, const Step& step) { // 100 MHz
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  wave.setPair(step.dst, static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) / 10);
}

void waveNumber(Wave& wave, const Step& step) { wave.scalar[step.dst] = wave.number; }

} // namespace rdna1::sim::smem
