#include "cases.hpp"

#include <array>
#include <cstring>

namespace rdna1::prover {
namespace {

/// Strides in elements from the last axis of the layout to the first, groups as an axis of their own.
using Strides = std::array<std::uint64_t, 5>;

struct Problem {
  std::int64_t images, groups, channels, filters; ///< channels and filters of one group
  std::int64_t height, width, filterY, filterX, outputY, outputX;
  std::int64_t padY, padX, strideY, strideX, dilationY, dilationX;
  bool channelsLast;
};

Problem problemOf(const Line& line) {
  const auto get = [&](const char* name) { return line.get(name); };
  return {get("images"),           get("groups"),  get("channels"),  get("filters"),
          get("imageY"),           get("imageX"),  get("filterY"),   get("filterX"),
          get("outputY"),          get("outputX"), get("padY"),      get("padX"),
          get("strideY"),          get("strideX"), get("dilationY"), get("dilationX"),
          get("channelsLast") != 0};
}

/// Of a packed tensor of `inner` channels in each of `groups` groups; a filter has its output channel before them.
Strides stridesOf(std::uint64_t groups, std::uint64_t inner, std::uint64_t height, std::uint64_t width,
                  bool channelsLast) {
  if (!channelsLast) return {1, width, height * width, inner * height * width, groups * inner * height * width};
  return {1, inner, groups * inner, groups * inner * width, groups * inner * width * height};
}

Strides filterStrides(const Problem& p) {
  const std::uint64_t area = p.filterY * p.filterX;
  const std::uint64_t one = area * p.channels;
  if (!p.channelsLast) return {1, static_cast<std::uint64_t>(p.filterX), area, one, one * p.filters};
  const std::uint64_t row = p.channels * p.filterX;
  return {1, static_cast<std::uint64_t>(p.channels), row, one, one * p.filters};
}

/// Position in a tensor of images: image n, group g, channel c of it, row y, column x.
std::size_t place(const Strides& s, bool channelsLast, std::int64_t n, std::int64_t g, std::int64_t c, std::int64_t y,
                  std::int64_t x) {
  return channelsLast ? n * s[4] + y * s[3] + x * s[2] + g * s[1] + c * s[0]
                      : n * s[4] + g * s[3] + c * s[2] + y * s[1] + x * s[0];
}

/// Sums of products in 32 bits, of which an int8 result keeps the lowest 8.
std::vector<std::int8_t> convolve(const Problem& p, const std::vector<std::int8_t>& images,
                                  const std::vector<std::int8_t>& weights, const Strides& in, const Strides& filter,
                                  const Strides& out) {
  std::vector<std::int8_t> result(p.images * p.groups * p.filters * p.outputY * p.outputX);
  for (std::int64_t n = 0; n < p.images; ++n)
    for (std::int64_t k = 0; k < p.groups * p.filters; ++k)
      for (std::int64_t at = 0; at < p.outputY * p.outputX; ++at) {
        const std::int64_t g = k / p.filters;
        std::int32_t sum = 0;
        for (std::int64_t tap = 0; tap < p.channels * p.filterY * p.filterX; ++tap) {
          const std::int64_t c = tap / (p.filterY * p.filterX);
          const std::int64_t tapY = tap / p.filterX % p.filterY;
          const std::int64_t tapX = tap % p.filterX;
          const std::int64_t y = at / p.outputX * p.strideY - p.padY + tapY * p.dilationY;
          const std::int64_t x = at % p.outputX * p.strideX - p.padX + tapX * p.dilationX;
          if (y < 0 || y >= p.height || x < 0 || x >= p.width) continue;
          const std::size_t tapAt = p.channelsLast ? tapY * filter[2] + tapX * filter[1] + c * filter[0]
                                                   : c * filter[2] + tapY * filter[1] + tapX * filter[0];
          const std::size_t weight = g * filter[4] + k % p.filters * filter[3] + tapAt;
          sum += images[place(in, p.channelsLast, n, g, c, y, x)] * weights[weight];
        }
        result[place(out, p.channelsLast, n, g, k % p.filters, at / p.outputX, at % p.outputX)] =
            static_cast<std::int8_t>(sum & 0xff);
      }
  return result;
}

std::vector<std::int8_t> anyBytes(std::size_t count, std::uint64_t seed) {
  std::vector<std::int8_t> bytes(count);
  Elements elements(Type::fp16, (count + 1) / 2, 0);
  fillWithAnyBits(elements, seed);
  std::memcpy(bytes.data(), elements.data(), count);
  return bytes;
}

} // namespace

// Arguments as MIOpen 3.5 passes them [solver/conv/conv_direct_naive_conv_fwd.cpp; compared with the launch events of
// MIOpenDriver runs].
Outcome runNaiveInt8(const Hip& hip, void* module, const Line& line) {
  const Problem p = problemOf(line);
  const Strides in = stridesOf(p.groups, p.channels, p.height, p.width, p.channelsLast);
  const Strides out = stridesOf(p.groups, p.filters, p.outputY, p.outputX, p.channelsLast);
  const Strides filter = filterStrides(p);
  const auto images = anyBytes(p.images * in[4], std::stoull(line.id));
  const auto weights = anyBytes(p.groups * filter[4], std::stoull(line.id) + 1);
  const auto expected = convolve(p, images, weights, in, filter, out);
  std::vector<std::int8_t> found(expected.size(), static_cast<std::int8_t>(kFiller));

  const Buffer source(hip, images.data(), images.size());
  const Buffer kernel(hip, weights.data(), weights.size());
  const Buffer target(hip, found.data(), found.size());
  Arguments arguments;
  arguments.add(source.address()).add(kernel.address()).add(1.0).add(0.0).add(target.address());
  for (const Strides& strides : {in, filter, out})
    for (const std::uint64_t stride : strides) arguments.add(stride);
  for (const std::int64_t value :
       {p.height, p.width, p.images, p.filters, p.channels, p.outputY, p.outputX, p.strideY, p.strideX, p.dilationY,
        p.dilationX, p.padY, p.padX, p.filterY, p.filterX, p.groups}) {
    arguments.add(static_cast<std::int32_t>(value));
  }
  const auto groups = static_cast<unsigned>(line.get("workGroups"));
  const char* layout = p.channelsLast ? "nhwc" : "nchw";
  const std::string name = std::string("naive_conv_ab_nonpacked_fwd_") + layout + "_int8_t_int32_t_int8_t";
  hip.launch(hip.function(module, name.c_str()), groups * 256, 256, arguments.bytes());
  hip.copy(found.data(), target.address(), found.size());

  Outcome outcome;
  outcome.elements = expected.size();
  for (std::size_t at = expected.size(); at-- > 0;) {
    if (expected[at] == found[at]) continue;
    ++outcome.wrong;
    outcome.first = at;
    outcome.expected = static_cast<std::uint8_t>(expected[at]);
    outcome.found = static_cast<std::uint8_t>(found[at]);
  }
  return outcome;
}

} // namespace rdna1::prover
