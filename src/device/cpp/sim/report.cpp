// Faults and findings, the programs of modules, and the entry point execute().
#include "execute.hpp"

#include "../config.hpp"
#include "../hexadecimal.hpp"
#include "../log.hpp"

#include <cstdio>
#include <set>
#include <tuple>

namespace rdna1::sim {
namespace {

std::mutex programsMutex;
std::mutex findingsMutex;

Targets targetBit(const std::string& name) {
  if (name == "gfx1010") return kGfx1010;
  if (name == "gfx1011") return kGfx1011;
  return name == "gfx1012" ? kGfx1012 : kGfx1030;
}

std::string where(const Wave& wave, const Instruction* instruction, int lane) {
  std::string text;
  if (instruction != nullptr) text += placeOf(wave, *instruction) + ", ";
  const std::uint32_t* id = wave.group->id;
  text += "work-group " + std::to_string(id[0]) + "," + std::to_string(id[1]) + "," + std::to_string(id[2]) +
          ", wave " + std::to_string(wave.number);
  return lane < 0 ? text : text + ", lane " + std::to_string(lane);
}

void logProblem(const char* event, const char* kind, const Dispatch& dispatch, const Instruction* instruction,
                const std::string& problem) {
  Event line(event);
  if (kind != nullptr) line.text("kind", kind);
  line.text("kernel", dispatch.name).text("module", dispatch.function->module->md5).text("problem", problem);
  line.text("address", instruction == nullptr ? "" : hexadecimal(instruction->offset));
  line.text("instruction", instruction == nullptr ? "" : print(*instruction, dispatch.function->kernel->waveSize));
  line.send();
}

} // namespace

bool strict() { return config().strict; }

std::string placeOf(const Wave& wave, const Instruction& instruction) {
  return wave.group->launch->dispatch().name + " + " + hexadecimal(instruction.offset) + ": " +
         print(instruction, wave.lanes);
}

void fault(const Wave& wave, const Step& step, std::string problem, int lane) {
  throw Fault{problem + " (" + where(wave, step.origin, lane) + ")", step.origin};
}

void finding(const Wave& wave, const Step& step, const char* kind, std::string problem, int lane) {
  if (strict()) fault(wave, step, std::string(kind) + ": " + problem, lane);
  {
    static std::set<std::tuple<std::string, std::uint64_t, std::string>> reported;
    const std::lock_guard lock(findingsMutex);
    const std::string& module = wave.group->launch->dispatch().function->module->md5;
    if (!reported.emplace(module, step.origin->offset, kind).second) return;
  }
  const std::string text = problem + " (" + where(wave, step.origin, lane) + ")";
  logProblem("finding", kind, wave.group->launch->dispatch(), step.origin, text);
  if (config().logFile.empty()) complain(std::string(kind) + ": " + text);
}

Program& programOf(const Module& module, const Kernel& kernel, const Descriptor& descriptor) {
  const std::lock_guard lock(programsMutex);
  std::shared_ptr<Program>& program = module.programs[&kernel];
  if (program == nullptr) {
    const std::uint64_t entry = kernel.descriptor + static_cast<std::uint64_t>(descriptor.entry);
    for (const Segment& segment : module.object.segments) {
      if (!segment.executable || entry < segment.address || entry - segment.address >= segment.memorySize) continue;
      program = std::make_shared<Program>(module.image, segment.address, segment.address + segment.memorySize,
                                          descriptor.waveSize, descriptor.vgprs, targetBit(config().target));
    }
    if (program == nullptr) throw Fault{"the kernel's entry lies outside the code"};
  }
  return *program;
}

Outcome execute(const Dispatch& dispatch) {
  Outcome outcome;
  try {
    Launch launch(dispatch);
    outcome.instructions = launch.run(config().jobs);
  } catch (const Fault& fault) {
    outcome.problem = fault.problem;
    logProblem("fault", nullptr, dispatch, fault.instruction, fault.problem);
  }
  return outcome;
}

} // namespace rdna1::sim
