// What the instruction set knows: one Operation per opcode, with the types of its operands and the code that executes
// it. The tables are in ops_*.cpp, one line or two an operation, in the order and with the names of the RDNA1 ISA
// manual.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace rdna1::sim {

struct Step;
struct Wave;

/// Instruction formats [RDNA1 ISA §13]. VOP3 forms of vop1, vop2 and vopc operations are implied by those, as are SDWA
/// and DPP; `vop3` holds the operations that have no other form, in VOP3's own numbering (0x140 and up).
enum class Format : std::uint8_t {
  sop1,
  sop2,
  sopk,
  sopc,
  sopp,
  smem,
  vop1,
  vop2,
  vopc,
  vop3,
  vop3p,
  ds,
  mubuf,
  mtbuf,
  flat,
  global,
  scratch
};

/// How an operand's bits are read. Sizes in registers: 16- and 32-bit types one, 64-bit types two, b96 three, …
enum class Type : std::uint8_t {
  none,
  b16,
  i16,
  u16,
  f16,
  b32,
  i32,
  u32,
  f32,
  b64,
  i64,
  u64,
  f64,
  mask,      ///< one bit for each lane: a scalar register in wave32, a pair in wave64
  packed16,  ///< two 16-bit integers in a register (VOP3P)
  packedF16, ///< two halves in a register (VOP3P)
  mixed,     ///< v_fma_mix*: f32, or one half of a register as f16, by op_sel
  b96,
  b128,
  b256,
  b512
};

/// Registers that a value of this type takes; a mask depends on the wave size.
std::uint32_t registersOf(Type type, std::uint32_t waveSize);
/// f16, f32, f64 and the packed or mixed ones: neg and abs, omod and clamp mean something.
bool isFloat(Type type);

/// What an operation reads and writes besides EXEC. Where an operand lies is the Instruction's business.
/// Memory formats: dst is what a load or a returning atomic writes (given for atomics whether glc is set or not),
/// src[0] and src[1] are what Instruction::data holds; address, resource and offsets follow from the format.
struct Shape {
  Type dst = Type::none;     ///< vector destination, or scalar for scalar formats and `scalarDst`
  Type sdst = Type::none;    ///< second destination: carry-out, comparison result, v_div_scale's flag
  std::array<Type, 3> src{}; ///< in assembler order, without the destination
  bool scalarDst = false;    ///< v_readlane, v_readfirstlane: dst is a scalar register
  bool scalarSrc = false;    ///< v_readlane, v_writelane: src[1] (lane select) must be scalar or constant
  bool readsDst = false;     ///< v_mac, v_fmac, v_writelane, s_cmov, *_d16 loads: the old destination is an input
  bool readsVcc = false;     ///< implicitly, whatever the form: v_div_fmas, s_cbranch_vcc*
  bool readsScc = false;
  bool writesScc = false;
  bool writesExec = false; ///< v_cmpx, s_*_saveexec
  bool usesM0 = false;
  bool crossLane = false; ///< reads other lanes than its own (readlane, permlane)
};

/// Memory operations: what is moved.
struct Access {
  enum class Kind : std::uint8_t { none, load, store, atomic, other };
  Kind kind = Kind::none;
  std::uint8_t bytes = 0; ///< of one lane's (or the scalar's) access; of each of the two for read2/write2
  bool pair = false;      ///< ds_read2, ds_write2: two accesses
  bool returns = false;   ///< atomics with a destination (DS: by opcode; others: when glc is set)
};

using Targets = std::uint8_t; ///< bits
inline constexpr Targets kGfx1010 = 1, kGfx1011 = 2, kGfx1012 = 4, kGfx1030 = 8;
inline constexpr Targets kGfx101x = kGfx1010 | kGfx1011 | kGfx1012, kDotTargets = kGfx1011 | kGfx1012 | kGfx1030;
inline constexpr Targets kAllTargets = 15;

/// Executes one prepared instruction for a wave.
using Handler = void (*)(Wave&, const Step&);

/// The handler of what has no effect on results: waits, hints, cache control. Such steps are not executed.
void nothing(Wave& wave, const Step& step);

struct Operation {
  Format format;
  std::uint16_t opcode;  ///< in the format's own numbering
  std::string_view name; ///< as LLVM prints it, without _e32, _e64, _sdwa, _dpp
  Shape shape;
  Handler run = nullptr;
  Access access{};
  Targets targets = kAllTargets;
  Handler runClamped = nullptr; ///< with CLAMP, where the result is no float: saturates
};

/// One table of each file that defines operations.
std::span<const Operation> sop1Operations();
std::span<const Operation> sop2Operations();
std::span<const Operation> sopkOperations();
std::span<const Operation> sopcOperations();
std::span<const Operation> soppOperations();
std::span<const Operation> smemOperations();
std::span<const Operation> vop1Operations();
std::span<const Operation> vop2Operations();
std::span<const Operation> vopcOperations();
std::span<const Operation> vop3Operations();
std::span<const Operation> vop3pOperations();
std::span<const Operation> dsOperations();
std::span<const Operation> mubufOperations(); ///< mubuf and mtbuf
std::span<const Operation> flatOperations();  ///< flat, global and scratch

/// The operation of a target, or null.
const Operation* findOperation(Format format, std::uint16_t opcode, Targets target);

} // namespace rdna1::sim
