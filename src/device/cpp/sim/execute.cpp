#include "execute.hpp"

#include "../config.hpp"
#include "../memory.hpp"
#include "float_mode.hpp"
#include "scratch.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <span>
#include <thread>

namespace rdna1::sim {
namespace {

/// What registers and LDS hold before a kernel writes them: a NaN as f32 and f64, an odd number otherwise, so that a
/// result that depends on it is wrong and the same in every run.
constexpr std::uint32_t kPoison = 0xfff7a5a5;
/// Instructions after which the next wave of the group gets its turn, so that waves may wait for each other.
constexpr std::uint64_t kTurn = 1'000'000;
/// Helpers are worth their start after this time.
constexpr std::chrono::microseconds kAlone{300};

std::uint32_t divideUp(std::uint32_t value, std::uint32_t by) { return value / by + (value % by != 0 ? 1 : 0); }

} // namespace

/// What one thread needs to run work-groups, used again for each.
struct Launch::Worker {
  std::uint32_t number = 0;
  WorkGroup group;
  std::vector<Wave> waves;
  std::vector<Line> registers;
  std::vector<std::byte> lds;
  std::uint64_t instructions = 0;
  std::exception_ptr failure;
};

Launch::Launch(const Dispatch& dispatch) : dispatch_(dispatch) {
  const Module& module = *dispatch.function->module;
  const std::byte* descriptor = module.image + kernel().descriptor;
  descriptor_ = readDescriptor(descriptor);
  if (kernel().waveSize != 0 && kernel().waveSize != descriptor_.waveSize) {
    throw Fault{"the metadata says wave" + std::to_string(kernel().waveSize) + ", the kernel descriptor wave" +
                std::to_string(descriptor_.waveSize)};
  }
  program_ = &programOf(module, kernel(), descriptor_);
  kernarg_ = argumentSegment(dispatch);
  regions_.add({reinterpret_cast<std::uint64_t>(kernarg_.data()),
                reinterpret_cast<std::uint64_t>(kernarg_.data()) + kernarg_.size(), false, "kernel arguments"});
  for (int axis = 0; axis < 3; ++axis) groups_[axis] = divideUp(dispatch.grid[axis], dispatch.block[axis]);
  wavesOfGroup_ = divideUp(dispatch.block[0] * dispatch.block[1] * dispatch.block[2], descriptor_.waveSize);
  packet_ = dispatchPacket(dispatch, descriptor_.scratchBytes, descriptor, kernarg_.data());
  regions_.add({reinterpret_cast<std::uint64_t>(packet_.data()),
                reinterpret_cast<std::uint64_t>(packet_.data()) + packet_.size(), false, "dispatch packet"});
  entry_ = program_->blockAt(kernel().descriptor + static_cast<std::uint64_t>(descriptor_.entry));
}

Launch::~Launch() {
  if (scratch_ != nullptr) ::operator delete(scratch_, std::align_val_t{4096});
}

std::uint64_t Launch::run(unsigned jobs) {
  const std::uint64_t total = std::uint64_t{groups_[0]} * groups_[1] * groups_[2];
  jobs = static_cast<unsigned>(std::min<std::uint64_t>(jobs, total));
  scratchOfWave_ = (std::uint64_t{descriptor_.scratchBytes} + 3) / 4 * 4 * descriptor_.waveSize;
  if (const std::uint64_t bytes = scratchOfWave_ * wavesOfGroup_ * jobs; bytes != 0) {
    scratch_ = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{4096}));
    std::memset(scratch_, 0xa5, bytes);
    scratchWritten_.resize(std::size_t{wavesOfGroup_} * jobs);
    auto base = reinterpret_cast<std::uint64_t>(scratch_);
    for (WrittenMap& written : scratchWritten_) {
      written.reset(scratchOfWave_);
      written.prepare();
      regions_.add({base, base + scratchOfWave_, true, "private memory", &written, "uninitialised-scratch", true});
      base += scratchOfWave_;
    }
  }
  std::vector<Worker> workers(jobs);
  for (unsigned i = 0; i < jobs; ++i) workers[i].number = i;
  std::vector<std::thread> threads;
  const auto started = std::chrono::steady_clock::now();
  const auto start = [&](Worker& worker) {
    try {
      work(worker);
    } catch (...) {
      worker.failure = std::current_exception();
      stop_.store(true, std::memory_order_relaxed);
    }
  };
  try { // the first worker is this thread; the others come when the launch turns out to be long
    for (std::uint64_t index = nextGroup_++; index < total && !stop_; index = nextGroup_++) {
      runGroup(workers[0], index);
      if (threads.empty() && jobs > 1 && std::chrono::steady_clock::now() - started > kAlone) {
        for (unsigned i = 1; i < jobs; ++i) threads.emplace_back(start, std::ref(workers[i]));
      }
    }
  } catch (...) {
    workers[0].failure = std::current_exception();
    stop_ = true;
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t instructions = 0;
  for (const Worker& worker : workers) {
    if (worker.failure) std::rethrow_exception(worker.failure);
    instructions += worker.instructions;
  }
  return instructions;
}

