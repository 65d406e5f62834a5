// Vector operations from what they do in one lane: `lanes([](float a, float b) { return a + b; })` gives the Shape,
// from the lambda's types, and a Handler that runs it over the lanes of a wave, one instantiation an operation.
//
// Parameters, in assembler order: integers of 16 to 64 bits, float, double, Half, B32, B64, Pair<T>, Mixed,
//   std::array<u32, N>, or bool, this lane's bit of a mask operand (carry-in).
// Parameters that are no operand: Old<T>, the destination's old value; VccBit, this lane's bit of VCC; Lane, this
//   lane's number; Mode, the wave's MODE.
// Results: a value; bool, a comparison, to the mask `sdst`; Carry{value, bit}, a value and a bit of the mask `sdst`.
#pragma once

#include "lane_loop.hpp"
#include "lane_types.hpp"
#include "operation.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace rdna1::sim {

/// What an operation is, without its name.
struct Body {
  Shape shape;
  Handler run;
  Handler runClamped = nullptr; ///< see Operation
};

/// Temporary rows of the wave (Wave::temporary): one for each scalar register, two for each source that is another
/// scalar, two for each that a modifier changed, four for a result that a modifier still changes. The rest is for
/// handlers of single operations.
inline constexpr u32 kScalarRows = 0, kSpecialRows = kTrash, kModifiedRows = 134, kResultRows = 140, kFreeRows = 144;

/// The body of an operation that does the same in every lane; `Function` is a lambda without captures.
template <typename Function> constexpr Body lanes(Function) {
  using Call = typename detail::Signature<decltype(&Function::operator())>::type;
  using Lanes = detail::Lanes<Function, Call>;
  return {Lanes::shape(), Lanes::run};
}

namespace detail {

template <typename To, typename From> constexpr To saturated(From exact) {
  if constexpr (isCarry<To>) return {saturated<decltype(To::value)>(exact.value), exact.bit};
  else if constexpr (std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    return static_cast<To>(std::clamp<From>(exact, Limits::min(), Limits::max()));
  } else {
    using Part = decltype(To::low);
    return {saturated<Part>(exact.low), saturated<Part>(exact.high)};
  }
}

template <typename Exact, typename Call> struct Saturated;
template <typename Exact, typename Result, typename... Parameters> struct Saturated<Exact, Result(Parameters...)> {
  Result operator()(Parameters... parameters) const { return saturated<Result>(Exact{}(parameters...)); }
};

} // namespace detail

/// An integer operation whose result CLAMP saturates: `exact`, of the same parameters, gives the result in a type that
/// holds it (i64; Pair or Carry of one).
template <typename Function, typename Exact> constexpr Body lanes(Function function, Exact) {
  using Call = typename detail::Signature<decltype(&Function::operator())>::type;
  Body body = lanes(function);
  body.runClamped = detail::Lanes<detail::Saturated<Exact, Call>, Call>::run;
  return body;
}

constexpr Operation vop1(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  return {Format::vop1, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}
constexpr Operation vop2(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  return {Format::vop2, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}
constexpr Operation vopc(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  return {Format::vopc, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}
/// v_cmpx: the same comparison, to EXEC alone; prepareVector makes EXEC its `sdst`.
constexpr Operation vopcx(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  body.shape.sdst = Type::none;
  body.shape.writesExec = true;
  return {Format::vopc, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}
constexpr Operation vop3(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  return {Format::vop3, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}
constexpr Operation vop3p(u16 opcode, std::string_view name, Body body, Targets targets = kAllTargets) {
  return {Format::vop3p, opcode, name, body.shape, body.run, {}, targets, body.runClamped};
}

} // namespace rdna1::sim
