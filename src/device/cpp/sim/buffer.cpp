#include "buffer.hpp"

#include "lanes.hpp"

#include <algorithm>
#include <string>

namespace rdna1::sim {
namespace {

constexpr u64 kElement = 4; ///< bytes that stay together when elements are interleaved

/// Buffer offsets of the lanes and how many dwords of each access are in range.
struct Offsets {
  u64 at[32];
  u32 words[32];
};

u32 wordsInRange(u64 start, u64 end, u32 words) {
  return start < end ? static_cast<u32>(std::min<u64>(words, (end - start + 3) / 4)) : 0;
}

/// Buffers without index or interleaving, all of the access in range: the usual case.
bool takePlain(const Wave& wave, const Step& step, const Resource& resource, Lanes& lanes, u64 scalar) {
  const Instruction& instruction = *step.origin;
  if (resource.swizzle || resource.addThread || instruction.idxen || resource.records == 0) return false;
  const u32 more = static_cast<u32>(step.immediate);
  takeOffsets(lanes, step.src[0].in(wave) + lanes.half * 32, more);
  if (lanes.lowest < more) return false; // a sum exceeds 32 bits
  const u64 last = u64{lanes.highest} + 4 * (lanes.words - 1);
  if (resource.check == Resource::Check::raw) return last + scalar < resource.records;
  return resource.check != Resource::Check::indexAndOffset || last < resource.stride;
}

/// Private memory, and whatever else has one interleaved record for each lane: no check, no index.
bool takeScratch(const Wave& wave, const Step& step, const Resource& resource, Lanes& lanes) {
  if (resource.check != Resource::Check::none || resource.records == 0 || !resource.swizzle || !resource.addThread ||
      resource.stride != 0 || step.origin->idxen) {
    return false;
  }
  const u32* const rows = step.src[0].in(wave) + lanes.half * 32;
  alignas(32) u32 offsets[32];
  u32 all = 0;
  for (u32 i = 0; i < 32; ++i) {
    const u32 offset = rows[i] + static_cast<u32>(step.immediate);
    all |= (lanes.mask >> i & 1) != 0 ? offset | rows[i] : 0;
    offsets[i] =
        (offset & ~3u) * resource.indexStride + (lanes.half * 32 + i) % resource.indexStride * 4 + (offset & 3);
  }
  if (all >= 1u << 25) return false;
  takeOffsets(lanes, offsets);
  return true;
}

Offsets findOffsets(const Wave& wave, const Step& step, const Resource& resource, const Lanes& lanes, u64 scalar) {
  Offsets result;
  const Instruction& instruction = *step.origin;
  const u32* const rows = step.src[0].in(wave) + lanes.half * 32;
  const u32* const second = instruction.idxen ? rows + wave.lanes : rows;
  const u64 end = resource.records > scalar ? resource.records - scalar : 0;
  for (u32 i = 0; i < 32; ++i) {
    const u64 index = u64{instruction.idxen ? rows[i] : 0} + (resource.addThread ? lanes.half * 32 + i : 0);
    const u64 offset = u64{instruction.offen ? second[i] : 0} + static_cast<u32>(step.immediate);
    u64 at = offset + resource.stride * index;
    if (resource.swizzle) {
      const u64 msb = index / resource.indexStride, lsb = index % resource.indexStride;
      at = (msb * resource.stride + offset / kElement * kElement) * resource.indexStride + lsb * kElement +
           offset % kElement;
    }
    result.at[i] = at;
    switch (resource.check) {
    case Resource::Check::indexAndOffset:
      result.words[i] = index < resource.records ? wordsInRange(offset, resource.stride, lanes.words) : 0;
      break;
    case Resource::Check::index: result.words[i] = index < resource.records ? lanes.words : 0; break;
    case Resource::Check::none: result.words[i] = resource.records != 0 ? lanes.words : 0; break;
    case Resource::Check::raw: result.words[i] = wordsInRange(at, end, lanes.words); break;
    }
  }
  return result;
}

void nothingThere(Lanes& lanes) {
  lanes.words = 0;
  lanes.written = nullptr;
  std::ranges::fill(lanes.offset, 0);
}

/// Whatever the resource says, for the lanes of which the same number of dwords is in range.
void takeAny(const Wave& wave, const Step& step, const Resource& resource, Lanes& lanes, u64 scalar) {
  const Offsets offsets = findOffsets(wave, step, resource, lanes, scalar);
  const auto first = static_cast<u32>(std::countr_zero(lanes.mask));
  const u32 wanted = lanes.words;
  const auto there = [&](u32 lane) {
    return (lanes.whole || lanes.kind == Access::Kind::atomic) && offsets.words[lane] < wanted ? 0
                                                                                               : offsets.words[lane];
  };
  u32 mask = 0;
  eachLane(lanes.mask, [&](u32 lane) {
    const bool same = there(lane) == there(first) && offsets.at[lane] >> 32 == offsets.at[first] >> 32;
    mask |= static_cast<u32>(same) << lane;
  });
  lanes.mask = mask;
  if (there(first) == 0) return nothingThere(lanes);
  alignas(32) u32 low[32];
  for (u32 i = 0; i < 32; ++i) low[i] = static_cast<u32>(offsets.at[i]);
  takeOffsets(lanes, low);
  lanes.base += offsets.at[first] >> 32 << 32;
  if (there(first) < wanted) {
    lanes.words = there(first);
    lanes.bytes = lanes.words * 4;
  }
}

} // namespace

Resource readResource(const u32* words) {
  Resource resource;
  resource.base = words[0] | u64{words[1] & 0xffff} << 32;
  resource.stride = words[1] >> 16 & 0x3fff;
  resource.swizzle = words[1] >> 31 != 0;
  resource.records = words[2];
  for (u32 i = 0; i < 4; ++i) resource.select[i] = words[3] >> 3 * i & 7;
  resource.format = words[3] >> 12 & 0x7f;
  resource.indexStride = 8u << (words[3] >> 21 & 3);
  resource.addThread = (words[3] >> 23 & 1) != 0;
  resource.check = static_cast<Resource::Check>(words[3] >> 28 & 3);
  resource.type = words[3] >> 30;
  return resource;
}

void resolveBuffer(Wave& wave, const Step& step, Lanes& lanes) {
  const Resource resource = readResource(&wave.scalar[step.scalarSrc[0]]);
  if (resource.type != 0)
    fault(wave, step, "the resource is not that of a buffer: its type is " + std::to_string(resource.type));
  if (resource.format == 0) { // reads give 0, writes are dropped
    notice(wave, step, Notice::unboundBuffer, "unbound-buffer", -1,
           [] { return std::string("the resource is unbound: its format is 0"); });
    return nothingThere(lanes);
  }
  if (resource.swizzle && lanes.kind == Access::Kind::atomic && lanes.words > 1) {
    fault(wave, step, "an atomic of 64 bits cannot change interleaved memory");
  }
  const u64 scalar = scalarOffset(wave, step);
  const u32 part = std::min(lanes.bytes, 4u);
  lanes.wordStride = resource.swizzle ? 4 * resource.indexStride : 4;
  lanes.base = resource.base + scalar;
  if (!takePlain(wave, step, resource, lanes, scalar) && !takeScratch(wave, step, resource, lanes)) {
    takeAny(wave, step, resource, lanes, scalar);
    if (lanes.words == 0) return;
  }
  if (resource.swizzle) {
    for (const u32 offset : lanes.offset) {
      if (offset % 4 + part > 4) fault(wave, step, "an access to interleaved memory crosses a dword");
    }
  }
  confine(wave, step, lanes);
}

} // namespace rdna1::sim
