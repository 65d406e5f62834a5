// From the modifier fields of an instruction to what is done with the rows of its operands.
#include "modifiers.hpp"
#include "vector.hpp"

namespace rdna1::sim {
namespace {

constexpr u32 kDword = 6, kFirstWord = 4;
constexpr u32 kSignExtendUnused = 1, kPreserveUnused = 2;
constexpr u32 kHighHalf = 8; ///< OP_SEL's bit of the destination

bool isHalfWide(Type type) { return type == Type::f16 || type == Type::i16 || type == Type::u16 || type == Type::b16; }
bool isPacked(Type type) { return type == Type::packed16 || type == Type::packedF16; }

/// Where the sign of a value is in its (last) word; 0 for types that neg and abs do not apply to.
u32 signBit(Type type) {
  switch (type) {
  case Type::f16: return 0x8000;
  case Type::f32:
  case Type::f64:
  case Type::b32: return 0x80000000;
  default: return 0;
  }
}

/// An SDWA selection: a byte, a word or all [RDNA1 ISA §13.3.10].
struct Selected {
  u32 shift, width;
};
Selected selected(u32 select) {
  if (select == kDword) return {0, 32};
  return select >= kFirstWord ? Selected{(select - kFirstWord) * 16, 16} : Selected{select * 8, 8};
}

void setSigns(WordChange& change, u32 sign, bool neg, bool abs) {
  if (abs) change.keep = ~sign;
  if (neg) change.flip = sign;
}

std::string sourceOfVop3p(const Instruction& instruction, u32 i, Type type, SourceChange& source) {
  const bool low = (instruction.opSel >> i & 1) != 0, high = (instruction.opSelHi >> i & 1) != 0;
  const bool negLow = (instruction.negLow >> i & 1) != 0, negHigh = (instruction.negHigh >> i & 1) != 0;
  if (type == Type::mixed) { // NEG_HI means abs
    source.kind = high                ? SourceChange::Kind::mixed
                  : negLow || negHigh ? SourceChange::Kind::word
                                      : SourceChange::Kind::none;
    source.lowHalf = low;
    setSigns(source.change, high ? 0x8000 : 0x80000000, negLow, negHigh);
    return low && !high ? "OP_SEL of a source that is no half" : "";
  }
  if (isPacked(type)) {
    if (type == Type::packed16 && (negLow || negHigh)) return "NEG of an integer";
    source.lowHalf = low;
    source.highHalf = high;
    source.change.flip = (negLow ? 0x8000 : 0) | (negHigh ? 0x80000000 : 0);
    if (low || !high || source.change.flip != 0) source.kind = SourceChange::Kind::halves;
    return {};
  }
  if (low) return "OP_SEL of a source that is not packed";
  if (!negLow && !negHigh) return {};
  if (type != Type::f32 || negHigh) return "NEG of a source that is not packed";
  source.kind = SourceChange::Kind::word;
  setSigns(source.change, signBit(type), true, false);
  return {};
}

std::string prepareSource(const Instruction& instruction, u32 i, SourceChange& source) {
  const Shape& shape = instruction.operation->shape;
  const Type type = shape.src[i];
  if (instruction.operation->format == Format::vop3p) return sourceOfVop3p(instruction, i, type, source);
  WordChange& change = source.change;
  const Operand& operand = instruction.src[i];
  bool changes = operand.neg || operand.abs;
  if (changes) {
    if (signBit(type) == 0) return "neg or abs of an operand that is no float";
    setSigns(change, signBit(type), operand.neg, operand.abs);
  }
  if (instruction.form == Form::vop3 && !shape.crossLane && (instruction.opSel >> i & 1) != 0) {
    if (!isHalfWide(type)) return "op_sel of an operand that has no 16 bits";
    change.right = 16;
    changes = true;
  }
  if (instruction.form == Form::sdwa && i < 2) {
    const Selected part = selected(instruction.sdwa.select[i]);
    change.left = static_cast<u8>(32 - part.shift - part.width);
    change.right = static_cast<u8>(32 - part.width);
    change.arithmetic = instruction.sdwa.signExtend[i];
    if (change.arithmetic && isFloat(type)) return "sext of a float";
    changes = changes || part.width != 32;
  }
  if (changes) source.kind = registersOf(type, 32) == 2 ? SourceChange::Kind::wide : SourceChange::Kind::word;
  return {};
}

/// The part of the destination that SDWA writes. Of a 16-bit result DWORD takes the whole register, too: what is unused
/// is the upper half.
WordChange sdwaPlace(const Sdwa& sdwa, Type type) {
  Selected part = selected(sdwa.dstSelect);
  if (isHalfWide(type) && part.width == 32) part.width = 16;
  WordChange place;
  place.left = static_cast<u8>(32 - part.width);
  place.right = static_cast<u8>(32 - part.width - part.shift);
  place.arithmetic = sdwa.dstUnused == kSignExtendUnused;
  if (sdwa.dstUnused == kPreserveUnused && part.width != 32) place.keep = ((1u << part.width) - 1) << part.shift;
  return place;
}

std::string prepareResult(const Instruction& instruction, ResultChange& result) {
  const Shape& shape = instruction.operation->shape;
  const Type type = shape.dst;
  const bool scalar = type == Type::none || shape.scalarDst;
  result.type = type;
  result.rows = static_cast<u8>(registersOf(type, 32));
  if (instruction.outputModifier != 0 && instruction.operation->format != Format::vop3p) {
    if (scalar || !isFloat(type)) return "omod of a result that is no float";
    result.outputModifier = instruction.outputModifier;
  }
  result.clamp = instruction.clamp && isFloat(type);
  result.any = result.outputModifier != 0 || result.clamp;
  if (isHalfWide(type)) result.place.keep = 0xffff;
  if (instruction.form == Form::sdwa && !scalar) {
    result.place = sdwaPlace(instruction.sdwa, type);
    result.any = result.any || instruction.sdwa.dstSelect != kDword || isHalfWide(type);
  }
  const bool high = instruction.form == Form::vop3 && !shape.crossLane && (instruction.opSel & kHighHalf) != 0;
  if (high && !isHalfWide(type)) return "op_sel of a result that has no 16 bits";
  if (high || instruction.operation->name == "v_fma_mixhi_f16") {
    result.place.left = 16;
    result.place.keep = 0xffff0000;
    result.oldShift = 16;
    result.any = true;
  }
  return {};
}

/// CLAMP of a result that is no float. Conversions saturate anyway; comparisons would only signal a NaN.
std::string prepareIntegerClamp(const Instruction& instruction, Step& step) {
  const Operation& operation = *instruction.operation;
  const Type type = operation.shape.dst;
  if (!instruction.clamp || isFloat(type) || type == Type::none) return {};
  if (operation.runClamped != nullptr) step.run = operation.runClamped;
  else if (!operation.name.starts_with("v_cvt_")) return "the simulator has no clamp of this operation";
  return {};
}

} // namespace

std::string prepareModifiers(const Instruction& instruction, Program& program, Step& step) {
  const Shape& shape = instruction.operation->shape;
  const u32 temporaries = program.vgprs(), lanes = program.waveSize();
  std::string problem = prepareIntegerClamp(instruction, step);
  Modifiers modifiers;
  modifiers.form = instruction.form;
  Step inner = step;
  inner.scalars = Scalars::none;
  bool any = false;
  for (u32 i = 0; problem.empty() && i < 3 && shape.src[i] != Type::none && shape.src[i] != Type::mask; ++i) {
    problem = prepareSource(instruction, i, modifiers.source[i]);
    const bool moved = i == 0 && (instruction.form == Form::dpp16 || instruction.form == Form::dpp8);
    if (modifiers.source[i].kind == SourceChange::Kind::none && !moved) continue;
    any = true;
    inner.src[i] = {nullptr, (temporaries + kModifiedRows + 2 * i) * lanes};
    if (!moved) continue;
    modifiers.dpp = instruction.dpp;
    if (problem.empty()) problem = laneMap(instruction.dpp, instruction.form, modifiers.lanes);
  }
  if (problem.empty()) problem = prepareResult(instruction, modifiers.result);
  if (!problem.empty()) return problem;
  if (modifiers.result.any) inner.dst = (temporaries + kResultRows) * lanes;
  if (!any && !modifiers.result.any) return {};
  step.inner = program.keep(inner);
  step.modifiers = program.keep(modifiers);
  step.run = runModified;
  return {};
}

} // namespace rdna1::sim
