#include "flow_state.hpp"

#include <functional>

namespace rdna1::sim {
namespace {

constexpr std::size_t kScalarNumbers = 128;

std::size_t lastOf(const RegisterRange& range, std::size_t limit) {
  return std::min<std::size_t>(std::size_t{range.first} + range.count, limit);
}

template <typename Visitor> bool anyOf(const RegisterRange& range, Visitor&& visit) {
  const std::size_t last = lastOf(range, range.vector ? 256 : kScalarNumbers);
  for (std::size_t i = range.first; i < last; ++i) {
    if (visit(i)) return true;
  }
  return false;
}

Unit unitOf(const Operation& operation) {
  switch (operation.format) {
  case Format::sop1:
  case Format::sop2:
  case Format::sopk:
  case Format::sopc:
  case Format::sopp: return Unit::scalar;
  case Format::smem: return Unit::scalarMemory;
  case Format::ds: return Unit::lds;
  case Format::mubuf:
  case Format::mtbuf:
  case Format::global:
  case Format::scratch: return Unit::vectorMemory;
  case Format::flat: return Unit::flat;
  default: return Unit::vector;
  }
}

void mix(std::size_t& hash, std::size_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15 + (hash >> 29); }

void mix(std::size_t& hash, const std::vector<const Instruction*>& list) {
  mix(hash, list.size());
  for (const Instruction* instruction : list) mix(hash, std::hash<const void*>{}(instruction));
}

} // namespace

void RegisterSet::add(const RegisterRange& range) {
  anyOf(range, [&](std::size_t i) {
    if (range.vector) vector.set(i);
    else scalar.set(i);
    return false;
  });
}

void RegisterSet::remove(const RegisterRange& range) {
  anyOf(range, [&](std::size_t i) {
    if (range.vector) vector.reset(i);
    else scalar.reset(i);
    return false;
  });
}

bool RegisterSet::any(const RegisterRange& range) const {
  return anyOf(range, [&](std::size_t i) { return range.vector ? vector[i] : scalar[i]; });
}

bool RegisterSet::all(const RegisterRange& range) const {
  return !anyOf(range, [&](std::size_t i) { return range.vector ? !vector[i] : !scalar[i]; });
}

std::size_t hashOf(const FlowState& state) {
  std::size_t hash = 0;
  mix(hash, state.vectorLoads);
  mix(hash, state.ldsOperations);
  mix(hash, state.scalarLoads);
  for (const auto& set : {state.readByVectorMemory, state.readByScalarMemory, state.written.scalar}) {
    mix(hash, std::hash<std::bitset<128>>{}(set));
  }
  mix(hash, std::hash<std::bitset<256>>{}(state.written.vector));
  mix(hash, static_cast<std::size_t>(state.lastMemory) << 5 | std::size_t{state.execRead} |
                std::size_t{state.execCompared} << 1 | std::size_t{state.branched} << 2 |
                std::size_t{state.sccDefined} << 3 | std::size_t{state.severalWaves} << 4);
  return hash;
}

bool FlowStep::reads(std::uint16_t scalar) const {
  for (std::size_t i = 0; i < use.readCount; ++i) {
    const RegisterRange& range = use.reads[i];
    if (!range.vector && scalar >= range.first && scalar < range.first + range.count) return true;
  }
  return false;
}

bool FlowStep::writes(std::uint16_t scalar) const {
  for (std::size_t i = 0; i < use.writeCount; ++i) {
    const RegisterRange& range = use.writes[i];
    if (!range.vector && scalar >= range.first && scalar < range.first + range.count) return true;
  }
  return false;
}

FlowStep flowStep(const Instruction& instruction, std::uint32_t waveSize) {
  return {&instruction, registersUsed(instruction, waveSize), unitOf(*instruction.operation)};
}

std::string nameOf(const RegisterRange& range) {
  if (!range.vector) {
    if (range.first == kVcc) return range.count == 1 ? "vcc_lo" : "vcc";
    if (range.first == kVcc + 1) return "vcc_hi";
    if (range.first == kM0) return "m0";
    if (range.first == kExec) return range.count == 1 ? "exec_lo" : "exec";
    if (range.first == kExec + 1) return "exec_hi";
  }
  const std::string letter = range.vector ? "v" : "s";
  if (range.count == 1) return letter + std::to_string(range.first);
  return letter + "[" + std::to_string(range.first) + ":" + std::to_string(range.first + range.count - 1) + "]";
}

} // namespace rdna1::sim
