// One operation of the simulator made wrong, for tests of the tests. Linked in front of findOperation (--wrap), in test
// builds only. Variables:
//   RDNA1_MUTATION=<format>/<operation>/<how>   makes that operation wrong (kWays below)
//   RDNA1_MUTATION=list                         writes every operation with the ways that apply to it, and ends
//   RDNA1_MUTATION_SEEN=<file>                  appends the operations that are decoded, "<format>/<operation>" a line
#include "../../src/device/cpp/sim/program.hpp"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>

namespace rdna1::sim {
namespace {

using Kind = Access::Kind;

constexpr std::string_view kFormats[] = {"sop1", "sop2",  "sopk", "sopc",  "sopp",  "smem", "vop1",   "vop2",   "vopc",
                                         "vop3", "vop3p", "ds",   "mubuf", "mtbuf", "flat", "global", "scratch"};

std::span<const Operation> (*const kTables[])() = {
    sop1Operations, sop2Operations, sopkOperations, sopcOperations,  soppOperations, smemOperations,  vop1Operations,
    vop2Operations, vopcOperations, vop3Operations, vop3pOperations, dsOperations,   mubufOperations, flatOperations};

bool isScalar(Format format) { return format <= Format::smem; }
bool writesVector(const Operation& o) { return !isScalar(o.format) && o.shape.dst != Type::none && !o.shape.scalarDst; }
bool has(const Operation& o, std::string_view part) { return o.name.find(part) != std::string_view::npos; }
bool branches(const Operation& o) { return o.name.starts_with("s_cbranch_"); }
/// What only flow.cpp looks at.
bool orders(const Operation& o) { return o.name.starts_with("s_waitcnt") && o.name != "s_waitcnt_expcnt"; }
/// Jumps, the end, the barrier and writes of MODE: no register tells.
bool acts(const Operation& o) {
  return o.name == "s_branch" || o.name == "s_endpgm" || o.name == "s_barrier" || o.name == "s_setpc_b64" ||
         o.name.starts_with("s_setreg") || o.name.ends_with("_mode") || o.name.ends_with("wrexec_b32") || branches(o);
}
/// Low halves of registers, by type or by name.
bool isHalf(const Operation& o) {
  const Type type = o.shape.dst;
  return type == Type::f16 || type == Type::i16 || type == Type::u16 || type == Type::b16 || has(o, "_d16");
}
bool isHigh(const Operation& o) { return has(o, "_d16_hi"); }

struct Way {
  std::string_view name;
  bool (*applies)(const Operation&);
};

/// How an operation can be wrong.
constexpr Way kWays[] = {
    // the result's lowest and highest bit, in every lane that is on; the lowest in the last of these alone
    {"low-bit", [](const Operation& o) { return o.shape.dst != Type::none; }},
    {"high-bit", [](const Operation& o) { return o.shape.dst != Type::none; }},
    {"one-lane", writesVector},
    // one bit of the second destination, of EXEC, of SCC
    {"mask", [](const Operation& o) { return o.shape.sdst != Type::none; }},
    {"exec", [](const Operation& o) { return o.shape.writesExec; }},
    {"scc", [](const Operation& o) { return o.shape.writesScc; }},
    // the lowest bit of what is stored or combined
    {"stored",
     [](const Operation& o) {
       return (o.access.kind == Kind::store || o.access.kind == Kind::atomic) && o.shape.src[0] != Type::none;
     }},
    {"stored-second",
     [](const Operation& o) {
       return (o.access.kind == Kind::store || o.access.kind == Kind::atomic) && o.shape.src[1] != Type::none;
     }},
    {"inverted", branches},
    // not executed at all; not seen by the checks of the program's flow
    {"skipped",
     [](const Operation& o) {
       return o.shape.dst != Type::none || o.shape.sdst != Type::none || o.shape.writesExec || o.shape.writesScc ||
              o.access.kind == Kind::store || o.access.kind == Kind::atomic || acts(o);
     }},
    {"unseen", orders},
};

struct Mutation {
  const Operation* right = nullptr;
  Operation wrong;
  Handler run = nullptr, runClamped = nullptr;
  std::string_view way;
};
Mutation mutation;

std::uint32_t lowestBit(const Operation& o) { return isHigh(o) ? 1u << 16 : 1u; }
std::uint32_t highestBit(const Operation& o) { return isHalf(o) && !isHigh(o) ? 1u << 15 : 1u << 31; }

/// Lanes that are on, 64 of them.
std::uint64_t lanesOn(const Wave& wave) { return wave.exec64(); }

void flipLanes(Wave& wave, std::uint32_t row, std::uint32_t bit, std::uint64_t lanes) {
  for (; lanes != 0; lanes &= lanes - 1) wave.vector[row + std::countr_zero(lanes)] ^= bit;
}

/// How far M0 moves the destination, in registers.
std::uint32_t movedBy(const Wave& wave) {
  const std::uint32_t m0 = wave.scalar[kM0];
  if (has(mutation.wrong, "_movrelsd_2_") || has(mutation.wrong, "_swaprel_")) return m0 >> 16 & 0x3ff;
  return has(mutation.wrong, "_movreld_") || has(mutation.wrong, "_movrelsd_") ? m0 : 0;
}

/// The destination: `last` its last register, else the first.
void flipResult(Wave& wave, const Step& step, bool last, std::uint32_t bit, std::uint64_t lanes) {
  const Operation& o = mutation.wrong;
  if (step.origin->dst.kind == Operand::Kind::none) return; // an atomic that returns nothing
  const std::uint32_t at = (last && !isHalf(o) ? registersOf(o.shape.dst, wave.lanes) - 1 : 0) + movedBy(wave);
  if (!writesVector(o)) wave.scalar[step.dst + at] ^= bit;
  else flipLanes(wave, step.dst + at * wave.lanes, bit, lanes);
}

void flipStored(Wave& wave, const Step& step, std::uint32_t index) {
  const std::uint32_t bit = isHigh(mutation.wrong) ? 1u << 16 : 1u;
  if (isScalar(mutation.wrong.format)) wave.scalar[step.scalarSrc[1]] ^= bit;
  else flipLanes(wave, step.src[1 + index].offset, bit, lanesOn(wave));
}

void invert(Wave& wave, const Step& step, Handler run) {
  run(wave, step);
  const Instruction& branch = *step.origin;
  wave.next =
      wave.next != nullptr
          ? nullptr
          : wave.program->blockAt(branch.offset + branch.size + static_cast<std::int64_t>(branch.immediate) * 4);
}

void runWrong(Wave& wave, const Step& step, Handler run) {
  const Operation& o = mutation.wrong;
  const std::string_view way = mutation.way;
  if (way == "skipped") return;
  if (way == "inverted") return invert(wave, step, run);
  if (way == "stored" || way == "stored-second") {
    const std::uint32_t index = way == "stored" ? 0 : 1;
    flipStored(wave, step, index);
    run(wave, step);
    return flipStored(wave, step, index);
  }
  const std::uint64_t on = lanesOn(wave);
  run(wave, step);
  const std::uint64_t last = on == 0 ? 0 : std::bit_floor(on);
  if (way == "low-bit") flipResult(wave, step, false, lowestBit(o), on);
  else if (way == "high-bit") flipResult(wave, step, true, highestBit(o), on);
  else if (way == "one-lane") flipResult(wave, step, false, lowestBit(o), last);
  else if (way == "mask" && on != 0)
    wave.scalar[step.sdst + std::countr_zero(on) / 32] ^= 1u << std::countr_zero(on) % 32;
  else if (way == "exec") wave.scalar[kExec] ^= 1;
  else if (way == "scc") wave.scc = !wave.scc;
}

void run(Wave& wave, const Step& step) { runWrong(wave, step, mutation.run); }
void runClamped(Wave& wave, const Step& step) { runWrong(wave, step, mutation.runClamped); }

std::string nameOf(const Operation& operation) {
  return std::string(kFormats[static_cast<std::size_t>(operation.format)]) + "/" + std::string(operation.name);
}

void list() {
  for (const auto table : kTables) {
    for (const Operation& operation : table()) {
      if (operation.run == nullptr) continue;
      std::printf("%s", nameOf(operation).c_str());
      for (const Way& way : kWays) {
        if (way.applies(operation)) std::printf(" %.*s", static_cast<int>(way.name.size()), way.name.data());
      }
      std::printf("\n");
    }
  }
  std::fflush(stdout);
  std::_Exit(0);
}

/// The operation to make wrong, "" for none.
const std::string& wanted() {
  static const std::string name = [] {
    const char* const value = std::getenv("RDNA1_MUTATION");
    const std::string text = value == nullptr ? "" : value;
    if (text.empty()) return text;
    const auto slash = text.rfind('/');
    for (const Way& way : kWays) {
      if (slash != std::string::npos && way.name == text.substr(slash + 1)) mutation.way = way.name;
    }
    if (mutation.way.empty()) {
      std::fprintf(stderr, "RDNA1_MUTATION=%s names no way\n", value);
      std::_Exit(3);
    }
    return text.substr(0, slash);
  }();
  return name;
}

[[gnu::constructor]] void listWhenAsked() {
  const char* const value = std::getenv("RDNA1_MUTATION");
  if (value != nullptr && std::string_view(value) == "list") list();
}

void see(const Operation& operation) {
  static const char* const file = std::getenv("RDNA1_MUTATION_SEEN");
  if (file == nullptr) return;
  static std::set<const Operation*> seen;
  if (!seen.insert(&operation).second) return;
  if (std::FILE* const out = std::fopen(file, "a")) {
    std::fprintf(out, "%s\n", nameOf(operation).c_str());
    std::fclose(out);
  }
}

const Operation* changed(const Operation& operation) {
  if (wanted().empty() || nameOf(operation) != wanted()) return &operation;
  if (mutation.right == &operation) return &mutation.wrong;
  mutation.right = &operation;
  mutation.wrong = operation;
  if (mutation.way == "unseen") mutation.wrong.name = "s_unseen";
  mutation.run = operation.run;
  mutation.runClamped = operation.runClamped;
  mutation.wrong.run = run;
  if (operation.runClamped != nullptr) mutation.wrong.runClamped = runClamped;
  return &mutation.wrong;
}

} // namespace
} // namespace rdna1::sim

// findOperation(Format, std::uint16_t, Targets), as --wrap renames it.
extern "C" const rdna1::sim::Operation*
__real__ZN5rdna13sim13findOperationENS0_6FormatEth(rdna1::sim::Format, std::uint16_t, rdna1::sim::Targets);
extern "C" const rdna1::sim::Operation* __wrap__ZN5rdna13sim13findOperationENS0_6FormatEth(rdna1::sim::Format format,
                                                                                           std::uint16_t opcode,
                                                                                           rdna1::sim::Targets target) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const rdna1::sim::Operation* const found = __real__ZN5rdna13sim13findOperationENS0_6FormatEth(format, opcode, target);
  if (found == nullptr) return nullptr;
  rdna1::sim::see(*found);
  return rdna1::sim::changed(*found);
}
