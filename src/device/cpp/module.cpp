#include "module.hpp"

#include "config.hpp"
#include "log.hpp"
#include "md5.hpp"
#include "memory.hpp"

#include <cstdio>
#include <cstring>
#include <mutex>
#include <unordered_map>

namespace rdna1 {
namespace {

std::mutex functionsMutex;
auto& functions() {
  static auto* map = new std::unordered_map<const void*, std::shared_ptr<const Function>>;
  return *map;
}

std::string machineName(std::uint32_t mach) {
  switch (mach) { // [LLVM AMDGPUUsage, EF_AMDGPU_MACH]
  case 0x2f: return "gfx906";
  case 0x33: return "gfx1010";
  case 0x34: return "gfx1011";
  case 0x35: return "gfx1012";
  case 0x36: return "gfx1030";
  case 0x42: return "gfx1013";
  case 0x52: return "gfx10-1-generic";
  default: break;
  }
  char digits[16];
  std::snprintf(digits, sizeof digits, "machine 0x%x", mach);
  return digits;
}

/// Why the target cannot run the object, or an empty string.
std::string mismatch(const CodeObject& object) {
  if (object.mach != config().mach)
    return "it is for " + machineName(object.mach) + ", the device is " + config().target;
  if (object.xnack == 3) return "it needs xnack on, the device is " + architectureOf(config().target);
  if (config().target == "gfx906" && (object.flags >> 10 & 3) == 2) // [LLVM AMDGPUUsage, EF_AMDGPU_FEATURE_SRAMECC_V4]
    return "it needs sramecc off, the device is " + architectureOf(config().target);
  return "";
}

void logModule(const std::string& source, std::span<const std::byte> bytes, const CodeObject* object,
               const std::string& problem) {
  Event event("module");
  event.text("source", source).flag("accepted", problem.empty());
  event.text("md5", md5(bytes)).number("bytes", static_cast<std::int64_t>(bytes.size()));
  if (object != nullptr) {
    event.number("flags", object->flags).number("version", object->version);
    event.number("kernels", static_cast<std::int64_t>(object->kernels.size()));
  }
  if (!problem.empty()) event.text("problem", problem);
  event.send();
}

} // namespace

std::variant<std::shared_ptr<const Module>, LoadFailure> loadModule(std::span<const std::byte> bytes,
                                                                    const std::string& source) {
  const auto refuse = [&](LoadProblem kind, std::string message, const CodeObject* object = nullptr) {
    logModule(source, bytes, object, message);
    return LoadFailure{kind, std::move(message)};
  };
  auto opened = openImage(bytes, config().target);
  if (auto* unusable = std::get_if<UnusableImage>(&opened)) {
    bytes = unusable->head;
    return refuse(unusable->failure.kind, std::move(unusable->failure.message));
  }
  const auto& image = std::get<Image>(opened);
  bytes = image.object;
  auto parsed = parseCodeObject(bytes);
  if (auto* problem = std::get_if<std::string>(&parsed)) {
    return refuse(LoadProblem::invalidImage, std::move(*problem));
  }
  auto module = std::make_shared<Module>();
  module->object = std::get<CodeObject>(std::move(parsed));
  module->source = source;
  if (std::string problem = mismatch(module->object); !problem.empty()) {
    return refuse(LoadProblem::noBinaryForTarget, std::move(problem), &module->object);
  }
  module->image = static_cast<std::byte*>(memory().allocate(module->object.imageSize, MemoryKind::device));
  if (module->image == nullptr) return refuse(LoadProblem::outOfMemory, "no device memory is left", &module->object);
  for (const Segment& segment : module->object.segments) {
    std::memcpy(module->image + segment.address, bytes.data() + segment.offset, segment.fileSize);
  }
  const auto base = reinterpret_cast<std::uint64_t>(module->image);
  for (const Relocation& relocation : module->object.relocations) {
    const std::uint64_t value = base + relocation.value;
    std::memcpy(module->image + relocation.place, &value, sizeof value);
  }
  memory().markWritten(module->image, module->object.imageSize);
  module->md5 = md5(bytes);
  logModule(source, bytes, &module->object, "");
  return std::shared_ptr<const Module>(module.get(), [owner = module](const Module* gone) mutable {
    memory().release(gone->image);
    owner.reset();
  });
}

std::shared_ptr<const Function> functionOf(const void* handle) {
  const std::lock_guard lock(functionsMutex);
  const auto found = functions().find(handle);
  return found == functions().end() ? nullptr : found->second;
}

const Function* keepFunction(std::shared_ptr<const Function> function) {
  const std::lock_guard lock(functionsMutex);
  for (const auto& [handle, known] : functions()) {
    if (known->kernel == function->kernel) return known.get();
  }
  const Function* handle = function.get();
  functions().emplace(handle, std::move(function));
  return handle;
}

void dropFunctions(const Module* module) {
  const std::lock_guard lock(functionsMutex);
  std::erase_if(functions(), [&](const auto& entry) { return entry.second->module.get() == module; });
}

} // namespace rdna1