void Launch::work(Worker& worker) {
  const std::uint64_t total = std::uint64_t{groups_[0]} * groups_[1] * groups_[2];
  for (std::uint64_t index = nextGroup_++; index < total && !stop_; index = nextGroup_++) runGroup(worker, index);
}

void Launch::runGroup(Worker& worker, std::uint64_t index) {
  WorkGroup& group = worker.group;
  group.launch = this;
  group.id[0] = static_cast<std::uint32_t>(index % groups_[0]);
  group.id[1] = static_cast<std::uint32_t>(index / groups_[0] % groups_[1]);
  group.id[2] = static_cast<std::uint32_t>(index / groups_[0] / groups_[1]);
  for (int axis = 0; axis < 3; ++axis) { // [LLVM AMDGPUUsage, hidden_remainder_x; PARTIAL_TG_EN of COMPUTE_DISPATCH]
    const std::uint32_t block = dispatch_.block[axis];
    group.size[axis] = std::min(block, dispatch_.grid[axis] - group.id[axis] * block);
  }
  group.waves = divideUp(group.size[0] * group.size[1] * group.size[2], descriptor_.waveSize);
  group.ldsBytes = kernel().ldsSize + dispatch_.dynamicLds;
  group.ldsAllocated = divideUp(group.ldsBytes, kLdsUnit) * kLdsUnit;
  group.wgpMode = descriptor_.wgpMode;
  if (worker.waves.empty()) {
    worker.waves.resize(wavesOfGroup_);
    worker.registers.resize(std::size_t{wavesOfGroup_} * (descriptor_.vgprs + kTemporaryRows) * descriptor_.waveSize /
                            16);
    worker.lds.resize(group.ldsAllocated + 16);
  }
  for (std::size_t at = 0; at < group.ldsAllocated; at += 4) std::memcpy(worker.lds.data() + at, &kPoison, 4);
  group.lds = worker.lds.data();
  group.ldsWritten.reset(group.ldsBytes);
  const std::span waves = std::span(worker.waves).first(group.waves);
  for (std::uint32_t number = 0; number < group.waves; ++number) startWave(worker, waves[number], number);
  const bool descending = config().waves == WaveOrder::descending;
  for (std::size_t running = group.waves; running != 0;) {
    for (std::uint32_t turn = 0; turn < group.waves; ++turn) {
      Wave& wave = waves[descending ? group.waves - 1 - turn : turn];
      if (wave.status == Wave::Status::running) runWave(worker, wave);
      if (stop_.load(std::memory_order_relaxed)) return;
    }
    running = std::ranges::count(waves, Wave::Status::running, &Wave::status);
    if (running != 0) continue;
    for (Wave& wave : waves) { // all that have not ended stand at the barrier
      if (wave.status != Wave::Status::atBarrier) continue;
      wave.status = Wave::Status::running;
      ++running;
    }
  }
  for (const Wave& wave : waves) worker.instructions += wave.instructions;
}

