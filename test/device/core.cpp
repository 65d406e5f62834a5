// The parts of the device that need no HIP header. Built with -fsanitize=address,undefined by core.test.ts.
// Arguments: code objects to parse, whole, cut off and damaged (may be none).
#include "bundle.hpp"
#include "check.hpp"
#include "code_object.hpp"
#include "compressed_bundle.hpp"
#include "config.hpp"
#include "md5.hpp"
#include "memory.hpp"
#include "msgpack.hpp"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <random>

using namespace rdna1;

namespace {

std::span<const std::byte> bytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

void memoryKeepsBounds() {
  Memory memory(1 << 20);
  auto* block = static_cast<char*>(memory.allocate(1000, MemoryKind::device));
  CHECK(block != nullptr);
  CHECK(!memory.problem(block, 1000));
  CHECK(!memory.problem(block + 999, 1));
  CHECK(memory.problem(block, 1001)->find("runs 1 bytes past the end") == 0);
  CHECK(memory.problem(block + 1000, 1)->find("lies in no live allocation; the nearest is the device allocation") == 0);
  CHECK(memory.problem(block, SIZE_MAX).has_value());
  CHECK(memory.find(block + 500)->base == reinterpret_cast<std::uintptr_t>(block));
  int outside = 0;
  CHECK(memory.problem(&outside, 4).has_value());
  CHECK(!memory.owns(&outside));
}

void memoryIsZeroAndCounted() {
  Memory memory(1 << 20);
  auto* block = static_cast<unsigned char*>(memory.allocate(1 << 19, MemoryKind::device));
  CHECK(block[0] == 0 && block[(1 << 19) - 1] == 0);
  CHECK(memory.used() == 1 << 19);
  CHECK(memory.allocate((1 << 19) + 1, MemoryKind::device) == nullptr);
  CHECK(memory.allocate(1 << 19, MemoryKind::device) != nullptr);
  CHECK(memory.allocate(1, MemoryKind::device) == nullptr);
  CHECK(memory.allocate(1 << 19, MemoryKind::host) != nullptr); // host memory is not the card's
  CHECK(memory.allocate(SIZE_MAX, MemoryKind::host) == nullptr);
}

void memoryKnowsWhatWasWritten() {
  Memory memory(1 << 20);
  auto* block = static_cast<char*>(memory.allocate(1000, MemoryKind::device));
  auto* other = static_cast<char*>(memory.allocate(1000, MemoryKind::device));
  const auto written = [&](char* at, std::size_t bytes) {
    const auto found = *memory.find(at);
    return found.written == nullptr || found.written->written(reinterpret_cast<std::uintptr_t>(at) - found.base, bytes);
  };
  CHECK(!written(block, 1));
  memory.markWritten(block + 10, 90);
  CHECK(written(block + 10, 90) && !written(block + 9, 2) && !written(block + 99, 2));
  memory.copyWritten(other + 3, block, 100); // the unwritten start comes along
  CHECK(!written(other + 12, 1) && written(other + 13, 90) && !written(other + 103, 1));
  char outside[1000] = {};
  memory.copyWritten(other, outside, 1000);
  CHECK(written(other, 1000) && memory.live().at(1).written == nullptr && written(other, 1000));
  memory.copyWritten(other + 500, block, 20);
  CHECK(!written(other + 509, 1) && written(other + 510, 490) && written(other, 500) && !written(other, 501));
  memory.markWritten(block, 1000);
  memory.copyWritten(other, block, 1000);
  CHECK(written(block, 1000) && written(other, 1000));
  CHECK(written(static_cast<char*>(memory.allocate(100, MemoryKind::host)), 100));
}

void writtenMapAgreesWithOneFlagAByte() {
  std::uint32_t state = 1;
  const auto random = [&](std::uint32_t below) { return (state = state * 1664525 + 1013904223) / 7 % below; };
  for (const std::size_t bytes : {1u, 4u, 63u, 64u, 1001u}) {
    WrittenMap map(bytes), from(bytes);
    std::vector<bool> flags(bytes), fromFlags(bytes);
    map.prepare();
    const auto all = [](const std::vector<bool>& which, std::size_t offset, std::size_t count) {
      bool value = true;
      for (std::size_t i = 0; i < count; ++i) value = value && which[offset + i];
      return value;
    };
    for (int round = 0; round < 4000; ++round) {
      const std::size_t offset = random(static_cast<std::uint32_t>(bytes));
      const std::size_t count = random(static_cast<std::uint32_t>(std::min<std::size_t>(bytes - offset, 40))) + 1;
      switch (random(6)) {
      case 0:
      case 1:
      case 2:
        map.mark(offset, count);
        std::fill_n(flags.begin() + static_cast<std::ptrdiff_t>(offset), count, true);
        break;
      case 3: {
        from.mark(count / 2, 1);
        fromFlags[count / 2] = true;
        const std::size_t place = random(static_cast<std::uint32_t>(bytes - count + 1));
        map.copy(offset, &from, place, count);
        for (std::size_t i = 0; i < count; ++i) flags[offset + i] = fromFlags[place + i];
        break;
      }
      case 4: map.advance(random(2000)); break;
      default: CHECK(map.written(offset, count) == all(flags, offset, count));
      }
      CHECK(all(flags, 0, map.prefix()));
    }
    map.mark(0, bytes);
    map.advance(bytes);
    CHECK(map.isComplete());
    map.reset(bytes);
    CHECK(!map.written(0, 1) && map.prefix() == 0);
  }
}

void memoryKnowsWhatWasFreed() {
  Memory memory(1 << 20);
  auto* block = static_cast<char*>(memory.allocate(100, MemoryKind::device));
  CHECK(!memory.release(block + 1));
  CHECK(memory.release(block));
  CHECK(!memory.release(block));
  CHECK(memory.problem(block, 4)->find("has been freed") != std::string::npos);
  auto* next = static_cast<char*>(memory.allocate(100, MemoryKind::device));
  CHECK(next != block); // a stale pointer never turns into a live one
  CHECK(memory.problem(block, 4)->find("has been freed") != std::string::npos);
  CHECK(memory.used() == 4096 && memory.count() == 1);
}

bool refused(std::initializer_list<const char*> environment, const char* words) {
  std::vector<const char*> list(environment);
  list.push_back(nullptr);
  const auto parsed = parseConfig(list.data());
  const auto* problem = std::get_if<std::string>(&parsed);
  return problem != nullptr && problem->find(words) != std::string::npos;
}

void configurationIsChecked() {
  CHECK(architectureOf("gfx1012") == "gfx1012:xnack-" && architectureOf("gfx1030") == "gfx1030");
  CHECK(architectureOf("gfx906") == "gfx906:sramecc+:xnack-" && !isExecuted("gfx906") && isExecuted("gfx1030"));
  const char* good[] = {"PATH=/bin", "RDNA1_DEVICE_TARGET=gfx1012", "RDNA1_DEVICE_MEMORY=4294967296",
                        "RDNA1_DEVICE_COMPILE=refuse", nullptr};
  const auto config = std::get<Config>(parseConfig(good));
  CHECK(config.target == "gfx1012" && config.mach == 0x35 && config.wgps == 12);
  CHECK(config.memoryBytes == 4294967296ULL && config.compile == CompileMode::refuse);
  CHECK(refused({}, "RDNA1_DEVICE_TARGET is not set"));
  CHECK(refused({"RDNA1_DEVICE_TARGET=gfx908"}, "gfx1010, gfx1011, gfx1012"));
  CHECK(refused({"RDNA1_DEVICE_TARGET=gfx906"}, "compiled and chosen, never executed: set RDNA1_DEVICE_EXECUTE=off"));
  const char* control[] = {"RDNA1_DEVICE_TARGET=gfx906", "RDNA1_DEVICE_EXECUTE=off", nullptr};
  CHECK(std::get<Config>(parseConfig(control)).wgps == 60);
  const char* target = "RDNA1_DEVICE_TARGET=gfx1010";
  CHECK(refused({target, "RDNA1_DEVICE_WGPS=0"}, "1 to 64"));
  CHECK(refused({target, "RDNA1_DEVICE_WGPS=20x"}, "1 to 64"));
  CHECK(refused({target, "RDNA1_DEVICE_WAVES=random"}, "ascending, descending"));
  CHECK(refused({target, "RDNA1_DEVICE_MEMORY=-1"}, "RDNA1_DEVICE_MEMORY"));
  CHECK(refused({target, "RDNA1_DEVICE_COMPILE=no"}, "allow, count, refuse"));
  CHECK(refused({target, "RDNA1_DEVICE_LOG="}, "a file"));
  CHECK(refused({target, "RDNA1_DEVICE_COMPLIE=allow"}, "is not a variable of the device"));
  CHECK(refused({target, "HSA_OVERRIDE_GFX_VERSION=10.3.0"}, "HSA_OVERRIDE_GFX_VERSION"));
}

void digestsAreMd5() { // RFC 1321, appendix A.5
  CHECK(md5(bytesOf("")) == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(md5(bytesOf("abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(md5(bytesOf("12345678901234567890123456789012345678901234567890123456789012345678901234567890")) ==
        "57edf4a22be3c955ac49da2e2107b67a");
}

void metadataIsReadSafely() {
  const std::string packed = "\x82\xa1"
                             "a\x93\x01\xcd\x01\x02\xff\xa1"
                             "b\xc3";
  const auto value = unpack(bytesOf(packed));
  CHECK(value && value->get("a")->list.size() == 3);
  CHECK(value && value->get("a")->list[1].integer == 258 && value->get("a")->list[2].integer == -1);
  for (std::size_t length = 0; length < packed.size(); ++length) CHECK(!unpack(bytesOf(packed).first(length)));
  CHECK(!unpack(bytesOf(std::string(100000, '\x91')))); // nested too deeply
  CHECK(!unpack(bytesOf("\xdf\xff\xff\xff\xff")));      // a map larger than the bytes
}

void bundlesAreReadSafely() {
  CHECK(isBundle(bytesOf("__CLANG_OFFLOAD_BUNDLE__")) && !isBundle(bytesOf("CCOB....")));
  CHECK(isCompressedBundle(bytesOf("CCOB....")) && !isCompressedBundle(bytesOf("CCO")));
  const std::string compressed = std::string("CCOB\x03\0\1\0\x24\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0hashhashnope", 36);
  CHECK(std::holds_alternative<std::string>(decompressBundle(bytesOf(compressed))));
  for (std::size_t length = 4; length < compressed.size(); ++length) {
    CHECK(std::holds_alternative<std::string>(decompressBundle(bytesOf(compressed).first(length))));
  }
  std::string bundle = "__CLANG_OFFLOAD_BUNDLE__";
  const auto add = [&](std::uint64_t number) { bundle.append(reinterpret_cast<const char*>(&number), 8); };
  const std::string entry = "hipv4-amdgcn-amd-amdhsa--gfx1010:xnack-";
  add(1), add(95), add(4), add(entry.size());
  bundle += entry;
  CHECK(bundle.size() == 95);
  bundle += "code";
  const auto found = objectInBundle(bytesOf(bundle), "gfx1010");
  CHECK(std::get<std::span<const std::byte>>(found).size() == 4);
  CHECK(std::get<std::string>(objectInBundle(bytesOf(bundle), "gfx101")).find("no object for") != std::string::npos);
  for (std::size_t length = 24; length < bundle.size(); ++length) {
    CHECK(std::holds_alternative<std::string>(objectInBundle(bytesOf(bundle).first(length), "gfx1010")));
  }
  const auto serves = [&](std::string_view features) {
    std::string other = "__CLANG_OFFLOAD_BUNDLE__", name = "hipv4-amdgcn-amd-amdhsa--gfx906" + std::string(features);
    const std::uint64_t head[] = {1, 200, 4, name.size()};
    other.append(reinterpret_cast<const char*>(head), sizeof head);
    other.append(name).resize(204);
    return std::holds_alternative<std::span<const std::byte>>(objectInBundle(bytesOf(other), "gfx906"));
  };
  CHECK(serves("") && serves(":xnack-") && serves(":sramecc+") && serves(":sramecc+:xnack-"));
  CHECK(!serves(":sramecc-") && !serves(":sramecc-:xnack-") && !serves(":sramecc+:xnack+"));
}

/// Copies of exactly the size, so that the sanitizer sees every byte read too far.
bool accepted(std::span<const std::byte> bytes) {
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  return std::holds_alternative<CodeObject>(parseCodeObject(copy));
}

template <typename T> T structureAt(const std::string& file, std::size_t offset) {
  T copy;
  std::memcpy(&copy, file.data() + offset, sizeof copy);
  return copy;
}

/// File offsets of the data symbols in the dynamic symbol table.
std::vector<std::size_t> symbolsOf(const std::string& file) {
  const auto header = structureAt<Elf64_Ehdr>(file, 0);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto table = structureAt<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (table.sh_type != SHT_DYNSYM) continue;
    for (std::size_t at = table.sh_offset; at < table.sh_offset + table.sh_size; at += sizeof(Elf64_Sym)) {
      if (ELF64_ST_TYPE(structureAt<Elf64_Sym>(file, at).st_info) == STT_OBJECT) places.push_back(at);
    }
  }
  return places;
}

void symbolsLieInsideTheImage(const std::string& text) {
  const auto places = symbolsOf(text);
  CHECK(!places.empty());
  for (const std::size_t place : places) {
    const auto changed = [&](std::uint64_t address, std::uint64_t size) {
      auto symbol = structureAt<Elf64_Sym>(text, place);
      symbol.st_value = address;
      symbol.st_size = size;
      std::string copy = text;
      std::memcpy(copy.data() + place, &symbol, sizeof symbol);
      return accepted(bytesOf(copy));
    };
    const auto symbol = structureAt<Elf64_Sym>(text, place);
    CHECK(changed(symbol.st_value, symbol.st_size));
    for (const std::uint64_t address : {UINT64_MAX - 63, UINT64_MAX, std::uint64_t{1} << 40}) {
      CHECK(!changed(address, 0));
      CHECK(!changed(address, symbol.st_size));
    }
    CHECK(!changed(symbol.st_value, UINT64_MAX));
    CHECK(!changed(symbol.st_value, UINT64_MAX - symbol.st_value + 1));
  }
}

void objectsAreReadSafely(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const auto bytes = bytesOf(text);
  CHECK(!bytes.empty() && accepted(bytes));
  for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 8) CHECK(!accepted(bytes.first(length)));
  CHECK(!accepted(bytes.first(bytes.size() - 1)));
  symbolsLieInsideTheImage(text);
  std::mt19937 random(1010);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 4; ++i)
      damaged[random() % (round % 2 == 0 ? 512 : damaged.size())] = static_cast<char>(random());
    accepted(bytesOf(damaged)); // either answer, but no read or arithmetic outside of what is there
  }
}

} // namespace

int main(int count, char** arguments) {
  memoryKeepsBounds();
  memoryIsZeroAndCounted();
  memoryKnowsWhatWasWritten();
  writtenMapAgreesWithOneFlagAByte();
  memoryKnowsWhatWasFreed();
  configurationIsChecked();
  digestsAreMd5();
  metadataIsReadSafely();
  bundlesAreReadSafely();
  CHECK(!accepted(bytesOf("")) && !accepted(bytesOf(std::string(4096, '\xff'))));
  for (int i = 1; i < count; ++i) objectsAreReadSafely(arguments[i]);
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
