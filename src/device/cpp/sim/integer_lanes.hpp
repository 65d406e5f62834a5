// Integer operations whose result wraps, or saturates where the instruction says CLAMP, from one formula.
#pragma once

#include "vector.hpp"

namespace rdna1::sim {

namespace detail {

template <typename To, typename From> constexpr To wrapped(From exact) {
  if constexpr (std::is_integral_v<To>) return static_cast<To>(exact);
  else if constexpr (isCarry<To>) return {wrapped<decltype(To::value)>(exact.value), exact.bit};
  else return {wrapped<decltype(To::low)>(exact.low), wrapped<decltype(To::high)>(exact.high)};
}

template <typename Result, typename Exact, typename Call> struct Wrapping;
template <typename Result, typename Exact, typename Value, typename... Parameters>
struct Wrapping<Result, Exact, Value(Parameters...)> {
  Result operator()(Parameters... parameters) const { return wrapped<Result>(Exact{}(parameters...)); }
};

} // namespace detail

/// The body of an integer operation: `exact` gives the result as i64, a Pair or a Carry of it.
template <typename Result, typename Exact> constexpr Body integerLanes(Exact exact) {
  using Call = typename detail::Signature<decltype(&Exact::operator())>::type;
  return lanes(detail::Wrapping<Result, Exact, Call>{}, exact);
}

} // namespace rdna1::sim
