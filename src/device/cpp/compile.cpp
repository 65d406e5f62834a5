#include "compile.hpp"

#include "config.hpp"
#include "hip_headers.hpp"
#include "log.hpp"
#include "next.hpp"

#include <amd_comgr/amd_comgr.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>

namespace rdna1 {
namespace {

std::atomic<std::uint64_t> compiles{0};

std::mutex mutex;
auto& programNames() {
  static auto* map = new std::unordered_map<hiprtcProgram, std::string>;
  return *map;
}

#define REAL(name) next<decltype(name)>(#name)

struct Compilation {
  const char* api;
  std::string program;
  std::string action; ///< comgr only
  std::vector<std::string> options;
};

/// Runs or refuses one compilation and logs it. `success` is what `work` returns when all is well.
template <typename Status, typename Work>
Status compile(const Compilation& compilation, Status success, Status refusal, Work work) {
  countCompile();
  const auto started = std::chrono::steady_clock::now();
  const bool refused = config().compile == CompileMode::refuse;
  const Status status = refused ? refusal : work();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
  if (refused) {
    complain(std::string(compilation.api) + ": compilation of " + compilation.program + " is refused");
  }
  Event event("compile");
  event.text("api", compilation.api).text("program", compilation.program);
  if (!compilation.action.empty()) event.text("action", compilation.action);
  event.texts("options", compilation.options)
      .milliseconds("milliseconds", took.count())
      .text("result", refused             ? "refused"
                      : status == success ? "success"
                                          : "failure")
      .number("status", static_cast<std::int64_t>(status))
      .send();
  return status;
}

/// The name of an action that compiles, or null: linking, unbundling and the like are no compilation.
const char* compilingAction(amd_comgr_action_kind_t kind) {
  switch (static_cast<int>(kind)) { // numbers: toolchains differ in which of them their header still names
  case 0x2: return "COMPILE_SOURCE_TO_BC";
  case 0x4: return "CODEGEN_BC_TO_RELOCATABLE";
  case 0x5: return "CODEGEN_BC_TO_ASSEMBLY";
  case 0x8: return "ASSEMBLE_SOURCE_TO_RELOCATABLE";
  case 0xB: return "COMPILE_SOURCE_TO_FATBIN";
  case 0xC: return "COMPILE_SOURCE_WITH_DEVICE_LIBS_TO_BC";
  case 0xD: return "COMPILE_SOURCE_TO_RELOCATABLE";
  case 0xE: return "COMPILE_SOURCE_TO_EXECUTABLE";
  case 0x10: return "COMPILE_SPIRV_TO_RELOCATABLE";
  default: return nullptr;
  }
}

/// Name of the first source (or bitcode) in a data set.
std::string nameOfInput(amd_comgr_data_set_t inputs) {
  for (const auto kind : {AMD_COMGR_DATA_KIND_SOURCE, AMD_COMGR_DATA_KIND_BC}) {
    amd_comgr_data_t data{};
    std::size_t length = 0;
    if (REAL(amd_comgr_action_data_get_data)(inputs, kind, 0, &data) != AMD_COMGR_STATUS_SUCCESS) continue;
    std::string name;
    if (REAL(amd_comgr_get_data_name)(data, &length, nullptr) == AMD_COMGR_STATUS_SUCCESS && length > 0) {
      name.resize(length);
      REAL(amd_comgr_get_data_name)(data, &length, name.data());
      name.resize(length - 1); // the size counts the final zero
    }
    REAL(amd_comgr_release_data)(data);
    return name;
  }
  return "";
}

std::vector<std::string> optionsOf(amd_comgr_action_info_t info) {
  std::size_t count = 0;
  std::vector<std::string> options;
  if (REAL(amd_comgr_action_info_get_option_list_count)(info, &count) != AMD_COMGR_STATUS_SUCCESS) return options;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t length = 0;
    REAL(amd_comgr_action_info_get_option_list_item)(info, i, &length, nullptr);
    std::string option(length, '\0');
    REAL(amd_comgr_action_info_get_option_list_item)(info, i, &length, option.data());
    if (length > 0) option.resize(length - 1);
    options.push_back(std::move(option));
  }
  return options;
}

} // namespace

void countCompile() { compiles.fetch_add(1, std::memory_order_relaxed); }

std::uint64_t compileCount() { return compiles.load(std::memory_order_relaxed); }

std::vector<std::string> withArchitecture(std::vector<std::string> options, const std::string& target) {
  for (const std::string& option : options) {
    if (option.starts_with("--offload-arch") || option.starts_with("--gpu-architecture")) return options;
  }
  options.push_back("--offload-arch=" + architectureOf(target));
  return options;
}

} // namespace rdna1

using namespace rdna1;

extern "C" {

// HIP 6 and 7 declare these two with different constness; names of our own keep clear of both headers.
hiprtcResult createProgram(hiprtcProgram*, const char*, const char*, int, const char* const*,
                           const char* const*) asm("hiprtcCreateProgram");
hiprtcResult compileProgram(hiprtcProgram, int, const char* const*) asm("hiprtcCompileProgram");

hiprtcResult createProgram(hiprtcProgram* program, const char* source, const char* name, int headerCount,
                           const char* const* headers, const char* const* includeNames) {
  const auto create = next<decltype(createProgram)>("hiprtcCreateProgram");
  const auto status = create(program, source, name, headerCount, headers, includeNames);
  if (status == HIPRTC_SUCCESS) {
    const std::lock_guard lock(mutex);
    programNames()[*program] = name == nullptr ? "" : name;
  }
  return status;
}

hiprtcResult hiprtcDestroyProgram(hiprtcProgram* program) {
  if (program != nullptr) {
    const std::lock_guard lock(mutex);
    programNames().erase(*program);
  }
  return REAL(hiprtcDestroyProgram)(program);
}

hiprtcResult compileProgram(hiprtcProgram program, int optionCount, const char* const* options) {
  Compilation compilation{"hiprtc", "", "", {}};
  {
    const std::lock_guard lock(mutex);
    if (const auto found = programNames().find(program); found != programNames().end())
      compilation.program = found->second;
  }
  std::vector<std::string> given;
  for (int i = 0; i < optionCount; ++i) given.emplace_back(options[i]);
  compilation.options = withArchitecture(std::move(given), config().target);
  std::vector<const char*> list;
  for (const std::string& option : compilation.options) list.push_back(option.c_str());
  return compile(compilation, HIPRTC_SUCCESS, HIPRTC_ERROR_COMPILATION, [&] {
    return next<decltype(compileProgram)>("hiprtcCompileProgram")(program, static_cast<int>(list.size()), list.data());
  });
}

amd_comgr_status_t amd_comgr_do_action(amd_comgr_action_kind_t kind, amd_comgr_action_info_t info,
                                       amd_comgr_data_set_t inputs, amd_comgr_data_set_t outputs) {
  const auto work = [&] { return REAL(amd_comgr_do_action)(kind, info, inputs, outputs); };
  const char* action = compilingAction(kind);
  if (action == nullptr || isRuntimesOwn(__builtin_return_address(0))) return work();
  return compile({"comgr", nameOfInput(inputs), action, optionsOf(info)}, AMD_COMGR_STATUS_SUCCESS,
                 AMD_COMGR_STATUS_ERROR, work);
}
}
