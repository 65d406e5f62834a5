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
/// Copies the scalar sources of a step (Step::scalars) to all lanes of their temporary rows.
void copyScalars(Wave& wave, const Step& step);
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
    if (step.scalars != 0) [[unlikely]]
      copyScalars(wave, step);
    if (!wave.allLanes()) [[unlikely]]
      return runSome(wave, step);
    u32 first = 0;
    do {
      const u32 bits = half<false>(wave, step, first, ~0u, wave.vector + step.dst + first, wave.lanes, kParameters);
      if constexpr (kBit) wave.scalar[step.sdst + first / 32] = bits;
      first += 32;
    } while (__builtin_expect(first < wave.lanes, 0));
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
  [[gnu::always_inline]] static T parameterOf(Rows in, std::size_t stride, u32 lane, [[maybe_unused]] u32 exec) {
    const T value = parameter<T>(in, stride, lane);
    if constexpr (Some && std::is_floating_point_v<T>) return (exec >> lane & 1) != 0 ? value : T{};
    else return value;
  }

  /// The wave with some lanes off: they are computed too, and dropped.
  RDNA1_LANE_FUNCTION [[gnu::noinline]] static void runSome(Wave& wave, const Step& step) {
    u64 bits = 0;
    for (u32 first = 0; first < wave.lanes; first += 32) {
      const u32 exec = wave.exec(first / 32);
      if (exec == 0) continue;
      [[maybe_unused]] alignas(32) u32 values[words<Value> * 32];
      bits |= u64{half<true>(wave, step, first, exec, values, 32, kParameters) & exec} << first;
      if constexpr (kValue) blend<words<Value>>(wave.vector + step.dst + first, wave.lanes, values, exec);
    }
    if constexpr (kBit) wave.setMask(step.sdst, bits);
  }

  /// One parameter of eight lanes.
  template <typename T> struct Eight {
    static constexpr bool kRow = !isImplicit<T> && !std::is_same_v<T, bool>;
    T values[kRow ? 8 : 1];
    template <bool Some> [[gnu::always_inline]] void read(const EightRows& rows, u32 lane, [[maybe_unused]] u32 exec) {
      if constexpr (kRow) readEight(rows, lane, values);
      if constexpr (kRow && Some && std::is_floating_point_v<T>) dropOthers(values, exec >> lane);
    }
    [[gnu::always_inline]] T at(Rows in, u32 lane, u32 index) const {
      if constexpr (kRow) return values[index];
      else return parameter<T>(in, 0, lane + evenThenOdd(index));
    }
  };

  /// 32 lanes, on or off; gives the result bits, and the values from `out` on, further words `stride` words apart.
  /// Every lane reads its sources before it writes, and no lane reads another: sources and destination may overlap.
  template <bool Some, std::size_t... I>
  [[gnu::always_inline]] static u32 half(Wave& wave, const Step& step, u32 first, [[maybe_unused]] u32 exec, u32* out,
                                         std::size_t outStride, std::index_sequence<I...>) {
    const std::size_t stride = wave.lanes;
    [[maybe_unused]] const Rows in[] = {rowsOf<Parameters>(wave, step, sourceOf(I), first)..., Rows{}};
    u32 bits = 0;
    [[maybe_unused]] const u32* const old = wave.vector + step.dst + first;
    if constexpr (kWide) {
      const EightRows from[] = {EightRows(in[I].row, stride)..., EightRows(nullptr, 0)};
      [[maybe_unused]] const EightRows to(out, outStride);
      RDNA1_UNROLLED
      for (u32 lane = 0; lane < 32; lane += 8) {
        std::tuple<Eight<Parameters>...> values;
        (std::get<I>(values).template read<Some>(from[I], lane, exec), ...);
        Value result[8];
        RDNA1_EACH_OF_EIGHT
        for (u32 i = 0; i < 8; ++i) {
          const Result one = Function{}(std::get<I>(values).at(in[I], lane, i)...);
          if constexpr (kValue) result[i] = valueOf(one);
          if constexpr (kBit) bits |= u32{bitOf(one)} << (lane + evenThenOdd(i));
        }
        if constexpr (kValue) writeEight(to, lane, result);
      }
    } else {
      RDNA1_EACH_LANE
      for (u32 lane = 0; lane < 32; ++lane) {
        const Result result = Function{}(parameterOf<Some, Parameters>(in[I], stride, lane, exec)...);
        if constexpr (kValue) writeLane(out, outStride, lane, old, valueOf(result));
        if constexpr (kBit) bits |= u32{bitOf(result)} << lane;
      }
    }
    return bits;
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
