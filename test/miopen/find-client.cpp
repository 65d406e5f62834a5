// A forward convolution as PyTorch asks for it: workspace query, Find, run; the last two with the workspace or without.
//
//   find-client <libMIOpen.so.1> <n> <c> <h> <w> <k> <r> <stride> <pad> <dilation> <groups> <workspace> <mode>
//
// RDNA1_TEST_COMPARE=1 (for a device that executes) compares what came out with the sums on the host: "wrong
// <elements>". With RDNA1_TEST_FILL=1 the device's memory is then filled and the convolution run once more ("again
// <status>").
//
// workspace: "asked" (what the query said) or "none"; mode: "-" or the number that miopenSetConvolutionFindMode is
// given. Prints "query <bytes>", "found <algorithm> <bytes>", "ran <status>"; algorithm 0 is GEMM, 1 is direct
// [miopen.h, miopenConvFwdAlgorithm_t]. Only the C interface is used, so no header of MIOpen is needed.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <vector>

namespace {

using Object = void*;

struct AlgorithmAndCost { // miopenConvAlgoPerf_t
  int algorithm;
  float time;
  std::size_t memory;
};

template <class... Arguments> int call(const char* name, Arguments... arguments) {
  void* const found = dlsym(RTLD_DEFAULT, name); // HIP from the preloaded device, which comes before the real one
  if (found == nullptr) {
    std::printf("missing %s\n", name);
    std::exit(3);
  }
  return reinterpret_cast<int (*)(Arguments...)>(found)(arguments...);
}

template <class... Arguments> void must(const char* name, Arguments... arguments) {
  const int status = call(name, arguments...);
  if (status == 0) return;
  std::printf("%s: status %d\n", name, status);
  std::fflush(stdout);
  std::_Exit(1);
}

Object tensor(int n, int c, int h, int w) {
  Object descriptor = nullptr;
  must("miopenCreateTensorDescriptor", &descriptor);
  must("miopenSet4dTensorDescriptor", descriptor, 1 /* miopenFloat */, n, c, h, w);
  return descriptor;
}

void* memory(std::size_t bytes) {
  void* pointer = nullptr;
  must("hipMalloc", &pointer, bytes);
  return pointer;
}

void copy(void* to, const void* from, std::size_t bytes) {
  must("hipMemcpy", to, from, bytes, 4 /* hipMemcpyDefault */);
}

/// Small integers, so that sums are exact; in the device's memory as well.
std::vector<float> fill(void* device, std::size_t count, unsigned step) {
  std::vector<float> values(count);
  for (std::size_t at = 0; at < count; ++at) values[at] = static_cast<float>(static_cast<int>(at * step % 13) - 6);
  copy(device, values.data(), count * sizeof(float));
  return values;
}

struct Sizes {
  int n, c, h, w, k, r, stride, pad, dilation, groups, oh, ow;
};

/// The convolution on the host.
std::vector<float> convolve(const Sizes& s, const std::vector<float>& x, const std::vector<float>& weights) {
  const int channels = s.c / s.groups, filters = s.k / s.groups;
  std::vector<float> y(static_cast<std::size_t>(s.n) * s.k * s.oh * s.ow);
  for (std::size_t at = 0; at < y.size(); ++at) {
    const int ox = at % s.ow, oy = at / s.ow % s.oh, k = at / s.ow / s.oh % s.k, n = at / s.ow / s.oh / s.k;
    for (int tap = 0; tap < channels * s.r * s.r; ++tap) {
      const int c = tap / (s.r * s.r), iy = oy * s.stride - s.pad + tap / s.r % s.r * s.dilation;
      const int ix = ox * s.stride - s.pad + tap % s.r * s.dilation;
      if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
      const int channel = k / filters * channels + c;
      y[at] += x[((n * s.c + channel) * s.h + iy) * s.w + ix] * weights[k * channels * s.r * s.r + tap];
    }
  }
  return y;
}

} // namespace

int main(int count, char** words) {
  if (count != 14) return 2;
  if (dlopen(words[1], RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    std::printf("%s\n", dlerror());
    return 3;
  }
  const auto number = [&](int index) { return std::atoi(words[index]); };
  const int n = number(2), c = number(3), h = number(4), w = number(5), k = number(6), r = number(7);
  const int stride = number(8), pad = number(9), dilation = number(10), groups = number(11);
  const std::string workspace = words[12], mode = words[13];

  Object handle = nullptr, convolution = nullptr;
  must("miopenCreate", &handle);
  must("miopenCreateConvolutionDescriptor", &convolution);
  must("miopenInitConvolutionDescriptor", convolution, 0, pad, pad, stride, stride, dilation, dilation);
  must("miopenSetConvolutionGroupCount", convolution, groups);
  if (mode != "-") must("miopenSetConvolutionFindMode", convolution, std::stoi(mode));
  const int reach = dilation * (r - 1) + 1;
  const int oh = (h + 2 * pad - reach) / stride + 1, ow = (w + 2 * pad - reach) / stride + 1;
  const Object x = tensor(n, c, h, w), weights = tensor(k, c / groups, r, r), y = tensor(n, k, oh, ow);
  void* const xData = memory(sizeof(float) * n * c * h * w);
  void* const weightData = memory(sizeof(float) * k * c * r * r);
  const std::size_t results = static_cast<std::size_t>(n) * k * oh * ow;
  void* const yData = memory(sizeof(float) * results);
  const auto xValues = fill(xData, static_cast<std::size_t>(n) * c * h * w, 7);
  const auto weightValues = fill(weightData, static_cast<std::size_t>(k) * (c / groups) * r * r, 5);

  std::size_t asked = 0;
  must("miopenConvolutionForwardGetWorkSpaceSize", handle, weights, x, convolution, y, &asked);
  std::printf("query %zu\n", asked);
  const std::size_t given = workspace == "none" ? 0 : asked;
  void* const space = given == 0 ? nullptr : memory(given);

  AlgorithmAndCost best{};
  int found = 0;
  must("miopenFindConvolutionForwardAlgorithm", handle, x, static_cast<const void*>(xData), weights,
       static_cast<const void*>(weightData), convolution, y, yData, 1, &found, &best, space, given, false);
  std::printf("found %d %zu\n", best.algorithm, best.memory);
  const float one = 1, zero = 0;
  const auto run = [&] {
    return call("miopenConvolutionForward", handle, static_cast<const void*>(&one), x, static_cast<const void*>(xData),
                weights, static_cast<const void*>(weightData), convolution, best.algorithm,
                static_cast<const void*>(&zero), y, yData, space, given);
  };
  std::printf("ran %d\n", run());
  if (std::getenv("RDNA1_TEST_COMPARE") != nullptr) {
    const Sizes sizes = {n, c, h, w, k, r, stride, pad, dilation, groups, oh, ow};
    const auto expected = convolve(sizes, xValues, weightValues);
    std::vector<float> computed(results);
    copy(computed.data(), yData, results * sizeof(float));
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < results; ++at) wrong += computed[at] != expected[at];
    std::printf("wrong %zu\n", wrong);
  }
  if (std::getenv("RDNA1_TEST_FILL") != nullptr) {
    void* rest = nullptr;
    for (std::size_t bytes = std::size_t{1} << 40; bytes > 0; bytes /= 2)
      while (call("hipMalloc", &rest, bytes) == 0) {
      }
    std::printf("again %d\n", run());
  }
  std::fflush(stdout);
  std::_Exit(0);
}
