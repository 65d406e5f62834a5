// What of the way that a wave came matters for the checks of flow.hpp.
#pragma once

#include "instruction.hpp"
#include "wave.hpp"

#include <bitset>
#include <cstddef>
#include <vector>

namespace rdna1::sim {

/// A set of registers, scalars in the source encoding's numbering.
struct RegisterSet {
  std::bitset<256> vector;
  std::bitset<128> scalar;

  void add(const RegisterRange& range);
  void remove(const RegisterRange& range);
  bool any(const RegisterRange& range) const;
  bool all(const RegisterRange& range) const;
  bool operator==(const RegisterSet&) const = default;
};

struct FlowState {
  // Issued and not known to be finished, oldest first. Operations on one counter finish in order, but for SMEM. Null
  // counts, but nothing depends on it.
  std::vector<const Instruction*> vectorLoads;   ///< vmcnt: loads and atomics that return
  std::vector<const Instruction*> ldsOperations; ///< lgkmcnt: LDS and flat
  std::vector<const Instruction*> scalarLoads;   ///< lgkmcnt: finish in any order

  // Hazards of GFX10.1; see flow_hazards.cpp.
  std::bitset<128> readByVectorMemory; ///< since the last VALU instruction or wait for it
  std::bitset<128> readByScalarMemory; ///< since the last SALU instruction or wait for it
  bool execRead = false;               ///< by other than VALU, no VALU has written a scalar since
  bool execCompared = false;           ///< v_cmpx was the last VALU instruction
  enum class Memory : std::uint8_t { none, lds, vector } lastMemory = Memory::none;
  bool branched = false; ///< since lastMemory

  RegisterSet written;
  bool sccDefined = false;
  bool severalWaves = true;

  bool operator==(const FlowState&) const = default;
};

std::size_t hashOf(const FlowState& state);

/// The part of the chip that executes an instruction, as far as waits and hazards tell them apart.
enum class Unit : std::uint8_t { scalar, vector, scalarMemory, vectorMemory, flat, lds };

/// One instruction, as the checks look at it.
struct FlowStep {
  const Instruction* instruction = nullptr;
  RegisterUse use;
  Unit unit = Unit::scalar;

  std::string_view name() const { return instruction->operation->name; }
  bool isMemory() const { return unit != Unit::scalar && unit != Unit::vector; }
  bool reads(std::uint16_t scalar) const;
  bool writes(std::uint16_t scalar) const;
};

FlowStep flowStep(const Instruction& instruction, std::uint32_t waveSize);

/// Where the checks report to, and what they look at.
struct FlowPlace {
  const Wave& wave;
  const Step& step;
};

/// Each looks at one instruction and brings the state behind it.
class Waits {
public:
  explicit Waits(FlowState& state, std::uint32_t waveSize);
  void pass(const FlowStep& step, const FlowPlace& place);

private:
  bool applyWait(const Instruction& instruction);
  void checkUse(const FlowStep& step, const FlowPlace& place) const;
  void issue(const FlowStep& step);
  bool succeeds(const Instruction& now, const Instruction& old) const;
  void push(std::vector<const Instruction*>& list, const Instruction& now, std::size_t most) const;
  void findPending();

  FlowState& state_;
  std::uint32_t waveSize_;
  RegisterSet pending_; ///< destinations of all operations in flight
};

void passHazards(FlowState& state, const FlowStep& step, const FlowPlace& place);

/// In strict mode only.
void passRegisters(FlowState& state, const FlowStep& step, const FlowPlace& place);

/// "v5", "s[4:5]", "vcc_lo", for messages.
std::string nameOf(const RegisterRange& range);

} // namespace rdna1::sim
