// hipModule*: what is loaded, by the MD5 that the kernel database has of it, and which functions are looked up.
#include "config.hpp"
#include "image.hpp"
#include "log.hpp"
#include "md5.hpp"
#include "next.hpp"
#include "witness.hpp"

#include <fstream>
#include <iterator>
#include <mutex>
#include <unordered_map>

namespace rdna1 {
namespace {

std::mutex mutex;
auto& modules() { // the object's MD5
  static auto* map = new std::unordered_map<hipModule_t, std::string>;
  return *map;
}
auto& functions() {
  static auto* map = new std::unordered_map<hipFunction_t, std::pair<hipModule_t, WitnessedKernel>>;
  return *map;
}

/// Notes what was loaded and how the runtime took it.
hipError_t loaded(hipError_t status, const hipModule_t* module, std::span<const std::byte> bytes,
                  const std::string& source) {
  const auto opened = openImage(bytes, config().target);
  const auto* image = std::get_if<Image>(&opened);
  const auto object = image == nullptr ? std::get<UnusableImage>(opened).head : image->object;
  const std::string digest = md5(object);
  Event event("module");
  event.text("source", source).flag("accepted", status == hipSuccess).text("md5", digest);
  event.number("bytes", static_cast<std::int64_t>(object.size()));
  if (status != hipSuccess) event.text("problem", next<decltype(hipGetErrorString)>("hipGetErrorString")(status));
  event.send();
  if (status != hipSuccess) return status;
  const std::lock_guard lock(mutex);
  modules()[*module] = digest;
  return status;
}

std::span<const std::byte> imageAt(const void* image) {
  return {static_cast<const std::byte*>(image), readableBytes(image)};
}

} // namespace

WitnessedKernel kernelBehind(hipFunction_t function) {
  const std::lock_guard lock(mutex);
  const auto found = functions().find(function);
  return found == functions().end() ? WitnessedKernel{} : found->second.second;
}

} // namespace rdna1

using namespace rdna1;

extern "C" {

hipError_t hipModuleLoadData(hipModule_t* module, const void* image) {
  introduceCard();
  return loaded(next<decltype(hipModuleLoadData)>(__func__)(module, image), module, imageAt(image), "data");
}

hipError_t hipModuleLoadDataEx(hipModule_t* module, const void* image, unsigned count, hipJitOption* options,
                               void** values) {
  introduceCard();
  const hipError_t status = next<decltype(hipModuleLoadDataEx)>(__func__)(module, image, count, options, values);
  return loaded(status, module, imageAt(image), "data");
}

hipError_t hipModuleLoad(hipModule_t* module, const char* name) {
  introduceCard();
  const hipError_t status = next<decltype(hipModuleLoad)>(__func__)(module, name);
  std::ifstream file(name == nullptr ? "" : name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return loaded(status, module, std::as_bytes(std::span(bytes)), name == nullptr ? "" : name);
}

hipError_t hipModuleUnload(hipModule_t module) {
  {
    const std::lock_guard lock(mutex);
    modules().erase(module);
    std::erase_if(functions(), [&](const auto& entry) { return entry.second.first == module; });
  }
  return next<decltype(hipModuleUnload)>(__func__)(module);
}

hipError_t hipModuleGetFunction(hipFunction_t* function, hipModule_t module, const char* name) {
  const hipError_t status = next<decltype(hipModuleGetFunction)>(__func__)(function, module, name);
  const std::lock_guard lock(mutex);
  const auto found = modules().find(module);
  const WitnessedKernel kernel{found == modules().end() ? "" : found->second, name == nullptr ? "" : name};
  Event("function").text("module", kernel.module).text("name", kernel.name).flag("found", status == hipSuccess).send();
  if (status == hipSuccess) functions()[*function] = {module, kernel};
  return status;
}
}
