// The types that a lane of a vector operation can have as parameters and results, besides the integers and floats.
#pragma once

#include "half.hpp"
#include "integers.hpp"
#include "wave.hpp"

#include <array>
#include <cstdint>

namespace rdna1::sim {

enum class B32 : u32 {}; ///< bits of any type; neg and abs act on bit 31 (v_cndmask_b32)
enum class B64 : u64 {};
/// Both halves of a VOP3P operand, op_sel and neg done: T is u16, i16 or Half.
template <typename T> struct Pair {
  T low, high;
};
/// A source of v_fma_mix*, already converted to f32.
struct Mixed {
  float value;
  operator float() const { return value; }
};
/// A result with its bit of the mask `sdst`.
template <typename T> struct Carry {
  T value;
  bool bit;
};
/// The destination's old value.
template <typename T> struct Old {
  T value;
  operator T() const { return value; }
};
/// This lane's bit of VCC, which no field of the instruction names.
struct VccBit {
  bool value;
  operator bool() const { return value; }
};
/// This lane's number, 0 to 63.
struct Lane {
  u32 number;
  operator u32() const { return number; }
};
/// The wave's MODE, the same for all lanes.
struct Mode {
  u32 bits;
  bool ieee() const { return (bits & kModeIeee) != 0; }
  bool dx10Clamp() const { return (bits & kModeDx10Clamp) != 0; }
};

} // namespace rdna1::sim
