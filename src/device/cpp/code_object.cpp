#include "code_object.hpp"

#include "msgpack.hpp"

#include <algorithm>
#include <cstring>
#include <elf.h>

namespace rdna1 {
namespace {

constexpr std::uint16_t kMachineAmdgpu = 224; // EM_AMDGPU
constexpr std::uint8_t kOsAbiAmdhsa = 64;     // ELFOSABI_AMDGPU_HSA
constexpr std::uint32_t kNoteMetadata = 32;   // NT_AMDGPU_METADATA
constexpr std::uint64_t kDescriptorBytes = 64;

/// The structure at `offset`, or null when the file ends before it does.
template <typename T> const T* structureAt(std::span<const std::byte> file, std::uint64_t offset, T& copy) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return nullptr;
  std::memcpy(&copy, file.data() + offset, sizeof(T)); // the file need not be aligned
  return &copy;
}

std::span<const std::byte> part(std::span<const std::byte> file, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || file.size() - offset < size) return {};
  return file.subspan(offset, size);
}

std::string textAt(std::span<const std::byte> strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const auto* first = reinterpret_cast<const char*>(strings.data() + offset);
  return std::string(first, strnlen(first, strings.size() - offset));
}

std::optional<Packed> metadataOf(std::span<const std::byte> notes) {
  std::uint64_t at = 0;
  Elf64_Nhdr note;
  while (structureAt(notes, at, note) != nullptr) {
    const std::uint64_t name = at + sizeof note;
    const std::uint64_t body = name + (std::uint64_t{note.n_namesz} + 3) / 4 * 4;
    const auto bytes = part(notes, body, note.n_descsz);
    if (note.n_type == kNoteMetadata && textAt(notes, name) == "AMDGPU" && !bytes.empty()) return unpack(bytes);
    at = body + (std::uint64_t{note.n_descsz} + 3) / 4 * 4;
  }
  return std::nullopt;
}

Kernel kernelOf(const Packed& entry) {
  Kernel kernel;
  const auto number = [&](const char* key, std::int64_t otherwise = 0) {
    return static_cast<std::uint32_t>(entry.integerAt(key, otherwise));
  };
  kernel.name = entry.textAt(".name");
  kernel.symbol = entry.textAt(".symbol");
  kernel.kernargSize = number(".kernarg_segment_size");
  kernel.ldsSize = number(".group_segment_fixed_size");
  kernel.scratchSize = number(".private_segment_fixed_size");
  kernel.waveSize = number(".wavefront_size");
  kernel.largestGroup = number(".max_flat_workgroup_size", 1024);
  kernel.vgprs = number(".vgpr_count");
  kernel.sgprs = number(".sgpr_count");
  const Packed* arguments = entry.get(".args");
  if (arguments == nullptr) return kernel;
  for (const Packed& argument : arguments->list) {
    KernelArgument one;
    one.offset = static_cast<std::uint32_t>(argument.integerAt(".offset", 0));
    one.size = static_cast<std::uint32_t>(argument.integerAt(".size", 0));
    one.kind = argument.textAt(".value_kind");
    kernel.arguments.push_back(std::move(one));
  }
  return kernel;
}

/// Fills segments and finds the metadata; an empty string when all is well.
std::string readSegments(std::span<const std::byte> file, const Elf64_Ehdr& header, CodeObject& object,
                         std::optional<Packed>& metadata) {
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (structureAt(file, header.e_phoff + std::uint64_t{i} * sizeof segment, segment) == nullptr) {
      return "truncated: the program headers are cut off";
    }
    const auto bytes = part(file, segment.p_offset, segment.p_filesz);
    if (bytes.size() != segment.p_filesz) return "truncated: a segment lies outside the file";
    if (segment.p_type == PT_NOTE && !metadata) metadata = metadataOf(bytes);
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_memsz < segment.p_filesz || segment.p_memsz > (1ULL << 32) || segment.p_vaddr > (1ULL << 32)) {
      return "damaged: a segment has an impossible size";
    }
    object.segments.push_back(
        {segment.p_vaddr, segment.p_memsz, segment.p_offset, segment.p_filesz, (segment.p_flags & PF_X) != 0});
    object.imageSize = std::max(object.imageSize, segment.p_vaddr + segment.p_memsz);
  }
  if (object.segments.empty()) return "damaged: it has nothing to load";
  return metadata ? "" : "damaged: it has no AMDGPU metadata note";
}

