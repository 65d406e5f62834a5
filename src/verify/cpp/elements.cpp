#include "elements.hpp"

#include <bit>

namespace rdna1::prover {
namespace {

/// splitmix64: small, seeded, the same on every machine.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t mixed = (state += 0x9e3779b97f4a7c15ULL);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

} // namespace

std::optional<Type> typeNamed(const std::string& name) {
  if (name == "fp32") return Type::fp32;
  if (name == "fp16") return Type::fp16;
  if (name == "bf16") return Type::bf16;
  return std::nullopt;
}

std::uint32_t bitsOf(Type type, int value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (type == Type::fp32) return bits;
  if (type == Type::bf16) return bits >> 16;
  if (value == 0) return 0;
  const std::uint32_t exponent = ((bits >> 23) & 0xff) - 127 + 15; // a whole number up to 2048 is normal in fp16
  return ((bits >> 16) & 0x8000) | (exponent << 10) | ((bits >> 13) & 0x3ff);
}

void fillWithAnyBits(Elements& elements, std::uint64_t seed) {
  for (std::size_t at = 0; at < elements.bytes(); at += 2) {
    const std::uint64_t bits = next(seed);
    std::memcpy(elements.data() + at, &bits, 2);
  }
}

std::vector<int> smallNumbers(std::size_t count, std::uint64_t seed) {
  std::vector<int> numbers(count);
  for (int& number : numbers) number = static_cast<int>(next(seed) % 7) - 3;
  return numbers;
}

} // namespace rdna1::prover
