// Compilers started as programs. MIOpen built without comgr (Debian's for ROCm 6.4) compiles by popen(3) of clang
// [MIOpen process.cpp, exec_utils.cpp], which must count or be refused like any other compilation.
#include "compile.hpp"
#include "config.hpp"
#include "log.hpp"
#include "next.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <unordered_map>

using namespace rdna1;

namespace {

using Clock = std::chrono::steady_clock;

struct Running {
  std::string command;
  Clock::time_point started;
};

std::mutex mutex;
auto& running() {
  static auto* map = new std::unordered_map<std::FILE*, Running>;
  return *map;
}

/// Asking a compiler for its version compiles nothing.
bool compiles(std::string_view command) {
  const bool compiler =
      command.find("clang") != std::string_view::npos || command.find("hipcc") != std::string_view::npos;
  return compiler && command.find("--version") == std::string_view::npos;
}

void log(const std::string& command, double milliseconds, const char* outcome, int status) {
  Event("compile")
      .text("api", "process")
      .text("program", command)
      .texts("options", {})
      .milliseconds("milliseconds", milliseconds)
      .text("result", outcome)
      .number("status", status)
      .send();
}

} // namespace

extern "C" {

[[gnu::visibility("default")]] FILE* popen(const char* command, const char* mode) {
  if (command == nullptr || !compiles(command)) return next<decltype(popen)>("popen")(command, mode);
  countCompile();
  if (config().compile == CompileMode::refuse) {
    complain("popen: compilation by \"" + std::string(command) + "\" is refused");
    log(command, 0, "refused", EACCES);
    errno = EACCES;
    return nullptr;
  }
  const auto started = Clock::now();
  std::FILE* stream = next<decltype(popen)>("popen")(command, mode);
  if (stream == nullptr) {
    log(command, 0, "failure", errno);
    return nullptr;
  }
  const std::lock_guard lock(mutex);
  running()[stream] = {command, started};
  return stream;
}

[[gnu::visibility("default")]] int pclose(FILE* stream) {
  Running process;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = running().find(stream); found != running().end()) {
      process = std::move(found->second);
      running().erase(found);
    }
  }
  const int status = next<decltype(pclose)>("pclose")(stream);
  if (process.command.empty()) return status;
  const std::chrono::duration<double, std::milli> took = Clock::now() - process.started;
  log(process.command, took.count(), status == 0 ? "success" : "failure", status);
  return status;
}
}
