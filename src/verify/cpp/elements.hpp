// Tensors as raw elements: kernels that only move elements are compared bit by bit, whatever the bits mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace rdna1::prover {

/// Element types by the name that the plan uses.
enum class Type { fp32, fp16, bf16 };

std::optional<Type> typeNamed(const std::string& name);

inline std::size_t bytesOf(Type type) { return type == Type::fp32 ? 4 : 2; }

/// A packed tensor of one type.
class Elements {
public:
  /// All bytes `filler`: what a kernel must overwrite, or leave alone.
  Elements(Type type, std::size_t count, std::uint8_t filler)
      : bytes_(bytesOf(type)), content_(count * bytes_, filler) {}

  std::size_t count() const { return content_.size() / bytes_; }
  std::size_t bytes() const { return content_.size(); }
  std::uint8_t* data() { return content_.data(); }
  const std::uint8_t* data() const { return content_.data(); }

  /// The element's bits.
  std::uint32_t get(std::size_t index) const {
    std::uint32_t bits = 0;
    std::memcpy(&bits, content_.data() + index * bytes_, bytes_);
    return bits;
  }
  void set(std::size_t index, std::uint32_t bits) { std::memcpy(content_.data() + index * bytes_, &bits, bytes_); }

private:
  std::size_t bytes_;
  std::vector<std::uint8_t> content_;
};

/// The bits of a small whole number, which every type holds exactly (bf16: up to 256).
std::uint32_t bitsOf(Type type, int value);

/// Any bits at all, NaN and denormal ones included; the same for the same seed.
void fillWithAnyBits(Elements& elements, std::uint64_t seed);

/// Whole numbers from -3 to 3; the same for the same seed.
std::vector<int> smallNumbers(std::size_t count, std::uint64_t seed);

} // namespace rdna1::prover
