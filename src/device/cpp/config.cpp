#include "config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace rdna1 {
namespace {

struct Known {
  const char* target;
  std::uint32_t mach;
  const char* cardName;
  int wgps;
};

// Largest card of each target; the same facts as src/rdna1/targets.ts.
constexpr Known kTargets[] = {
    {"gfx1010", 0x33, "AMD Radeon RX 5700 XT (virtual)", 20},
    {"gfx1011", 0x34, "AMD Radeon Pro 5600M (virtual)", 20},
    {"gfx1012", 0x35, "AMD Radeon RX 5500 XT (virtual)", 12},
    // Controls for tests; nothing is ever shipped for them.
    {"gfx1030", 0x36, "AMD Radeon RX 6800 XT (virtual)", 36},
    {"gfx906", 0x2f, "AMD Instinct MI50 (virtual)", 60}, // 60 compute units: it has no WGPs
};
constexpr const char* kAllowedTargets = "gfx1010, gfx1011, gfx1012 (and gfx1030, gfx906 as controls)";

constexpr std::uint64_t kDefaultMemory = 8ULL << 30;    // RX 5700 XT
constexpr std::uint64_t kDefaultBudget = 2'000'000'000; // of one wave: some ten seconds
constexpr unsigned kMostJobs = 256;
constexpr std::uint64_t kLargestMemory = 4ULL << 40; // a quarter of the address range that memory.cpp reserves

template <typename Number> bool parseNumber(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string bad(std::string_view name, std::string_view value, std::string_view allowed) {
  return std::string(name) + "=" + std::string(value) + " is not usable; allowed: " + std::string(allowed);
}

} // namespace

const char* nameOf(CompileMode mode) {
  if (mode == CompileMode::allow) return "allow";
  return mode == CompileMode::count ? "count" : "refuse";
}

std::variant<Config, std::string> parseConfig(const char* const* environment) {
  std::map<std::string_view, std::string_view> values;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1);
    if (name == "HSA_OVERRIDE_GFX_VERSION") {
      return "HSA_OVERRIDE_GFX_VERSION is set: it makes an RDNA1 card pose as another one; unset it";
    }
    if (name.starts_with("RDNA1_DEVICE_")) values.emplace(name, value);
  }
  Config result;
  const auto take = [&](std::string_view name, std::string_view& value) {
    const auto found = values.find(name);
    if (found == values.end()) return false;
    value = found->second;
    values.erase(found);
    return true;
  };
  std::string_view value;
  if (!take("RDNA1_DEVICE_TARGET", value)) {
    return std::string("RDNA1_DEVICE_TARGET is not set; allowed: ") + kAllowedTargets;
  }
  for (const Known& known : kTargets) {
    if (value != known.target) continue;
    result.target = known.target;
    result.mach = known.mach;
    result.cardName = known.cardName;
    result.wgps = known.wgps;
  }
  if (result.target.empty()) return bad("RDNA1_DEVICE_TARGET", value, kAllowedTargets);
  if (take("RDNA1_DEVICE_WGPS", value)) {
    if (!parseNumber(value, result.wgps) || result.wgps < 1 || result.wgps > 64) {
      return bad("RDNA1_DEVICE_WGPS", value, "1 to 64");
    }
  }
  result.memoryBytes = kDefaultMemory;
  if (take("RDNA1_DEVICE_MEMORY", value)) {
    if (!parseNumber(value, result.memoryBytes) || result.memoryBytes < 1 || result.memoryBytes > kLargestMemory) {
      return bad("RDNA1_DEVICE_MEMORY", value, "bytes, 1 to " + std::to_string(kLargestMemory));
    }
  }
  if (take("RDNA1_DEVICE_LOG", value)) {
    if (value.empty()) return bad("RDNA1_DEVICE_LOG", value, "a file");
    result.logFile = value;
  }
  if (take("RDNA1_DEVICE_COMPILE", value)) {
    if (value == "allow") result.compile = CompileMode::allow;
    else if (value == "count") result.compile = CompileMode::count;
    else if (value == "refuse") result.compile = CompileMode::refuse;
    else return bad("RDNA1_DEVICE_COMPILE", value, "allow, count, refuse");
  }
  if (take("RDNA1_DEVICE_EXECUTE", value)) {
    if (value != "on" && value != "off") return bad("RDNA1_DEVICE_EXECUTE", value, "on, off");
    result.execute = value == "on";
  }
  if (result.execute && !isExecuted(result.target)) {
    return "RDNA1_DEVICE_TARGET=" + result.target +
           " is a control whose code is compiled and chosen, never executed: set RDNA1_DEVICE_EXECUTE=off";
  }
  if (take("RDNA1_DEVICE_STRICT", value)) {
    if (value != "1" && value != "0") return bad("RDNA1_DEVICE_STRICT", value, "1, 0");
    result.strict = value == "1";
  }
  if (take("RDNA1_DEVICE_WAVES", value)) {
    if (value != "ascending" && value != "descending") return bad("RDNA1_DEVICE_WAVES", value, "ascending, descending");
    result.waves = value == "ascending" ? WaveOrder::ascending : WaveOrder::descending;
  }
  result.jobs = std::max(1U, std::min(std::thread::hardware_concurrency(), kMostJobs));
  if (take("RDNA1_DEVICE_JOBS", value)) {
    if (!parseNumber(value, result.jobs) || result.jobs < 1 || result.jobs > kMostJobs) {
      return bad("RDNA1_DEVICE_JOBS", value, "1 to " + std::to_string(kMostJobs));
    }
  }
  result.budget = kDefaultBudget;
  if (take("RDNA1_DEVICE_BUDGET", value)) {
    if (!parseNumber(value, result.budget) || result.budget < 1) {
      return bad("RDNA1_DEVICE_BUDGET", value, "instructions of one wave, 1 or more");
    }
  }
  if (!values.empty()) {
    return std::string(values.begin()->first) +
           " is not a variable of the device; known: RDNA1_DEVICE_TARGET, RDNA1_DEVICE_WGPS, RDNA1_DEVICE_MEMORY, "
           "RDNA1_DEVICE_LOG, RDNA1_DEVICE_COMPILE, RDNA1_DEVICE_EXECUTE, RDNA1_DEVICE_STRICT, RDNA1_DEVICE_WAVES, "
           "RDNA1_DEVICE_JOBS, RDNA1_DEVICE_BUDGET";
  }
  return result;
}

const Config& config() {
  static const Config instance = [] {
    auto parsed = parseConfig(environ);
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
      std::fprintf(stderr, "rdna1-device: %s\n", problem->c_str());
      _exit(2);
    }
    return std::get<Config>(std::move(parsed));
  }();
  return instance;
}

bool isExecuted(const std::string& target) { return target != "gfx906"; }

std::string architectureOf(const std::string& target) {
  if (target == "gfx906") return "gfx906:sramecc+:xnack-";
  return target == "gfx1030" ? target : target + ":xnack-";
}

} // namespace rdna1
