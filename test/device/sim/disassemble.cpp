// disassemble <target> <wave size> [--why | --registers] <object>…: the code of ELF objects, decoded and printed by
// the simulator, a line an instruction: "<address, 12 digits>: <text>". What it refuses is ".long <word>". With --why
// the reason follows, with --registers what the instruction reads and writes.
#include "instruction.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace rdna1::sim;

namespace {

template <typename T> T at(const std::vector<char>& bytes, std::size_t offset) {
  T value;
  if (offset + sizeof value > bytes.size()) std::exit(2);
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Targets targetOf(const std::string& name) {
  if (name == "gfx1010") return kGfx1010;
  if (name == "gfx1011") return kGfx1011;
  return name == "gfx1012" ? kGfx1012 : kGfx1030;
}

std::string format(const char* pattern, unsigned long long value) {
  char text[48];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

/// "v2-3 106": VGPRs with a v, scalars by their number in the encoding.
std::string ranges(const RegisterRange* ranges, std::size_t count) {
  std::string text;
  for (const RegisterRange& range : std::span(ranges, count)) {
    text += (range.vector ? " v" : " s") + std::to_string(range.first);
    if (range.count != 1) text += "-" + std::to_string(range.first + range.count - 1);
  }
  return text;
}

enum class Extra { none, why, registers };

struct Listing {
  Targets target;
  std::uint32_t waveSize;
  Extra extra;

  /// Appends a line; returns the words that it stands for.
  std::size_t line(std::span<const std::uint32_t> words, std::uint64_t address, std::string& text) const {
    text += format("%012llX: ", address);
    const auto decoded = decode(words, address, target);
    const auto* instruction = std::get_if<Instruction>(&decoded);
    const std::string problem =
        instruction == nullptr ? std::get<std::string>(decoded) : problemInWave(*instruction, waveSize);
    if (!problem.empty()) {
      text += format(".long 0x%08llx", words[0]) + (extra == Extra::why ? " ; " + problem : "") + "\n";
      return 1;
    }
    text += print(*instruction, waveSize);
    if (extra == Extra::registers) {
      const RegisterUse use = registersUsed(*instruction, waveSize);
      text += " ; reads" + ranges(use.reads, use.readCount) + " ; writes" + ranges(use.writes, use.writeCount);
    }
    text += '\n';
    return instruction->size / 4;
  }

  void section(std::span<const std::uint32_t> words, std::uint64_t address) const {
    std::string text;
    for (std::size_t i = 0; i < words.size();) i += line(words.subspan(i), address + i * 4, text);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }

  void object(const char* file) const {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    const auto sections = at<std::uint64_t>(bytes, 40);
    const auto size = at<std::uint16_t>(bytes, 58), count = at<std::uint16_t>(bytes, 60);
    for (std::size_t i = 0; i < count; i++) {
      const std::size_t header = sections + i * size;
      const bool executable = (at<std::uint64_t>(bytes, header + 8) & 4) != 0;
      if (!executable || at<std::uint32_t>(bytes, header + 4) != 1) continue;
      std::vector<std::uint32_t> words(at<std::uint64_t>(bytes, header + 32) / 4);
      const auto offset = at<std::uint64_t>(bytes, header + 24);
      if (offset + words.size() * 4 > bytes.size()) std::exit(2);
      std::memcpy(words.data(), bytes.data() + offset, words.size() * 4);
      section(words, at<std::uint64_t>(bytes, header + 16));
    }
  }
};

} // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const std::string option = arguments[3];
  const Extra extra = option == "--why" ? Extra::why : option == "--registers" ? Extra::registers : Extra::none;
  const Listing listing{targetOf(arguments[1]), static_cast<std::uint32_t>(std::atoi(arguments[2])), extra};
  for (int i = extra == Extra::none ? 3 : 4; i < count; i++) listing.object(arguments[i]);
  return 0;
}
