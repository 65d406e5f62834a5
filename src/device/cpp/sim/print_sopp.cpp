// SOPP, and hardware registers: the immediate is what matters [LLVM AMDGPUAsmUtils].
#include "print_parts.hpp"

#include "../hexadecimal.hpp"

#include <algorithm>

namespace rdna1::sim {
namespace {

/// Hardware registers of GFX10.1 by number [LLVM AMDGPUAsmUtils, RDNA1 ISA §5.6].
constexpr const char* kRegisters[] = {
    nullptr,
    "HW_REG_MODE",
    "HW_REG_STATUS",
    "HW_REG_TRAPSTS",
    nullptr,
    "HW_REG_GPR_ALLOC",
    "HW_REG_LDS_ALLOC",
    "HW_REG_IB_STS",
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    "HW_REG_SH_MEM_BASES",
    "HW_REG_TBA_LO",
    "HW_REG_TBA_HI",
    "HW_REG_TMA_LO",
    "HW_REG_TMA_HI",
    "HW_REG_FLAT_SCR_LO",
    "HW_REG_FLAT_SCR_HI",
    "HW_REG_XNACK_MASK",
    "HW_REG_HW_ID1",
    "HW_REG_HW_ID2",
    "HW_REG_POPS_PACKER",
};

constexpr const char* kMessages[16] = {
    nullptr,
    "MSG_INTERRUPT",
    "MSG_GS",
    "MSG_GS_DONE",
    "MSG_SAVEWAVE",
    "MSG_STALL_WAVE_GEN",
    "MSG_HALT_WAVES",
    "MSG_ORDERED_PS_DONE",
    "MSG_EARLY_PRIM_DEALLOC",
    "MSG_GS_ALLOC_REQ",
    "MSG_GET_DOORBELL",
    "MSG_GET_DDID",
    nullptr,
    nullptr,
    nullptr,
    "MSG_SYSMSG",
};
constexpr const char* kGsOperations[] = {"GS_OP_NOP", "GS_OP_CUT", "GS_OP_EMIT", "GS_OP_EMIT_CUT"};
constexpr const char* kSystemOperations[] = {nullptr, "SYSMSG_OP_ECC_ERR_INTERRUPT", "SYSMSG_OP_REG_RD", nullptr,
                                             "SYSMSG_OP_TTRACE_PC"};
constexpr std::uint32_t kGs = 2, kGsDone = 3, kSystem = 15;

std::uint32_t part(std::uint32_t bits, unsigned first, unsigned count) { return bits >> first & ((1U << count) - 1); }

std::string counter(const char* name, std::uint32_t value) {
  return std::string(name) + "(" + std::to_string(value) + ")";
}

/// A counter left at its most is not waited for.
std::string waits(std::uint32_t bits) {
  const std::uint32_t vector = part(bits, 0, 4) | part(bits, 14, 2) << 4;
  const std::uint32_t exports = part(bits, 4, 3), scalar = part(bits, 8, 6);
  const bool all = vector == 63 && exports == 7 && scalar == 63;
  std::string text;
  if (all || vector != 63) text += " " + counter("vmcnt", vector);
  if (all || exports != 7) text += " " + counter("expcnt", exports);
  if (all || scalar != 63) text += " " + counter("lgkmcnt", scalar);
  return text;
}

struct Dependency {
  const char* name;
  unsigned first, count;
};
constexpr Dependency kDependencies[] = {
    {"depctr_sa_sdst", 0, 1}, {"depctr_va_vdst", 12, 4}, {"depctr_va_sdst", 9, 3},
    {"depctr_va_ssrc", 8, 1}, {"depctr_va_vcc", 1, 1},   {"depctr_vm_vsrc", 2, 3},
};

std::string dependencies(std::uint32_t bits) {
  if (part(bits, 5, 3) != 0) return " " + hexadecimal(bits);
  const auto waitsFor = [bits](const Dependency& d) { return part(bits, d.first, d.count) != (1U << d.count) - 1; };
  const bool none = std::ranges::none_of(kDependencies, waitsFor);
  std::string text;
  for (const Dependency& d : kDependencies) {
    if (none || waitsFor(d)) text += " " + counter(d.name, part(bits, d.first, d.count));
  }
  return text;
}

std::string message(std::uint32_t bits) {
  const std::uint32_t id = part(bits, 0, 4), operation = part(bits, 4, 3), stream = part(bits, 8, 2);
  const bool gs = (id == kGs && operation >= 1 && operation <= 3) ||
                  (id == kGsDone && operation <= 3 && (operation != 0 || stream == 0));
  const bool system = id == kSystem && operation <= 4 && kSystemOperations[operation] != nullptr && stream == 0;
  const bool plain =
      kMessages[id] != nullptr && id != kGs && id != kGsDone && id != kSystem && operation == 0 && stream == 0;
  const std::string name = kMessages[id] != nullptr ? kMessages[id] : "";
  if (plain) return " sendmsg(" + name + ")";
  if (system) return " sendmsg(" + name + ", " + kSystemOperations[operation] + ")";
  if (gs && operation == 0) return " sendmsg(" + name + ", " + kGsOperations[0] + ")";
  if (gs) return " sendmsg(" + name + ", " + kGsOperations[operation] + ", " + std::to_string(stream) + ")";
  if ((bits & ~0x37fU) != 0) return " " + std::to_string(bits);
  return " sendmsg(" + std::to_string(id) + ", " + std::to_string(operation) + ", " + std::to_string(stream) + ")";
}

constexpr std::string_view kHexadecimal[] = {"s_inst_prefetch", "s_clause", "s_round_mode", "s_ttracedata_imm"};

} // namespace

std::string hardwareRegister(std::uint16_t bits) {
  const std::uint32_t number = part(bits, 0, 6), offset = part(bits, 6, 5), width = part(bits, 11, 5) + 1;
  const bool named = number < std::size(kRegisters) && kRegisters[number] != nullptr;
  std::string text = "hwreg(" + (named ? std::string(kRegisters[number]) : std::to_string(number));
  if (offset != 0 || width != 32) text += ", " + std::to_string(offset) + ", " + std::to_string(width);
  return text + ")";
}

std::string printSopp(const Instruction& instruction) {
  const std::string name(instruction.operation->name);
  const std::uint32_t bits = static_cast<std::uint16_t>(instruction.immediate);
  if (name == "s_waitcnt") return name + waits(bits);
  if (name == "s_waitcnt_depctr") return name + dependencies(bits);
  if (name.starts_with("s_sendmsg")) return name + message(bits);
  if (!hasImmediate(*instruction.operation) || (name == "s_endpgm" && bits == 0)) return name;
  if (std::ranges::find(kHexadecimal, name) != std::end(kHexadecimal)) return name + " " + hexadecimal(bits);
  const bool decimal = name == "s_branch" || name.starts_with("s_cbranch") || name == "s_endpgm" || bits <= 64;
  return name + " " + (decimal ? std::to_string(bits) : hexadecimal(bits));
}

} // namespace rdna1::sim
