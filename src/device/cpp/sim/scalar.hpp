// Scalar operations from lambdas: `scalar<[](u32 a, u32 b, Scc& scc) { … }>()`. The parameter types say what the
// operation reads and the result type what it writes, so that its Shape and its Handler are one statement.
#pragma once

#include "integers.hpp"
#include "program.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace rdna1::sim {

/// The scalar condition code. `const Scc&` reads it, `Scc&` writes it; an operation that does both takes both.
struct Scc {
  bool value = false;
  operator bool() const { return value; }
  Scc& operator=(bool bit) {
    value = bit;
    return *this;
  }
};

/// SIMM16 of SOPK, sign-extended.
struct Immediate {
  i32 value = 0;
};

/// What the destination holds before the operation.
template <typename T> struct Before {
  T value{};
};

/// Shape and code of an operation, for the tables.
struct ScalarCode {
  Shape shape;
  Handler run = nullptr;
};

namespace scalar_detail {

template <typename T> constexpr Type typeOf() {
  if constexpr (std::is_same_v<T, u32>) return Type::u32;
  else if constexpr (std::is_same_v<T, i32>) return Type::i32;
  else if constexpr (std::is_same_v<T, u64>) return Type::u64;
  else if constexpr (std::is_same_v<T, i64>) return Type::i64;
  else static_assert(std::is_same_v<T, u32>, "no type of a scalar operand");
}

template <typename P> constexpr bool kIsSource = std::is_integral_v<P>;
template <typename P> constexpr bool kIsOld = false;
template <typename T> constexpr bool kIsOld<Before<T>> = true;

template <typename P> constexpr void addParameter(Shape& shape, std::size_t& sources) {
  if constexpr (kIsSource<P>) shape.src[sources++] = typeOf<P>();
  else if constexpr (std::is_same_v<P, const Scc&>) shape.readsScc = true;
  else if constexpr (std::is_same_v<P, Scc&>) shape.writesScc = true;
  else if constexpr (kIsOld<P>) shape.readsDst = true;
  else static_assert(std::is_same_v<P, Immediate>, "no parameter of a scalar operation");
}

template <typename T> T load(const u32* words) {
  if constexpr (sizeof(T) == 8) return static_cast<T>(pairOf(words));
  else return static_cast<T>(words[0]);
}

template <typename T> void store(u32* words, T value) {
  words[0] = static_cast<u32>(value);
  if constexpr (sizeof(T) == 8) words[1] = static_cast<u32>(static_cast<u64>(value) >> 32);
}

/// `const Scc&` sees the old value even when the operation writes `out`, too.
template <typename P, std::size_t Source> decltype(auto) argument(Wave& wave, const Step& step, Scc& out) {
  if constexpr (kIsSource<P>) {
    const u32* const constant = step.src[Source].constant;
    return load<P>(constant != nullptr ? constant : &wave.scalar[step.scalarSrc[Source]]);
  } else if constexpr (std::is_same_v<P, Scc&>) return (out);
  else if constexpr (std::is_same_v<P, const Scc&>) return Scc{wave.scc};
  else if constexpr (kIsOld<P>) return P{load<decltype(P::value)>(&wave.scalar[step.dst])};
  else return Immediate{step.immediate};
}

/// Sources in front of parameter `at`.
template <typename... P> constexpr std::size_t sourcesBefore(std::size_t at) {
  constexpr bool source[] = {kIsSource<P>..., false};
  std::size_t count = 0;
  for (std::size_t i = 0; i < at; ++i) count += source[i] ? 1 : 0;
  return count;
}

template <auto F, typename Signature> struct Code;

template <auto F, typename C, typename R, typename... P> struct Code<F, R (C::*)(P...) const> {
  static constexpr Shape shape() {
    Shape shape;
    std::size_t sources = 0;
    (addParameter<P>(shape, sources), ...);
    if constexpr (std::is_same_v<R, bool>) shape.writesScc = true;
    else shape.dst = typeOf<R>();
    return shape;
  }

  static void run(Wave& wave, const Step& step) { call(wave, step, std::index_sequence_for<P...>{}); }

private:
  template <std::size_t... I> static void call(Wave& wave, const Step& step, std::index_sequence<I...>) {
    Scc out;
    if constexpr (std::is_same_v<R, bool>) {
      wave.scc = F(argument<P, sourcesBefore<P...>(I)>(wave, step, out)...);
    } else {
      store(&wave.scalar[step.dst], F(argument<P, sourcesBefore<P...>(I)>(wave, step, out)...));
      if constexpr (shape().writesScc) wave.scc = out.value;
    }
  }
};

} // namespace scalar_detail

/// Shape and handler of a stateless lambda. Parameters: u32, i32, u64, i64 (sources, in order), Immediate, Before<T>,
/// Scc& (written), const Scc& (read). Result: the destination, or bool for SCC.
template <auto F> constexpr ScalarCode scalar() {
  using Code = scalar_detail::Code<F, decltype(&decltype(F)::operator())>;
  return {Code::shape(), Code::run};
}

/// Tells SCC whether a result has bits, and passes the result on.
template <typename T> T nonzero(T value, Scc& scc) {
  scc = value != 0;
  return value;
}

constexpr Operation scalarOperation(Format format, u16 opcode, std::string_view name, ScalarCode code) {
  return {.format = format, .opcode = opcode, .name = name, .shape = code.shape, .run = code.run, .access = {}};
}

} // namespace rdna1::sim
