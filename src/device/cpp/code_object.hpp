// A code object: the ELF file that holds gfx machine code and, in a note, what its kernels need
// [LLVM AMDGPUUsage, "ELF Code Object", "Code Object Metadata"].
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace rdna1 {

struct KernelArgument {
  std::uint32_t offset = 0; ///< bytes from the start of the kernel-argument segment
  std::uint32_t size = 0;
  std::string kind; ///< `.value_kind`: by_value, global_buffer, hidden_block_count_x, …
  bool hidden() const { return kind.starts_with("hidden_"); }
};

struct Kernel {
  std::string name;
  std::string symbol;                ///< name of the kernel descriptor, `<name>.kd`
  std::uint64_t descriptor = 0;      ///< address of the kernel descriptor in the object
  std::uint32_t kernargSize = 0;     ///< bytes of the kernel-argument segment
  std::uint32_t ldsSize = 0;         ///< static LDS bytes of a work-group
  std::uint32_t scratchSize = 0;     ///< private bytes of a work-item
  std::uint32_t waveSize = 0;        ///< 32 or 64
  std::uint32_t largestGroup = 1024; ///< `.max_flat_workgroup_size`
  std::uint32_t vgprs = 0;
  std::uint32_t sgprs = 0;
  std::vector<KernelArgument> arguments;
  /// Bytes that a caller must give: up to the end of the last argument that is not hidden.
  std::uint32_t explicitSize() const;
};

struct Symbol {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

struct Segment {
  std::uint64_t address = 0; ///< where it wants to be, from the image's base
  std::uint64_t memorySize = 0;
  std::uint64_t offset = 0; ///< in the file
  std::uint64_t fileSize = 0;
  bool executable = false;
};

/// A word of the image that depends on where the image lies.
struct Relocation {
  std::uint64_t place = 0; ///< address in the object of the 64-bit word
  std::uint64_t value = 0; ///< address in the object that it must hold, before the image's base is added
};

struct CodeObject {
  std::uint32_t flags = 0;    ///< e_flags
  std::uint32_t mach = 0;     ///< low byte of e_flags
  std::uint32_t xnack = 0;    ///< 0 unsupported, 1 any, 2 off, 3 on
  int version = 0;            ///< code-object version (4, 5, 6)
  std::uint64_t fileSize = 0; ///< bytes, from the ELF headers
  std::uint64_t imageSize = 0;
  std::vector<Segment> segments;
  std::vector<Relocation> relocations;
  std::map<std::string, Kernel> kernels;
  std::map<std::string, Symbol> objects; ///< data symbols: global variables and kernel descriptors
};

/// Bytes that the ELF file at `image` claims to have, reading no further than its header; nothing when it is no ELF.
std::optional<std::uint64_t> elfFileSize(std::span<const std::byte> image);

/// The relocations of the object, or why it cannot be loaded: kinds other than R_AMDGPU_RELATIVE64 and R_AMDGPU_ABS64
/// [LLVM AMDGPUUsage, "Relocation Records"], undefined symbols, places outside the image.
std::variant<std::vector<Relocation>, std::string> readRelocations(std::span<const std::byte> file,
                                                                   std::uint64_t imageSize);

/// Reads and checks a whole object; a string is the reason why it is refused.
std::variant<CodeObject, std::string> parseCodeObject(std::span<const std::byte> file);

} // namespace rdna1
