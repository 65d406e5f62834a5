// What the device was told to be, read once from RDNA1_DEVICE_* when the library is loaded.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace rdna1 {

enum class CompileMode { allow, count, refuse };
/// Which wave of a work-group runs first. A card promises neither, so a result that depends on it comes of a race.
enum class WaveOrder { ascending, descending };

struct Config {
  std::string target;     ///< gfx1010, gfx1011 or gfx1012; gfx1030 and gfx906 only as controls
  std::uint32_t mach = 0; ///< ELF e_flags machine field of the target [LLVM AMDGPUUsage, EF_AMDGPU_MACH]
  std::string cardName;   ///< what hipDeviceProp_t::name says
  int wgps = 0;           ///< work-group processors (gfx906: compute units); HIP reports them as multiProcessorCount
  std::uint64_t memoryBytes = 0; ///< device memory
  std::string logFile;           ///< JSON lines, or empty
  CompileMode compile = CompileMode::allow;
  bool execute = true; ///< run kernels; otherwise they are checked and logged only
  bool strict = false; ///< findings are faults, and reading registers that were never written is a finding
  WaveOrder waves = WaveOrder::ascending;
  unsigned jobs = 1;        ///< threads that work-groups are spread over
  std::uint64_t budget = 0; ///< instructions of one wave after which a launch counts as endless
};

/// Name of a mode as it is written in RDNA1_DEVICE_COMPILE.
const char* nameOf(CompileMode mode);

/// Whether the simulator knows the target's instructions. Code for gfx906 is compiled, loaded and checked, never
/// executed.
bool isExecuted(const std::string& target);

/// The target as HIP names its architecture: gfx101x without XNACK replay; gfx1030 knows no such feature; gfx906 with
/// ECC in its memories, as an MI50 has it [LLVM AMDGPUUsage, "Target ID"].
std::string architectureOf(const std::string& target);

/// Reads a process environment ("NAME=value" strings, null-terminated list). A string is what is wrong with it.
std::variant<Config, std::string> parseConfig(const char* const* environment);

/// The configuration of this process. Ends the process with status 2 and one line on stderr when it is not usable.
const Config& config();

} // namespace rdna1
