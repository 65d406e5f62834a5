// Runs kernels of a kernel set on a HIP device and compares what comes out with references of our own, bit by bit.
//
//   prover <plan file> <file of the objects>
//
// The HIP runtime is the one that was loaded before it (LD_PRELOAD): the virtual device is as good as a card's. One
// JSON line a case on standard output; the exit code says only whether the plan was carried out (0), could not be (2),
// or ended with a kernel that did not come to its end (3), not how the cases came out.
#include "cases.hpp"

#include <cinttypes>
#include <cstdio>
#include <map>
#include <stdexcept>

namespace rdna1::prover {
namespace {

using Run = Outcome (*)(const Hip&, void*, const Line&);

const std::map<std::string, Run> kKinds = {
    {"im2d2col", runIm2d2Col},
    {"col2im3d", runCol2Im3d},
    {"setTensor", runSetTensor},
    {"naiveInt8", runNaiveInt8},
};

/// Exit code after a kernel that did not come to its end.
constexpr int kFaulted = 3;

std::vector<char> readPart(const std::string& file, std::uint64_t offset, std::uint64_t bytes) {
  std::ifstream input(file, std::ios::binary);
  std::vector<char> content(bytes);
  input.seekg(static_cast<std::streamoff>(offset));
  if (!input.read(content.data(), static_cast<std::streamsize>(bytes))) {
    throw std::runtime_error("cannot read " + std::to_string(bytes) + " bytes of " + file);
  }
  return content;
}

void report(const Line& line, const Outcome& outcome) {
  std::printf("{\"id\":%s,\"elements\":%zu,\"wrong\":%zu,\"first\":%zu,\"expected\":\"%" PRIx32
              "\",\"found\":\"%" PRIx32 "\"}\n",
              line.id.c_str(), outcome.elements, outcome.wrong, outcome.first, outcome.expected, outcome.found);
}

void report(const Line& line, const HipError& error) {
  std::printf("{\"id\":%s,\"call\":\"%s\",\"code\":%d}\n", line.id.c_str(), error.call.c_str(), error.code);
}

/// The module of the last `object` line; a new one replaces it.
class Current {
public:
  Current(const Hip& hip, std::string objects) : hip_(hip), objects_(std::move(objects)) {}
  ~Current() { unload(); }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

  void load(const Line& line) {
    unload();
    content_ = readPart(objects_, line.offset, line.bytes);
  }
  /// Loads on first use, so that a refusal is the result of the cases and not the end of the run.
  void* module() {
    if (content_.empty()) throw std::runtime_error("a case stands before the first object");
    if (module_ == nullptr) module_ = hip_.loadModule(content_.data());
    return module_;
  }

private:
  void unload() {
    if (module_ != nullptr) hip_.unloadModule(module_);
    module_ = nullptr;
  }

  const Hip& hip_;
  std::string objects_;
  std::vector<char> content_;
  void* module_ = nullptr;
};

void carryOut(const Hip& hip, const char* planFile, const char* objects) {
  Plan plan(planFile);
  Current current(hip, objects);
  for (Line line; plan.next(line);) {
    if (line.kind == "object") {
      current.load(line);
      continue;
    }
    const auto run = kKinds.find(line.kind);
    if (run == kKinds.end()) throw std::runtime_error("case " + line.id + ": " + line.kind + " is no kind of case");
    try {
      report(line, run->second(hip, current.module(), line));
    } catch (const HipError& error) {
      report(line, error);
      std::fflush(stdout);
      // After a fault a card's runtime answers every call of this process with that error, so nothing more can be told.
      if (error.inLaunch()) std::_Exit(kFaulted);
    }
    std::fflush(stdout);
  }
}

} // namespace
} // namespace rdna1::prover

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: prover <plan file> <file of the objects>\n");
    return 2;
  }
  try {
    const rdna1::prover::Hip hip;
    rdna1::prover::carryOut(hip, arguments[1], arguments[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "prover: %s\n", error.what());
  } catch (const rdna1::prover::HipError& error) {
    std::fprintf(stderr, "prover: %s failed with %d\n", error.call.c_str(), error.code);
  }
  return 2;
}
