// The few HIP operations that the prover needs, taken from whichever libraries were loaded before it: the virtual
// device, or a witness and a card's runtime. No header and no link dependency, so one program serves both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rdna1::prover {

/// A HIP operation that did not succeed.
struct HipError {
  std::string call;
  int code; ///< hipError_t

  /// Whether it is a kernel that failed, rather than a call.
  bool inLaunch() const { return call == "hipExtModuleLaunchKernel" || call == "hipDeviceSynchronize"; }
};

/// The HIP runtime of this process.
class Hip {
public:
  /// Ends the process with status 2 and one line on stderr when no library has an operation.
  Hip();

  void* allocate(std::size_t bytes) const;
  void release(void* memory) const;
  /// Both directions: HIP sees from the addresses which side is the device's.
  void copy(void* to, const void* from, std::size_t bytes) const;
  void* loadModule(const void* object) const;
  void unloadModule(void* module) const;
  void* function(void* module, const char* name) const;
  /// Runs a kernel to its end: `items` work-items along x in work-groups of `block`, of which the last may be smaller.
  /// Throws HipError for a fault.
  void launch(void* function, unsigned items, unsigned block, std::vector<std::uint8_t> arguments) const;

private:
  template <typename Function> static void take(Function& function, const char* name);

  int (*malloc_)(void**, std::size_t) = nullptr;
  int (*free_)(void*) = nullptr;
  int (*memcpy_)(void*, const void*, std::size_t, int) = nullptr;
  int (*moduleLoadData_)(void**, const void*) = nullptr;
  int (*moduleUnload_)(void*) = nullptr;
  int (*moduleGetFunction_)(void**, void*, const char*) = nullptr;
  int (*moduleLaunchKernel_)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, std::size_t, void*,
                             void**, void**, void*, void*, unsigned) = nullptr;
  int (*deviceSynchronize_)() = nullptr;
};

/// Device memory that is released with its owner.
class Buffer {
public:
  Buffer(const Hip& hip, const void* content, std::size_t bytes) : hip_(hip), memory_(hip.allocate(bytes)) {
    hip_.copy(memory_, content, bytes);
  }
  ~Buffer() { hip_.release(memory_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* address() const { return memory_; }

private:
  const Hip& hip_;
  void* memory_;
};

/// Kernel arguments behind one another, each at a multiple of its size [LLVM AMDGPUUsage, kernel argument segment].
class Arguments {
public:
  template <typename T> Arguments& add(T value) {
    while (bytes_.size() % sizeof(T) != 0) bytes_.push_back(0);
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
    return *this;
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

private:
  std::vector<std::uint8_t> bytes_;
};

} // namespace rdna1::prover
