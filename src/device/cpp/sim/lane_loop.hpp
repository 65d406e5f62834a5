// The handler of an operation that does the same in every lane: fixed loops of 32 lanes that the compiler vectorises.
#pragma once

#include "blend.hpp"
#include "lane_access.hpp"
#include "program.hpp"

#include <tuple>
#include <utility>

namespace rdna1::sim {

/// What a scalar source of this number (Operand::index) holds: one register or, `wide`, a pair; also apertures, VCCZ,
/// EXECZ, SCC and NULL (0).
u64 scalarSource(const Wave& wave, u32 index, bool wide);
/// Copies the scalar sources of a step (Step::spreads, Step::specials) to all lanes of their rows.
void copyScalars(Wave& wave, const Step& step);
/// Whether copyScalars may have to do something: most steps read no scalar, or one that has not changed.
inline bool needsScalars(const Wave& wave, const Step& step) {
  if (step.scalars == Scalars::none) return false;
  return step.scalars == Scalars::several || wave.vector[step.spreads[0].offset] != wave.scalar[step.spreads[0].scalar];
}
/// A mask operand: a scalar, or a constant pair.
inline u64 maskSource(const Wave& wave, const Step& step, u32 index) {
  const u32* constant = step.src[index].constant;
  if (constant != nullptr) return constant[0] | u64{constant[1]} << 32;
  return wave.mask(step.scalarSrc[index]);
}
namespace detail {

template <typename Function, typename Call> struct Lanes;

template <typename Function, typename Result, typename... Parameters> struct Lanes<Function, Result(Parameters...)> {
  using Value = typename Wrapped<Result>::type;
  static constexpr bool kValue = !std::is_same_v<Result, bool>;
  static constexpr bool kBit = !kValue || isCarry<Result>;
  /// Some type of 64 bits, none of 16 or 128: see Words.
  static constexpr bool kWide = ((sizeof(Parameters) == 8) || ... || (sizeof(Value) == 8)) &&
                                (!kValue || sizeof(Value) >= 4) &&
                                ((std::is_same_v<Parameters, bool> || std::is_same_v<Parameters, VccBit> ||
                                  sizeof(Parameters) == 4 || sizeof(Parameters) == 8) &&
                                 ...) &&
                                !(isOld<Parameters> || ... || false);
  static constexpr std::size_t kCount = sizeof...(Parameters);
  static constexpr std::index_sequence_for<Parameters...> kParameters{};
  static constexpr bool kImplicit[] = {isImplicit<Parameters>..., false};

  /// Which source parameter `index` is.
  static constexpr u32 sourceOf(std::size_t index) {
    u32 source = 0;
    for (std::size_t i = 0; i < index; ++i) source += kImplicit[i] ? 0 : 1;
    return source;
  }

  static constexpr Shape shape() {
    Shape shape;
    if constexpr (kValue) shape.dst = typeOf<Value>();
    if constexpr (kBit) shape.sdst = Type::mask;
    const Type types[] = {typeOfParameter<Parameters>()..., Type::none};
    for (std::size_t i = 0; i < kCount; ++i)
      if (!kImplicit[i]) shape.src[sourceOf(i)] = types[i];
    shape.readsDst = (isOld<Parameters> || ... || false);
    shape.readsVcc = (std::is_same_v<Parameters, VccBit> || ... || false);
    return shape;
  }

  RDNA1_LANE_FUNCTION static void run(Wave& wave, const Step& step) {
    if (needsScalars(wave, step)) copyScalars(wave, step);
    if (!wave.allLanes()) return runSome(wave, step);
    if (isCarry<Result> && step.sdst == kTrash) return lanes<false, false>(wave, step);
    lanes<false, kBit>(wave, step);
  }

private:
  template <typename T> static constexpr Type typeOfParameter() {
    if constexpr (isImplicit<T>) return Type::none;
    else return typeOf<T>();
  }

  template <typename T> static Rows rowsOf(const Wave& wave, const Step& step, u32 source, u32 first) {
    if constexpr (std::is_same_v<T, bool>) return {nullptr, static_cast<u32>(maskSource(wave, step, source) >> first)};
    else if constexpr (std::is_same_v<T, VccBit>) return {nullptr, wave.scalar[kVcc + first / 32]};
    else if constexpr (isOld<T>) return {wave.vector + step.dst + first, 0};
    else if constexpr (isImplicit<T>) return {nullptr, std::is_same_v<T, Mode> ? wave.mode : first};
    else return {step.src[source].in(wave) + first, 0};
  }

  template <typename T> [[gnu::always_inline]] static T parameter(Rows in, std::size_t stride, u32 lane) {
    if constexpr (isOld<T>) return {readLane<typename Wrapped<T>::type>(in, stride, lane)};
    else if constexpr (std::is_same_v<T, VccBit>) return {(in.bits >> lane & 1) != 0};
    else if constexpr (std::is_same_v<T, Lane>) return {in.bits + lane};
    else if constexpr (std::is_same_v<T, Mode>) return {in.bits};
    else return readLane<T>(in, stride, lane);
  }

  /// A float of a lane that is off counts as 0: what lies there is often an integer, which is a subnormal number, and
  /// those cost the processor a hundred cycles.
  template <bool Some, typename T>
  [[gnu::always_inline]] static T parameterOf(Rows in, std::size_t stride, u32 lane, [[maybe_unused]] u32 on) {
    if constexpr (Some && std::is_same_v<T, float>) return std::bit_cast<float>(in.row[lane] & on);
    else return parameter<T>(in, stride, lane);
  }

  /// The wave with some lanes off: they are computed too, and dropped.
  RDNA1_LANE_FUNCTION [[gnu::noinline]] static void runSome(Wave& wave, const Step& step) {
    if (isCarry<Result> && step.sdst == kTrash) return lanes<true, false>(wave, step);
    lanes<true, kBit>(wave, step);
  }

  /// `Some`: not all lanes are on; `Bits`: the result bits are wanted.
  template <bool Some, bool Bits> [[gnu::always_inline]] static void lanes(Wave& wave, const Step& step) {
    [[maybe_unused]] const u32* const on = Some ? lanesOn(wave) : nullptr;
    if (wave.lanes == 32) [[likely]]
      return half<Some, Bits, 32>(wave, step, 0, on, kParameters);
    half<Some, Bits, 64>(wave, step, 0, on, kParameters);
    half<Some, Bits, 64>(wave, step, 32, on, kParameters);
  }

  /// One parameter of eight lanes.
  template <typename T> struct Eight {
    static constexpr bool kRow = !isImplicit<T> && !std::is_same_v<T, bool>;
    OneOfEight<T> values[kRow ? 8 : 1];
    template <typename Rows>
    [[gnu::always_inline]] void read(const Rows& rows, u32 lane, [[maybe_unused]] const u32* on) {
      if constexpr (kRow) readEight<T>(rows, lane, std::is_floating_point_v<T> ? on : nullptr, values);
    }
    [[gnu::always_inline]] T at(Rows in, u32 lane, u32 index) const {
      if constexpr (kRow) return static_cast<T>(values[index]);
      else return parameter<T>(in, 0, lane + evenThenOdd(index));
    }
  };

  /// One lane.
  template <bool Some, std::size_t... I>
  [[gnu::always_inline]] static Result one([[maybe_unused]] const Rows* in, std::size_t stride, u32 lane,
                                           [[maybe_unused]] const u32* on, [[maybe_unused]] u32* out,
                                           std::index_sequence<I...>) {
    const u32 mask = Some ? on[lane] : ~0u;
    const Result result = Function{}(parameterOf<Some, Parameters>(in[I], stride, lane, mask)...);
    if constexpr (kValue) writeLane<Some>(out, stride, lane, mask, valueOf(result));
    return result;
  }

  /// The 32 lanes from `first` on, of waves of `Stride` lanes. Every lane reads its sources before it writes, and no
  /// lane reads another: sources and destination may overlap.
  template <bool Some, bool Bits, u32 Stride, std::size_t... I>
  [[gnu::always_inline]] static void half(Wave& wave, const Step& step, u32 first, [[maybe_unused]] const u32* on,
                                          std::index_sequence<I...>) {
    constexpr std::size_t stride = Stride;
    [[maybe_unused]] const Rows in[] = {rowsOf<Parameters>(wave, step, sourceOf(I), first)..., Rows{}};
    [[maybe_unused]] u32* const out = wave.vector + step.dst + first;
    [[maybe_unused]] u32 bits = 0;
    if constexpr (Some) on += first;
    if constexpr (kWide) {
      using Rows = EightRows<Stride>;
      const Rows from[] = {Rows(in[I].row)...};
      [[maybe_unused]] const Rows to(out);
      RDNA1_UNROLLED
      for (u32 lane = 0; lane < 32; lane += 8) {
        std::tuple<Eight<Parameters>...> values;
        (std::get<I>(values).read(from[I], lane, Some ? on : nullptr), ...);
        Value result[8];
        [[maybe_unused]] u64 flags[8];
        RDNA1_EACH_OF_EIGHT
        for (u32 i = 0; i < 8; ++i) {
          const Result one = Function{}(std::get<I>(values).at(in[I], lane, i)...);
          if constexpr (kValue) result[i] = valueOf(one);
          if constexpr (Bits) flags[i] = 0 - u64{bitOf(one)};
        }
        if constexpr (Bits) bits |= signsOf(flags) << lane;
        if constexpr (kValue) writeEight(to, lane, Some ? on : nullptr, result);
      }
    } else if constexpr (Bits) {
      RDNA1_UNROLLED
      for (u32 start = 0; start < 32; start += 8) {
        u32 flags[8];
        RDNA1_EIGHT
        for (u32 i = 0; i < 8; ++i) {
          const Result result = one<Some>(in, stride, start + i, on, out, std::index_sequence<I...>{});
          flags[i] = 0 - u32{bitOf(result)};
        }
        bits |= signsOf(flags) << start;
      }
    } else {
      RDNA1_EACH_LANE
      for (u32 lane = 0; lane < 32; ++lane) one<Some>(in, stride, lane, on, out, std::index_sequence<I...>{});
    }
    if constexpr (Bits) wave.scalar[step.sdst + first / 32] = Some ? bits & wave.exec(first / 32) : bits;
  }

  [[gnu::always_inline]] static Value valueOf(const Result& result) {
    if constexpr (isCarry<Result>) return result.value;
    else return result;
  }
  [[gnu::always_inline]] static bool bitOf(const Result& result) {
    if constexpr (isCarry<Result>) return result.bit;
    else return result;
  }
};

template <typename Call> struct Signature;
template <typename Class, typename Result, typename... Parameters>
struct Signature<Result (Class::*)(Parameters...) const> {
  using type = Result(Parameters...);
};

} // namespace detail

} // namespace rdna1::sim