/// Collects the data symbols of the dynamic symbol table, all of them inside the image; an empty string when all is
/// well.
std::string readSymbols(std::span<const std::byte> file, const Elf64_Ehdr& header, CodeObject& object) {
  const auto section = [&](unsigned index, Elf64_Shdr& copy) {
    return structureAt(file, header.e_shoff + std::uint64_t{index} * sizeof copy, copy);
  };
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr table;
    if (section(i, table) == nullptr) return "truncated: the section headers are cut off";
    if (table.sh_type != SHT_DYNSYM) continue;
    Elf64_Shdr stringTable;
    if (table.sh_link >= header.e_shnum || section(table.sh_link, stringTable) == nullptr) {
      return "damaged: the symbol table has no names";
    }
    const auto strings = part(file, stringTable.sh_offset, stringTable.sh_size);
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      if (structureAt(file, table.sh_offset + at, symbol) == nullptr) return "truncated: the symbol table is cut off";
      if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF) continue;
      if (symbol.st_value > object.imageSize || object.imageSize - symbol.st_value < symbol.st_size) {
        return "damaged: the symbol " + textAt(strings, symbol.st_name) + " lies outside of what is loaded";
      }
      object.objects[textAt(strings, symbol.st_name)] = {symbol.st_value, symbol.st_size};
    }
    return "";
  }
  return "damaged: it has no dynamic symbol table";
}

} // namespace

std::uint32_t Kernel::explicitSize() const {
  std::uint32_t end = 0;
  for (const KernelArgument& argument : arguments) {
    if (!argument.hidden()) end = std::max(end, argument.offset + argument.size);
  }
  return end;
}

std::optional<std::uint64_t> elfFileSize(std::span<const std::byte> image) {
  Elf64_Ehdr header;
  if (structureAt(image, 0, header) == nullptr || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return std::nullopt;
  // lld writes the section headers last, so this is the size of the file
  return header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize;
}

std::variant<CodeObject, std::string> parseCodeObject(std::span<const std::byte> file) {
  Elf64_Ehdr header;
  if (structureAt(file, 0, header) == nullptr) return "truncated: it is shorter than an ELF header";
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "it is no ELF file";
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachineAmdgpu ||
      header.e_ident[EI_OSABI] != kOsAbiAmdhsa) {
    return "it is no AMDGPU code object";
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_shentsize != sizeof(Elf64_Shdr)) {
    return "damaged: its header tables have an unknown format";
  }
  CodeObject object;
  object.flags = header.e_flags;
  object.mach = header.e_flags & 0xff;
  object.xnack = header.e_flags >> 8 & 3;
  object.version = header.e_ident[EI_ABIVERSION] + 2; // [LLVM AMDGPUUsage, ELFABIVERSION_AMDGPU_HSA_V4 = 2]
  object.fileSize = *elfFileSize(file);
  if (object.version < 4 || object.version > 6) {
    return "its code-object version " + std::to_string(object.version) + " is not one of 4, 5, 6";
  }
  if (object.fileSize > file.size()) {
    return "truncated: " + std::to_string(file.size()) + " bytes of " + std::to_string(object.fileSize);
  }
  std::optional<Packed> metadata;
  if (std::string problem = readSegments(file, header, object, metadata); !problem.empty()) return problem;
  if (std::string problem = readSymbols(file, header, object); !problem.empty()) return problem;
  auto relocations = readRelocations(file, object.imageSize);
  if (auto* problem = std::get_if<std::string>(&relocations)) return std::move(*problem);
  object.relocations = std::get<std::vector<Relocation>>(std::move(relocations));
  const Packed* kernels = metadata->get("amdhsa.kernels");
  if (kernels == nullptr) return object;
  for (const Packed& entry : kernels->list) {
    Kernel kernel = kernelOf(entry);
    const auto symbol = object.objects.find(kernel.symbol);
    if (kernel.name.empty() || symbol == object.objects.end() ||
        object.imageSize - symbol->second.address < kDescriptorBytes) {
      return "damaged: kernel " + kernel.name + " has no descriptor";
    }
    kernel.descriptor = symbol->second.address;
    object.kernels[kernel.name] = std::move(kernel);
  }
  return object;
}

} // namespace rdna1
