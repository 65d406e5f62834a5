// Relocation records of a code object: what must be patched when its image lies at an address.
#include "code_object.hpp"

#include <cstring>
#include <elf.h>

namespace rdna1 {
namespace {

constexpr std::uint32_t kAbsolute64 = 3, kRelative64 = 13; // R_AMDGPU_ABS64, R_AMDGPU_RELATIVE64

/// The structure at `offset`; false when the file ends before it does.
template <typename T> bool read(std::span<const std::byte> file, std::uint64_t offset, T& out) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, file.data() + offset, sizeof(T));
  return true;
}

/// Address of a defined symbol of the table, or nothing.
std::optional<std::uint64_t> symbolAt(std::span<const std::byte> file, const Elf64_Shdr& table, std::uint64_t index) {
  Elf64_Sym symbol;
  if (index >= table.sh_size / sizeof symbol || !read(file, table.sh_offset + index * sizeof symbol, symbol)) return {};
  if (symbol.st_shndx == SHN_UNDEF) return {};
  return symbol.st_value;
}

} // namespace

std::variant<std::vector<Relocation>, std::string> readRelocations(std::span<const std::byte> file,
                                                                   std::uint64_t imageSize) {
  std::vector<Relocation> relocations;
  Elf64_Ehdr header;
  if (!read(file, 0, header)) return "truncated: it is shorter than an ELF header";
  const auto section = [&](unsigned index, Elf64_Shdr& out) {
    return read(file, header.e_shoff + std::uint64_t{index} * sizeof out, out);
  };
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr records, symbols{};
    if (!section(i, records)) return "truncated: the section headers are cut off";
    if (records.sh_type != SHT_RELA || (records.sh_flags & SHF_ALLOC) == 0) continue;
    if (records.sh_link >= header.e_shnum || !section(records.sh_link, symbols)) {
      return "damaged: relocations without a symbol table";
    }
    for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= records.sh_size; at += sizeof(Elf64_Rela)) {
      Elf64_Rela record;
      if (!read(file, records.sh_offset + at, record)) return "truncated: the relocations are cut off";
      if (record.r_offset > imageSize || imageSize - record.r_offset < 8) {
        return "damaged: a relocation lies outside the image";
      }
      std::uint64_t value = static_cast<std::uint64_t>(record.r_addend);
      const std::uint32_t kind = ELF64_R_TYPE(record.r_info);
      if (kind == kAbsolute64) {
        const auto symbol = symbolAt(file, symbols, ELF64_R_SYM(record.r_info));
        if (!symbol) return "it needs a symbol that it does not define";
        value += *symbol;
      } else if (kind != kRelative64) {
        return "its relocation of kind " + std::to_string(kind) + " is not known";
      }
      relocations.push_back({record.r_offset, value});
    }
  }
  return relocations;
}

} // namespace rdna1