void Launch::startWave(Worker& worker, Wave& wave, std::uint32_t number) {
  const std::uint32_t lanes = descriptor_.waveSize;
  const std::size_t words = std::size_t{descriptor_.vgprs + kTemporaryRows} * lanes;
  wave = Wave{};
  wave.vector = worker.registers.data()->words + words * number;
  wave.lanes = lanes;
  wave.vgprs = descriptor_.vgprs;
  wave.mode = descriptor_.mode;
  wave.number = number;
  wave.group = &worker.group;
  wave.program = program_;
  wave.next = entry_;
  std::fill_n(wave.vector, std::size_t{descriptor_.vgprs} * lanes, kPoison);
  std::fill_n(wave.scalar, 108, kPoison);
  wave.scalar[kM0] = kPoison;
  std::uint64_t active = 0;
  const std::uint32_t* size = worker.group.size;
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    const std::uint32_t item = number * lanes + lane;
    if (item >= size[0] * size[1] * size[2]) break;
    const std::uint32_t id[3] = {item % size[0], item / size[0] % size[1], item / size[0] / size[1]};
    for (std::uint32_t axis = 0; axis < 3 && axis <= descriptor_.workItemIds; ++axis) wave.row(axis)[lane] = id[axis];
    active |= std::uint64_t{1} << lane;
  }
  wave.scalar[kExec] = static_cast<std::uint32_t>(active);
  wave.scalar[kExec + 1] = static_cast<std::uint32_t>(active >> 32);
  const std::uint64_t slot = std::uint64_t{worker.number} * wavesOfGroup_ + number;
  const auto arena = reinterpret_cast<std::uint64_t>(scratch_);
  if (scratch_ != nullptr) {
    scratchWritten_[slot].reset(scratchOfWave_);
    wave.privateMemory = arena + scratchOfWave_ * slot;
  }
  std::uint32_t next = 0;
  const auto give = [&](bool wanted, std::uint64_t value, std::uint32_t registers) {
    for (std::uint32_t i = 0; wanted && i < registers; ++i, value >>= 32) {
      wave.scalar[next++] = static_cast<std::uint32_t>(value);
    }
  };
  if (descriptor_.privateSegmentBuffer) {
    const auto words4 = scratchDescriptor(arena, lanes, scratchOfWave_ * (slot + 1));
    for (const std::uint32_t word : words4) give(true, word, 1);
  }
  give(descriptor_.dispatchPointer, reinterpret_cast<std::uint64_t>(packet_.data()), 2);
  give(descriptor_.queuePointer, 0, 2); // not modelled: reading it faults
  give(descriptor_.kernargPointer, reinterpret_cast<std::uint64_t>(kernarg_.data()), 2);
  give(descriptor_.dispatchId, dispatchCount(), 2);
  give(descriptor_.flatScratchInit, arena, 2);
  give(descriptor_.privateSegmentSize, descriptor_.scratchBytes, 1);
  next = descriptor_.userSgprs; // what the descriptor counts besides is not given
  for (int axis = 0; axis < 3; ++axis) give(descriptor_.groupId[axis], worker.group.id[axis], 1);
  give(descriptor_.groupInfo, worker.group.waves, 1);
  give(descriptor_.privateSegment, scratchOfWave_ * slot, 1);
  wave.flow = program_->flow().entry(next, descriptor_.workItemIds + 1, worker.group.waves > 1);
}

void Launch::runWave(Worker&, Wave& wave) {
  const std::uint64_t budget = config().budget;
  const std::uint64_t turn = wave.instructions + kTurn;
  while (wave.status == Wave::Status::running) {
    Block* const block = wave.block = wave.next;
    const FlowEdge* edge = block->flow.load(std::memory_order_acquire);
    if (edge != nullptr && edge->in == wave.flow) wave.flow = edge->out;
    else wave.flow = program_->flow().pass(wave, *block);
    wave.instructions += block->steps.size();
    wave.next = nullptr;
    const Step* step = block->work.data();
    const Step* const end = step + block->work.size();
    if ((wave.mode & kModeFloatMask) == kModeFloatDefault) {
      for (; step != end; ++step) step->run(wave, *step);
    } else {
      runWithMode(wave, step, end);
    }
    if (wave.next == nullptr && wave.status != Wave::Status::ended) {
      Block* following = block->following.load(std::memory_order_acquire);
      if (following == nullptr) {
        following = program_->blockAt(block->endOffset);
        block->following.store(following, std::memory_order_release);
      }
      wave.next = following;
    }
    if (wave.instructions > turn) {
      if (wave.instructions > budget) {
        fault(wave, block->steps.back(),
              "a wave has executed " + std::to_string(wave.instructions) +
                  " instructions and not ended: an endless loop, or RDNA1_DEVICE_BUDGET is too small");
      }
      return;
    }
  }
}

} // namespace rdna1::sim
