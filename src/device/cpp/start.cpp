// First and last event of a process.
#include "compile.hpp"
#include "config.hpp"
#include "launch.hpp"
#include "log.hpp"
#include "memory.hpp"

#include <cerrno>

namespace {

[[gnu::constructor]] void start() {
  const rdna1::Config& config = rdna1::config(); // ends the process when the environment is wrong
  rdna1::openLog();
  rdna1::Event("start")
      .text("target", config.target)
      .number("wgps", config.wgps)
      .number("memory", static_cast<std::int64_t>(config.memoryBytes))
      .text("compile", rdna1::nameOf(config.compile))
      .text("program", program_invocation_name)
      .send();
}

[[gnu::destructor]] void end() {
  rdna1::Event("end")
      .number("launches", static_cast<std::int64_t>(rdna1::dispatchCount()))
      .number("compiles", static_cast<std::int64_t>(rdna1::compileCount()))
      .number("liveAllocations", static_cast<std::int64_t>(rdna1::memory().count()))
      .number("liveBytes", static_cast<std::int64_t>(rdna1::memory().used()))
      .send();
}

} // namespace
