#include "modifiers.hpp"

#include "float_mode.hpp"
#include "lane_loop.hpp"
#include "vector.hpp"

namespace rdna1::sim {
namespace {

using detail::loadWords;
using detail::Words;
using Signed = i32 __attribute__((vector_size(32)));

/// Calls `visit` with the first lane of each eight.
template <typename Visit> void eachEight(const Wave& wave, Visit visit) {
  for (u32 lane = 0; lane < wave.lanes; lane += 8) visit(lane);
}

[[gnu::always_inline]] inline void storeWords(u32* to, const Words& words) { std::memcpy(to, &words, sizeof words); }

template <bool kArithmetic> [[gnu::always_inline]] inline void shift(Words& words, const WordChange& change) {
  words <<= change.left;
  if constexpr (kArithmetic) words = (Words)((Signed)words >> static_cast<i32>(change.right));
  else words >>= change.right;
}

template <bool kArithmetic> void changeWords(const Wave& wave, const u32* from, u32* to, const WordChange& change) {
  eachEight(wave, [&](u32 lane) {
    Words words = loadWords(from + lane);
    shift<kArithmetic>(words, change);
    storeWords(to + lane, (words & change.keep) ^ change.flip);
  });
}

void changeWords(const Wave& wave, const u32* from, u32* to, const WordChange& change) {
  if (change.arithmetic) changeWords<true>(wave, from, to, change);
  else changeWords<false>(wave, from, to, change);
}

void pickHalves(const Wave& wave, const u32* from, u32* to, const SourceChange& source) {
  eachEight(wave, [&](u32 lane) {
    const Words words = loadWords(from + lane);
    const Words halves = ((words >> source.lowHalf * 16u) & 0xffff) | (words >> source.highHalf * 16u) << 16;
    storeWords(to + lane, (halves & source.change.keep) ^ source.change.flip);
  });
}

void convertHalves(const Wave& wave, const u32* from, u32* to, const SourceChange& source) {
  const u32 shift = source.lowHalf * 16u, keep = source.change.keep, flip = source.change.flip;
  for (u32 first = 0; first < wave.lanes; first += 32) {
    RDNA1_EACH_LANE
    for (u32 lane = 0; lane < 32; ++lane) {
      const u32 word = ((from[first + lane] >> shift) & keep) ^ flip;
      to[first + lane] = std::bit_cast<u32>(halfToFloat(static_cast<u16>(word)));
    }
  }
}

void changeSource(Wave& wave, const u32* from, u32* to, const SourceChange& source) {
  switch (source.kind) {
  case SourceChange::Kind::none: break;
  case SourceChange::Kind::word: return changeWords(wave, from, to, source.change);
  case SourceChange::Kind::wide:
    std::memcpy(to, from, wave.lanes * sizeof *to);
    return changeWords(wave, from + wave.lanes, to + wave.lanes, source.change);
  case SourceChange::Kind::halves: return pickHalves(wave, from, to, source);
  case SourceChange::Kind::mixed: return convertHalves(wave, from, to, source);
  }
}

/// OMOD. What it does to subnormals does not matter: it works only where results of that size are flushed.
template <typename T> T scaled(T value, u8 outputModifier) {
  constexpr float kFactors[] = {1, 2, 4, 0.5f};
  return static_cast<T>(value * static_cast<T>(kFactors[outputModifier]));
}

/// CLAMP: to 0..1, a NaN to 0 where MODE.DX10_CLAMP is set [RDNA1 ISA §6.2.5]. -0 gives +0, as v_max_f32 with 0 does.
template <typename T> T clampedToOne(T value, bool dx10Clamp) {
  if (value != value) return dx10Clamp ? T{0} : value;
  return value > 1 ? T{1} : value > 0 ? value : T{0};
}

template <typename T> T finished(T value, const ResultChange& result, bool scales, bool dx10Clamp) {
  if (scales) value = scaled(value, result.outputModifier);
  return result.clamp ? clampedToOne(value, dx10Clamp) : value;
}

u32 finishedHalf(u32 bits, const ResultChange& result, bool scales, bool dx10Clamp) {
  return Half(finished(halfToFloat(static_cast<u16>(bits)), result, scales, dx10Clamp)).bits;
}

void finish(Wave& wave, const Step& step, u32* row, const ResultChange& result) {
  // "Output modifiers are not compatible with IEEE mode, nor with output denormals" [RDNA1 ISA §6.2.4]: ignored then.
  const u32 keepsSubnormals = wave.mode & (result.type == Type::f32 ? 0x20 : 0x80);
  const bool scales = result.outputModifier != 0 && (wave.mode & kModeIeee) == 0 && keepsSubnormals == 0;
  if (result.outputModifier != 0 && !scales) {
    finding(wave, step, "omod-ignored", "OMOD does nothing while MODE keeps subnormal results or has IEEE set");
  }
  if (!scales && !result.clamp) return;
  const bool dx10Clamp = (wave.mode & kModeDx10Clamp) != 0;
  for (u32 lane = 0; lane < wave.lanes; ++lane) {
    u32& low = row[lane];
    switch (result.type) {
    case Type::f16: low = finishedHalf(low, result, scales, dx10Clamp); break;
    case Type::packedF16:
      low = finishedHalf(low, result, scales, dx10Clamp) | finishedHalf(low >> 16, result, scales, dx10Clamp) << 16;
      break;
    case Type::f64: {
      u32& high = row[lane + wave.lanes];
      const double value = std::bit_cast<double>(low | u64{high} << 32);
      const u64 bits = std::bit_cast<u64>(finished(value, result, scales, dx10Clamp));
      low = static_cast<u32>(bits);
      high = static_cast<u32>(bits >> 32);
      break;
    }
    default: low = std::bit_cast<u32>(finished(std::bit_cast<float>(low), result, scales, dx10Clamp)); break;
    }
  }
}

template <bool kArithmetic> void place(Wave& wave, const u32* from, u32* to, const WordChange& change) {
  for (u32 first = 0; first < wave.lanes; first += 32) {
    alignas(32) u32 merged[32];
    for (u32 lane = 0; lane < 32; lane += 8) {
      Words words = loadWords(from + first + lane);
      shift<kArithmetic>(words, change);
      storeWords(merged + lane, (words & change.keep) | (loadWords(to + first + lane) & ~change.keep));
    }
    blend(to + first, merged, wave.exec(first / 32));
  }
}

/// EXEC for the time of one step.
class NarrowedExec {
public:
  NarrowedExec(Wave& wave, u64 lanes) : wave_(wave), exec_(wave.exec64()) { wave.setPair(kExec, lanes); }
  ~NarrowedExec() { wave_.setPair(kExec, exec_); }
  NarrowedExec(const NarrowedExec&) = delete;
  NarrowedExec& operator=(const NarrowedExec&) = delete;

private:
  Wave& wave_;
  u64 exec_;
};

void runChanged(Wave& wave, const Step& step, const u32* first) {
  const Modifiers& modifiers = *step.modifiers;
  const Step& inner = *step.inner;
  for (u32 i = 0; i < 3; ++i) {
    const SourceChange& source = modifiers.source[i];
    if (source.kind == SourceChange::Kind::none) continue;
    const u32* const from = i == 0 && first != nullptr ? first : step.src[i].in(wave);
    changeSource(wave, from, wave.vector + inner.src[i].offset, source);
  }
  const ResultChange& result = modifiers.result;
  if (!result.any) return runArithmetic(wave, inner);
  u32* const temporary = wave.vector + inner.dst;
  u32* const row = wave.vector + step.dst;
  if (step.origin->operation->shape.readsDst) {
    for (u32 i = 0; i < result.rows * wave.lanes; ++i) temporary[i] = row[i] >> result.oldShift;
  }
  runArithmetic(wave, inner);
  if (result.outputModifier != 0 || result.clamp) finish(wave, step, temporary, result);
  for (u32 i = 0; i < result.rows; ++i) {
    const u32 offset = i * wave.lanes;
    if (result.place.arithmetic) place<true>(wave, temporary + offset, row + offset, result.place);
    else place<false>(wave, temporary + offset, row + offset, result.place);
  }
}

} // namespace

void runModified(Wave& wave, const Step& step) {
  if (needsScalars(wave, step)) copyScalars(wave, step);
  const Modifiers& modifiers = *step.modifiers;
  if (modifiers.form != Form::dpp16 && modifiers.form != Form::dpp8) return runChanged(wave, step, nullptr);
  const DppLanes lanes = dppLanes(modifiers.dpp, modifiers.form, modifiers.lanes, wave);
  u32* const moved = wave.temporary(kModifiedRows);
  permute(step.src[0].in(wave), moved, wave.lanes, modifiers.lanes, lanes.valid);
  const NarrowedExec narrowed(wave, lanes.written);
  runChanged(wave, step, moved);
}

} // namespace rdna1::sim
