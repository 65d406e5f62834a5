#include "cases.hpp"

#include <array>

namespace rdna1::prover {
namespace {

struct Volume {
  std::array<std::int64_t, 3> image, filter, output, pad, stride, dilation;
};

std::array<std::int64_t, 3> triple(const Line& line, const std::string& name) {
  return {line.get(name + "Z"), line.get(name + "Y"), line.get(name + "X")};
}

/// Position of a tap in a flat list of the axes' sizes, last axis fastest.
std::int64_t flat(const std::array<std::int64_t, 3>& at, const std::array<std::int64_t, 3>& size) {
  return (at[0] * size[1] + at[1]) * size[2] + at[2];
}

std::int64_t count(const std::array<std::int64_t, 3>& size) { return size[0] * size[1] * size[2]; }

template <typename Visit> void each(const std::array<std::int64_t, 3>& size, Visit visit) {
  std::array<std::int64_t, 3> at{};
  for (at[0] = 0; at[0] < size[0]; ++at[0])
    for (at[1] = 0; at[1] < size[1]; ++at[1])
      for (at[2] = 0; at[2] < size[2]; ++at[2]) visit(at);
}

/// Adds every column element to the image position that it came from; sums of small whole numbers, so exact.
std::vector<int> addUp(const std::vector<int>& columns, std::int64_t channels, const Volume& v) {
  std::vector<int> image(channels * count(v.image), 0);
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    each(v.filter, [&](const auto& tap) {
      each(v.output, [&](const auto& out) {
        std::array<std::int64_t, 3> to{};
        for (int axis = 0; axis < 3; ++axis) {
          to[axis] = out[axis] * v.stride[axis] - v.pad[axis] + tap[axis] * v.dilation[axis];
          if (to[axis] < 0 || to[axis] >= v.image[axis]) return;
        }
        const std::int64_t from = (channel * count(v.filter) + flat(tap, v.filter)) * count(v.output);
        image[channel * count(v.image) + flat(to, v.image)] += columns[from + flat(out, v.output)];
      });
    });
  }
  return image;
}

} // namespace

// Arguments as MIOpen passes them [utilocl.cpp Col2Im3dGPU; compared with the launch events of MIOpenDriver runs].
Outcome runCol2Im3d(const Hip& hip, void* module, const Line& line) {
  const Type type = typeOf(line);
  const Volume v = {triple(line, "image"), triple(line, "filter"), triple(line, "output"),
                    triple(line, "pad"),   triple(line, "stride"), triple(line, "dilation")};
  const std::int64_t channels = line.get("channels");
  const std::int64_t size = channels * count(v.image);
  const std::size_t offset = line.get("which") * size;
  const std::vector<int> numbers = smallNumbers(channels * count(v.filter) * count(v.output), std::stoull(line.id));
  Elements columns(type, numbers.size(), kFiller);
  for (std::size_t at = 0; at < numbers.size(); ++at) columns.set(at, bitsOf(type, numbers[at]));
  Elements images(type, line.get("images") * size, kFiller);
  Elements expected = images;
  const std::vector<int> sums = addUp(numbers, channels, v);
  for (std::size_t at = 0; at < sums.size(); ++at) expected.set(offset + at, bitsOf(type, sums[at]));

  const Buffer source(hip, columns.data(), columns.bytes());
  const Buffer target(hip, images.data(), images.bytes());
  Arguments arguments;
  arguments.add(source.address());
  for (const auto& list : {v.output, v.filter, v.pad, v.stride, v.dilation}) {
    for (const std::int64_t value : list) arguments.add(static_cast<std::uint32_t>(value));
  }
  // Without the channels the kernel cannot tell surplus work-items, so none are launched.
  const bool toldChannels = line.get("toldChannels") != 0;
  if (toldChannels) arguments.add(static_cast<std::uint32_t>(channels));
  for (const std::int64_t value : v.image) arguments.add(static_cast<std::uint32_t>(value));
  arguments.add(target.address()).add(static_cast<std::uint64_t>(offset));
  const auto items = static_cast<unsigned>(toldChannels ? (size + 255) / 256 * 256 : size);
  hip.launch(hip.function(module, "Col2Im3dU"), items, 256, arguments.bytes());
  hip.copy(images.data(), target.address(), images.bytes());
  return compare(expected, images);
}

} // namespace rdna1::prover
