#include "buffer_format.hpp"

#include "buffer.hpp"
#include "half.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rdna1::sim::typed {
namespace {

enum class Number : u8 { unorm, snorm, uscaled, sscaled, uint, sint, real };

struct MemoryFormat {
  u8 bits = 0; ///< of a component; 0: not supported
  u8 components = 0;
  Number number = Number::uint;
};

/// The unified formats of GFX10, by number [RDNA1 ISA §8.1.9, BUF_FMT_*]. Components that are no whole bytes are left
/// out.
MemoryFormat formatOf(u32 number) {
  struct Run {
    u32 first, count;
    u8 bits, components;
    Number start;
  };
  constexpr Run kRuns[] = {{1, 6, 8, 1, Number::unorm},  {7, 7, 16, 1, Number::unorm},  {14, 6, 8, 2, Number::unorm},
                           {20, 3, 32, 1, Number::uint}, {23, 7, 16, 2, Number::unorm}, {56, 6, 8, 4, Number::unorm},
                           {62, 3, 32, 2, Number::uint}, {65, 7, 16, 4, Number::unorm}, {72, 3, 32, 3, Number::uint},
                           {75, 3, 32, 4, Number::uint}};
  for (const Run& run : kRuns) {
    if (number < run.first || number >= run.first + run.count) continue;
    return {run.bits, run.components, static_cast<Number>(static_cast<u32>(run.start) + number - run.first)};
  }
  return {};
}

/// A component as it lies in memory, from or to a register of 32 bits.
u32 toRegister(u32 raw, MemoryFormat format) {
  const auto integer =
      format.bits == 32 ? static_cast<i32>(raw) : static_cast<i32>(raw << (32 - format.bits)) >> (32 - format.bits);
  const float most = static_cast<float>((1u << (format.bits - 1)) - 1);
  const auto bits = [](float value) { return std::bit_cast<u32>(value); };
  switch (format.number) {
  case Number::unorm: return bits(static_cast<float>(raw) / (2 * most + 1));
  case Number::snorm: return bits(std::max(static_cast<float>(integer) / most, -1.0f));
  case Number::uscaled: return bits(static_cast<float>(raw));
  case Number::sscaled: return bits(static_cast<float>(integer));
  case Number::uint: return raw;
  case Number::sint: return static_cast<u32>(integer);
  case Number::real: return format.bits == 16 ? bits(halfToFloat(static_cast<u16>(raw))) : raw;
  }
  return raw;
}

u32 toMemory(u32 value, MemoryFormat format) {
  const u32 all = format.bits == 32 ? ~0u : (1u << format.bits) - 1;
  const auto most = static_cast<i32>(all >> 1);
  const auto real = std::bit_cast<float>(value);
  const auto rounded = [&](float low, float high, float scale) {
    return static_cast<u32>(
               static_cast<i32>(std::nearbyint((std::isnan(real) ? 0 : std::clamp(real, low, high)) * scale))) &
           all;
  };
  switch (format.number) {
  case Number::unorm: return rounded(0, 1, static_cast<float>(all));
  case Number::snorm: return rounded(-1, 1, static_cast<float>(most));
  case Number::uscaled: return rounded(0, static_cast<float>(all), 1);
  case Number::sscaled: return rounded(static_cast<float>(-most - 1), static_cast<float>(most), 1);
  case Number::uint: return std::min(value, all);
  case Number::sint: return static_cast<u32>(std::clamp(static_cast<i32>(value), -most - 1, most)) & all;
  case Number::real: return format.bits == 16 ? floatToHalf(real) : value;
  }
  return value;
}

bool isReal(MemoryFormat format) { return format.number != Number::uint && format.number != Number::sint; }

u32 half(u32 value, MemoryFormat format) {
  return isReal(format) ? floatToHalf(std::bit_cast<float>(value)) : value & 0xffff;
}
u32 fromHalf(u32 value, MemoryFormat format) {
  if (isReal(format)) return std::bit_cast<u32>(halfToFloat(static_cast<u16>(value)));
  return format.number == Number::sint ? static_cast<u32>(static_cast<i32>(static_cast<i16>(value))) : value & 0xffff;
}

MemoryFormat formatOfStep(Wave& wave, const Step& step, const Resource& resource) {
  const bool own = step.origin->operation->format == Format::mtbuf;
  const u32 number = own ? step.origin->bufferFormat : resource.format;
  const MemoryFormat format = formatOf(number);
  if (format.bits == 0 && !(number == 0 && !own)) {
    fault(wave, step, "buffer format " + std::to_string(number) + " is not supported");
  }
  return format;
}

std::byte* componentAt(const Lanes& lanes, u32 lane, u32 byte) { return lanes.pointer(lane, byte / 4) + byte % 4; }

template <typename Visit>
void eachGroup(Wave& wave, const Step& step, Access::Kind kind, MemoryFormat format, Visit&& visit) {
  const u32 bytes = std::max<u32>(format.components * format.bits / 8, 1);
  for (u32 number = 0; number < wave.lanes / 32; ++number) {
    for (u32 left = wave.exec(number); left != 0;) {
      Lanes lanes;
      lanes.half = number;
      lanes.mask = left;
      lanes.kind = kind;
      lanes.bytes = bytes;
      lanes.words = (bytes + 3) / 4;
      lanes.whole = true;
      step.resolve(wave, step, lanes);
      left &= ~lanes.mask;
      visit(lanes);
    }
  }
}

} // namespace

