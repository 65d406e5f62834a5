#include "float_mode.hpp"

#include "vector.hpp"

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

namespace rdna1::sim {
namespace {

constexpr u32 kSingle = 1, kHalfOrDouble = 2;
/// Of a denormal field: inputs are kept, outputs are kept.
constexpr u32 kKeepsInputs = 1, kKeepsOutputs = 2;

u32 roundingOf(u32 mode, u32 floatClass) { return floatClass == kSingle ? mode & 3 : mode >> 2 & 3; }
u32 denormalsOf(u32 mode, u32 floatClass) { return floatClass == kSingle ? mode >> 4 & 3 : mode >> 6 & 3; }

/// MXCSR: exceptions masked, rounding (MODE: even, up, down, zero; MXCSR: even, down, up, zero), FTZ, DAZ.
u32 controlOf(u32 mode, u32 floatClass) {
  constexpr u32 kMasked = 0x1f80, kRounding[] = {0, 0x4000, 0x2000, 0x6000}, kFlushResults = 0x8000,
                kFlushSources = 0x40;
  const u32 denormals = denormalsOf(mode, floatClass);
  return kMasked | kRounding[roundingOf(mode, floatClass)] | ((denormals & kKeepsOutputs) != 0 ? 0 : kFlushResults) |
         ((denormals & kKeepsInputs) != 0 ? 0 : kFlushSources);
}

/// MXCSR, changed as rarely as the steps allow and put back in the end.
class Control {
public:
  explicit Control(u32 mode) : control_{0, controlOf(mode, kSingle), controlOf(mode, kHalfOrDouble)} {}
#ifdef __SSE2__
  ~Control() {
    if (now_ != saved_) _mm_setcsr(saved_);
  }
  void set(u32 floatClass) {
    if (control_[floatClass] == now_) return;
    now_ = control_[floatClass];
    _mm_setcsr(now_);
  }
#else
  void set(u32) {}
#endif
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

private:
  u32 control_[3];
#ifdef __SSE2__
  u32 saved_ = _mm_getcsr(), now_ = saved_;
#endif
};

/// The exponent's bits of a value of the type, where they say whether it is subnormal: in a word, or in the high word.
u32 exponentBits(Type type) {
  switch (type) {
  case Type::f32:
  case Type::mixed: return 0x7f800000;
  case Type::f64: return 0x7ff00000;
  case Type::f16: return 0x7c00;
  case Type::packedF16: return 0x7c007c00;
  default: return 0;
  }
}

u32 classOf(Type type) { return type == Type::f32 || type == Type::mixed ? kSingle : kHalfOrDouble; }

/// Subnormal values of `lanes` lanes become zeros of the same sign, in `to`.
void flush(const u32* from, u32* to, u32 lanes, Type type) {
  const u32 exponent = exponentBits(type);
  for (u32 lane = 0; lane < lanes; ++lane) {
    const u32 word = from[lane];
    switch (type) {
    case Type::f64: {
      const u32 high = from[lane + lanes];
      const bool zero = (high & exponent) == 0;
      to[lane] = zero ? 0 : word;
      to[lane + lanes] = zero ? high & 0x80000000 : high;
      break;
    }
    case Type::f16: to[lane] = (word & exponent) == 0 ? word & 0xffff8000 : word; break;
    case Type::packedF16: {
      const u32 low = (word & 0x7c00) == 0 ? word & 0x8000 : word & 0xffff;
      const u32 high = (word & 0x7c000000) == 0 ? word & 0x80000000 : word & 0xffff0000;
      to[lane] = low | high;
      break;
    }
    default: to[lane] = (word & exponent) == 0 ? word & 0x80000000 : word; break;
    }
  }
}

constexpr u32 kFlushedRows = kFreeRows; // two for each source

bool flushes(Type type, u32 mode, u32 kept) { return isFloat(type) && (denormalsOf(mode, classOf(type)) & kept) == 0; }

} // namespace

void runWithMode(Wave& wave, const Step* begin, const Step* end) {
  Control control(wave.mode);
  for (const Step* step = begin; step != end; ++step) {
    if (step->floatClass == 0) step->run(wave, *step);
    else {
      control.set(step->floatClass);
      if (step->modifiers != nullptr) step->run(wave, *step);
      else runArithmetic(wave, *step);
    }
  }
}

void runFlushed(Wave& wave, const Step& step) {
  const Shape& shape = step.origin->operation->shape;
  if (needsScalars(wave, step)) copyScalars(wave, step);
  Step flushed = step;
  flushed.scalars = Scalars::none;
  for (u32 i = 0; i < 3; ++i) {
    if (!flushes(shape.src[i], wave.mode, kKeepsInputs)) continue;
    u32* const row = wave.temporary(kFlushedRows + 2 * i);
    flush(step.src[i].in(wave), row, wave.lanes, shape.src[i]);
    flushed.src[i] = {nullptr, static_cast<u32>(row - wave.vector)};
  }
  u32* const result = wave.vector + step.dst;
  const u32 words = registersOf(shape.dst, wave.lanes) * wave.lanes;
  if (!flushes(shape.dst, wave.mode, kKeepsOutputs)) return step.run(wave, flushed);
  // The lanes that are off must not change: keep them, flush all.
  alignas(32) u32 before[128];
  std::memcpy(before, result, words * sizeof *result);
  if (shape.readsDst && flushes(shape.dst, wave.mode, kKeepsInputs)) flush(result, result, wave.lanes, shape.dst);
  step.run(wave, flushed);
  flush(result, result, wave.lanes, shape.dst);
  for (u32 first = 0; first < words; first += 32) {
    const u32 half = first % wave.lanes / 32;
    blend(result + first, before + first, ~wave.exec(half));
  }
}

void prepareFloatMode(Step& step) {
  const Operation& operation = *step.origin->operation;
  const std::string_view name = operation.name;
  if (operation.name == "v_cndmask_b32" || name.starts_with("v_cmp_class") || name.starts_with("v_cmpx_class")) return;
  const Shape& shape = operation.shape;
  for (const Type type : {shape.dst, shape.src[0], shape.src[1], shape.src[2]}) {
    if (!isFloat(type)) continue;
    step.floatClass = static_cast<std::uint8_t>(std::max<u32>(step.floatClass, classOf(type)));
    if (type == Type::f16 || type == Type::packedF16) step.softwareFlush = true;
  }
  // Conversions to f32 round as f32 does; those from f32 to f64 are exact, so that only the source may be subnormal.
  if (shape.dst == Type::f32 || name == "v_cvt_f64_f32") step.floatClass = kSingle;
  if (name == "v_cvt_f32_f64") step.softwareFlush = true;
  constexpr std::string_view kPicks[] = {"v_min", "v_max", "v_med", "v_ldexp", "v_frexp", "v_div_", "v_cube"};
  for (const std::string_view prefix : kPicks)
    if (step.floatClass != 0 && name.starts_with(prefix)) step.softwareFlush = true;
}

} // namespace rdna1::sim
