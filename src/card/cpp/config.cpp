// What the witness was told, read once from RDNA1_WITNESS_*.
#include "config.hpp"

#include "log.hpp"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace rdna1 {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

[[noreturn]] void refuse(const std::string& problem) {
  complain(problem);
  _exit(2);
}

} // namespace

const char* libraryName() { return "rdna1-witness"; }

const char* nameOf(CompileMode) { return "refuse"; }

std::string architectureOf(const std::string& target) { return target + ":xnack-"; }

/// The witness only ever refuses compilation, and a card is what it is.
const Config& config() {
  static const Config instance = [] {
    if (!variable("HSA_OVERRIDE_GFX_VERSION").empty()) {
      refuse("HSA_OVERRIDE_GFX_VERSION is set: it makes an RDNA1 card pose as another one; unset it");
    }
    Config result;
    result.target = variable("RDNA1_WITNESS_TARGET");
    if (result.target != "gfx1010" && result.target != "gfx1011" && result.target != "gfx1012") {
      refuse("RDNA1_WITNESS_TARGET=" + result.target + " is not usable; allowed: gfx1010, gfx1011, gfx1012");
    }
    result.logFile = variable("RDNA1_WITNESS_LOG");
    const std::string_view execute = variable("RDNA1_WITNESS_EXECUTE");
    if (!execute.empty() && execute != "on" && execute != "off") {
      refuse("RDNA1_WITNESS_EXECUTE=" + std::string(execute) + " is not usable; allowed: on, off");
    }
    result.execute = execute != "off";
    result.compile = CompileMode::refuse;
    return result;
  }();
  return instance;
}

} // namespace rdna1
