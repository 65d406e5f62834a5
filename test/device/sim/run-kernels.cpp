// Launches kernels as a plan on standard input says, one word list a line:
//   load <file>
//   launch <kernel> <grid x y z> <block x y z> <dynamic LDS bytes> <argument>…
// with arguments in <hex bytes>      a buffer with this content
//                new <bytes>         a buffer that nothing was written to
//                freed <bytes>       a buffer that was given back before the launch
//                same <n>            the n-th buffer of this run, counted over all launches
//                word <number>       four bytes by value        long <number>   eight bytes by value
// and writes for each launch "result <hip error name>" and "buffer <hex bytes>" for each of its buffers.
#include <hip/hip_ext.h>
#include <hip/hip_runtime_api.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Buffer {
  std::uint8_t* device = nullptr;
  std::size_t bytes = 0;
};

void must(hipError_t error, const char* what) {
  if (error == hipSuccess) return;
  std::printf("failed %s: %s\n", what, hipGetErrorName(error));
  std::fflush(stdout);
  std::_Exit(1);
}

std::vector<std::uint8_t> bytesOf(const std::string& hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

Buffer newBuffer(std::size_t bytes) {
  Buffer buffer{nullptr, bytes};
  must(hipMalloc(reinterpret_cast<void**>(&buffer.device), bytes), "hipMalloc");
  return buffer;
}

template <typename T> void append(std::vector<std::uint8_t>& arguments, T value) {
  arguments.resize((arguments.size() + sizeof value - 1) / sizeof value * sizeof value);
  const auto* first = reinterpret_cast<const std::uint8_t*>(&value);
  arguments.insert(arguments.end(), first, first + sizeof value);
}

void launch(std::istringstream& line, hipModule_t module, std::vector<Buffer>& buffers) {
  std::string kernel, kind, value;
  unsigned size[6] = {}, lds = 0;
  line >> kernel;
  for (unsigned& one : size) line >> one;
  line >> lds;
  std::vector<std::uint8_t> arguments;
  std::vector<std::size_t> shown;
  while (line >> kind >> value) {
    if (kind == "word") append(arguments, static_cast<std::uint32_t>(std::stoull(value)));
    else if (kind == "long") append(arguments, static_cast<std::uint64_t>(std::stoull(value)));
    else if (kind == "freed") {
      const Buffer buffer = newBuffer(std::stoull(value));
      must(hipFree(buffer.device), "hipFree");
      append(arguments, buffer.device);
    } else {
      std::size_t index = buffers.size();
      if (kind == "same") index = std::stoull(value);
      else if (kind == "new") buffers.push_back(newBuffer(std::stoull(value)));
      else {
        const auto bytes = bytesOf(value);
        buffers.push_back(newBuffer(bytes.size()));
        must(hipMemcpy(buffers.back().device, bytes.data(), bytes.size(), hipMemcpyHostToDevice), "hipMemcpy");
      }
      append(arguments, buffers.at(index).device);
      shown.push_back(index);
    }
  }
  hipFunction_t function = nullptr;
  must(hipModuleGetFunction(&function, module, kernel.c_str()), kernel.c_str());
  std::size_t argumentBytes = arguments.size();
  void* extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, arguments.data(), HIP_LAUNCH_PARAM_BUFFER_SIZE, &argumentBytes,
                   HIP_LAUNCH_PARAM_END};
  const hipError_t result = hipExtModuleLaunchKernel(function, size[0], size[1], size[2], size[3], size[4], size[5],
                                                     lds, nullptr, nullptr, extra, nullptr, nullptr, 0);
  std::printf("result %s\n", hipGetErrorName(result));
  for (const std::size_t index : shown) {
    std::string hex;
    hex.reserve(buffers[index].bytes * 2);
    for (std::size_t i = 0; i < buffers[index].bytes; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex += kDigits[buffers[index].device[i] >> 4];
      hex += kDigits[buffers[index].device[i] & 15];
    }
    std::printf("buffer %s\n", hex.c_str());
  }
}

} // namespace

int main() {
  std::ios::sync_with_stdio(false);
  hipModule_t module = nullptr;
  std::vector<Buffer> buffers;
  for (std::string text; std::getline(std::cin, text);) {
    std::istringstream line(text);
    std::string verb, file;
    line >> verb;
    if (verb == "load") {
      line >> file;
      must(hipModuleLoad(&module, file.c_str()), "hipModuleLoad");
    } else if (verb == "launch") {
      launch(line, module, buffers);
    }
  }
  std::puts("end");
}
