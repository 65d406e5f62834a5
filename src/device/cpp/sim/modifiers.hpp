// What an instruction does to the operands around its operation: neg, abs, op_sel, SDWA selections and DPP on the way
// in, omod, clamp and partial writes on the way out. Prepared once, then applied to whole rows by one handler.
#pragma once

#include "dpp.hpp"
#include "lane_types.hpp"
#include "program.hpp"

namespace rdna1::sim {

/// A word on its way in, or out: shifted left and then right, cut, and some bits inverted.
struct WordChange {
  u8 left = 0, right = 0;
  bool arithmetic = false; ///< the shift to the right keeps the sign
  u32 keep = ~0u;
  u32 flip = 0;
};

struct SourceChange {
  enum class Kind : u8 {
    none,
    word,   ///< `change`
    wide,   ///< `change` of the high word of a pair; the low one stays
    halves, ///< two halves, `lowHalf` and `highHalf` say which (0 the low one), then `change`, which does not shift
    mixed,  ///< the half that `lowHalf` names, `change`d and converted to f32 (v_fma_mix)
  };
  Kind kind = Kind::none;
  WordChange change;
  u8 lowHalf = 0, highHalf = 1;
};

/// A result on its way out. Nothing to do unless `any`.
struct ResultChange {
  bool any = false;
  Type type = Type::none;
  u8 rows = 1;
  u8 outputModifier = 0;
  bool clamp = false; ///< to 0..1; integers saturate in their own handler
  WordChange place;   ///< `keep`: the bits of the register that are written
  u8 oldShift = 0;    ///< of an old destination that is an input too: to the right
};

struct Modifiers {
  SourceChange source[3];
  ResultChange result;
  Dpp dpp;
  Form form = Form::plain; ///< dpp16 and dpp8 matter
  LaneMap lanes;           ///< DPP: where lanes read
};

/// Executes a step with modifiers: its sources are the instruction's, those of `inner` what the modifiers make of them.
void runModified(Wave& wave, const Step& step);

/// Sets step.modifiers and step.inner when the instruction has any modifiers; `step` is complete otherwise. A string
/// says what the simulator, or the operation, cannot do.
std::string prepareModifiers(const Instruction& instruction, Program& program, Step& step);

} // namespace rdna1::sim
