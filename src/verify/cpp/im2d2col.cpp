#include "cases.hpp"

namespace rdna1::prover {
namespace {

/// One axis of a convolution.
struct Axis {
  std::int64_t image, filter, output, pad, stride, dilation;

  /// Image position that a filter position reads for an output position; outside the image where it is padding.
  std::int64_t source(std::int64_t out, std::int64_t tap) const { return out * stride - pad + tap * dilation; }
  bool inside(std::int64_t position) const { return position >= 0 && position < image; }
};

Axis axisOf(const Line& line, const char* suffix) {
  const auto get = [&](const char* name) { return line.get(std::string(name) + suffix); };
  return {get("image"), get("filter"), get("output"), get("pad"), get("stride"), get("dilation")};
}

/// columns[c][filterY][filterX][outputY][outputX] is the image's element, or zero in the padding.
void expectColumns(Elements& columns, const Elements& images, std::size_t offset, std::int64_t channels, const Axis& y,
                   const Axis& x) {
  std::size_t at = 0;
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    for (std::int64_t tapY = 0; tapY < y.filter; ++tapY) {
      for (std::int64_t tapX = 0; tapX < x.filter; ++tapX) {
        for (std::int64_t outY = 0; outY < y.output; ++outY) {
          const std::int64_t row = y.source(outY, tapY);
          for (std::int64_t outX = 0; outX < x.output; ++outX, ++at) {
            const std::int64_t column = x.source(outX, tapX);
            const bool inside = y.inside(row) && x.inside(column);
            columns.set(at, inside ? images.get(offset + (channel * y.image + row) * x.image + column) : 0);
          }
        }
      }
    }
  }
}

} // namespace

// Arguments as MIOpen 3.5 passes them [utilocl.cpp Im2d2ColGPU; compared with the launch events of MIOpenDriver runs].
Outcome runIm2d2Col(const Hip& hip, void* module, const Line& line) {
  const Type type = typeOf(line);
  const Axis y = axisOf(line, "Y");
  const Axis x = axisOf(line, "X");
  const std::int64_t channels = line.get("channels");
  const std::int64_t size = channels * y.image * x.image;
  const std::size_t offset = line.get("which") * size;
  Elements images(type, line.get("images") * size, kFiller);
  fillWithAnyBits(images, std::stoull(line.id));
  Elements columns(type, channels * y.filter * x.filter * y.output * x.output, kFiller);

  const Buffer source(hip, images.data(), images.bytes());
  const Buffer target(hip, columns.data(), columns.bytes());
  const auto i32 = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  Arguments arguments;
  arguments.add(i32(size)).add(source.address()).add(static_cast<std::uint64_t>(offset));
  arguments.add(i32(y.image)).add(i32(x.image)).add(i32(y.filter)).add(i32(x.filter));
  arguments.add(i32(y.output)).add(i32(x.output)).add(i32(y.pad)).add(i32(x.pad));
  arguments.add(i32(y.stride)).add(i32(x.stride)).add(i32(y.dilation)).add(i32(x.dilation)).add(target.address());
  arguments.add(i32(line.get("together"))).add(i32(line.get("blocksX"))).add(i32(line.get("blocks")));
  arguments.add(i32(line.get("tileX"))).add(i32(line.get("tileY")));
  const auto groups = static_cast<unsigned>(line.get("groups"));
  hip.launch(hip.function(module, "Im2d2Col_v2"), groups * 256, 256, arguments.bytes());

  Elements expected(type, columns.count(), kFiller);
  expectColumns(expected, images, offset, channels, y, x);
  hip.copy(columns.data(), target.address(), columns.bytes());
  return compare(expected, columns);
}

} // namespace rdna1::prover