void load(Wave& wave, const Step& step, Transfer transfer) {
  const Resource resource = readResource(&wave.scalar[step.scalarSrc[0]]);
  const MemoryFormat format = formatOfStep(wave, step, resource);
  const u32 one = isReal(format) ? std::bit_cast<u32>(1.0f) : 1;
  eachGroup(wave, step, Access::Kind::load, format, [&](const Lanes& lanes) {
    if (lanes.written != nullptr) checkWritten(wave, step, lanes);
    eachLane(lanes.mask, [&](u32 lane) {
      std::array<u32, 8> values = {0, one, 0, 0, 0, 0, 0, lanes.words != 0 ? one : 0}; // by DST_SEL
      for (u32 i = 0; lanes.words != 0 && i < format.components; ++i) {
        u32 raw = 0;
        std::memcpy(&raw, componentAt(lanes, lane, i * format.bits / 8), format.bits / 8);
        values[4 + i] = toRegister(raw, format);
      }
      u32* const out = wave.vector + step.dst + lanes.half * 32 + lane;
      for (u32 i = 0; i < transfer.components; ++i) {
        const u32 value = values[resource.select[i]];
        if (!transfer.packed) out[i * wave.lanes] = value;
        else {
          u32& place = out[i / 2 * wave.lanes];
          const u32 bits = half(value, format);
          if (i % 2 == 1 || transfer.high) place = (place & 0xffff) | bits << 16;
          else place = transfer.components == 1 ? (place & 0xffff0000) | bits : bits;
        }
      }
    });
  });
}

void store(Wave& wave, const Step& step, Transfer transfer) {
  const Resource resource = readResource(&wave.scalar[step.scalarSrc[0]]);
  const MemoryFormat format = formatOfStep(wave, step, resource);
  if (format.components > transfer.components) {
    fault(wave, step,
          "stores " + std::to_string(transfer.components) + " components to a format of " +
              std::to_string(format.components));
  }
  eachGroup(wave, step, Access::Kind::store, format, [&](const Lanes& lanes) {
    if (lanes.words == 0) return;
    eachLane(lanes.mask, [&](u32 lane) {
      const u32* const in = step.src[1].in(wave) + lanes.half * 32 + lane;
      for (u32 i = 0; i < format.components; ++i) {
        u32 value = in[(transfer.packed ? i / 2 : i) * wave.lanes];
        if (transfer.packed) value = fromHalf(i % 2 == 1 || transfer.high ? value >> 16 : value & 0xffff, format);
        const u32 raw = toMemory(value, format);
        std::memcpy(componentAt(lanes, lane, i * format.bits / 8), &raw, format.bits / 8);
      }
    });
    if (lanes.written != nullptr) markWritten(lanes);
  });
}

} // namespace rdna1::sim::typed
