// Loaded code objects and the kernels handed out from them. Handles are pointers; a handle that was never given out or
// has been unloaded is recognised.
#pragma once

#include "code_object.hpp"
#include "image.hpp"

#include <map>
#include <memory>
#include <string>
#include <variant>

namespace rdna1 {

namespace sim {
class Program;
}

struct Module {
  CodeObject object;
  std::string md5;            ///< of the object's bytes; equals kernel_hash in MIOpen's kernel databases
  std::string source;         ///< "data", "fatbin", or the file
  std::byte* image = nullptr; ///< the object's segments in device memory, relocated
  /// What kernels of the object became when they first ran; filled by sim::programOf under its lock.
  mutable std::map<const Kernel*, std::shared_ptr<sim::Program>> programs;
};

struct Function {
  std::shared_ptr<const Module> module;
  const Kernel* kernel = nullptr; ///< inside module->object
};

/// Parses, checks against the target and loads a code object or the target's part of an offload bundle.
/// Logs a "module" event either way.
std::variant<std::shared_ptr<const Module>, LoadFailure> loadModule(std::span<const std::byte> bytes,
                                                                    const std::string& source);

/// The live function behind a handle, or null.
std::shared_ptr<const Function> functionOf(const void* handle);

/// A handle for a function; lives until dropFunctions(module).
const Function* keepFunction(std::shared_ptr<const Function> function);
void dropFunctions(const Module* module);

} // namespace rdna1
