// Running a dispatch: work-groups over threads, waves of a group in turns, blocks of a wave one after the other.
#pragma once

#include "../launch.hpp"
#include "../written.hpp"
#include "program.hpp"
#include "regions.hpp"

#include <atomic>
#include <optional>

namespace rdna1::sim {

/// What the kernel descriptor says [LLVM AMDGPUUsage, "Kernel Descriptor"].
struct Descriptor {
  std::int64_t entry = 0;         ///< of the code, from the descriptor, in bytes
  std::uint32_t scratchBytes = 0; ///< private bytes of a work-item
  std::uint32_t waveSize = 64;
  std::uint32_t vgprs = 0; ///< allocated for each lane
  std::uint32_t userSgprs = 0;
  std::uint32_t mode = 0;        ///< initial HW_REG_MODE
  std::uint32_t workItemIds = 0; ///< 0: x in v0; 1: and y in v1; 2: and z in v2
  bool privateSegmentBuffer = false, dispatchPointer = false, queuePointer = false, kernargPointer = false;
  bool dispatchId = false, flatScratchInit = false, privateSegmentSize = false, privateSegment = false;
  bool groupId[3] = {}, groupInfo = false;
  bool wgpMode = true; ///< a work-group may use both compute units of a WGP
};

/// Reads the 64 bytes of a kernel descriptor.
Descriptor readDescriptor(const std::byte* bytes);

/// The kernel-argument segment: explicit arguments, then the hidden ones that the metadata asks for.
std::vector<std::byte> argumentSegment(const Dispatch& dispatch);

/// The AQL packet of the dispatch, as a kernel may read it [HSA runtime specification, hsa_kernel_dispatch_packet_t].
std::vector<std::byte> dispatchPacket(const Dispatch& dispatch, std::uint32_t scratchBytes, const std::byte* descriptor,
                                      const std::byte* arguments);

/// One dispatch while it executes.
class Launch {
public:
  /// Throws Fault when the kernel cannot be started.
  explicit Launch(const Dispatch& dispatch);
  ~Launch();
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  /// Runs all work-groups; throws the first Fault. Returns the wave-instructions executed.
  std::uint64_t run(unsigned jobs);

  const Dispatch& dispatch() const { return dispatch_; }
  const Descriptor& descriptor() const { return descriptor_; }
  Regions& regions() { return regions_; }
  const Kernel& kernel() const { return *dispatch_.function->kernel; }

private:
  struct Worker;
  void work(Worker& worker);
  void runGroup(Worker& worker, std::uint64_t index);
  void startWave(Worker& worker, Wave& wave, std::uint32_t number);
  void runWave(Worker& worker, Wave& wave);

  const Dispatch& dispatch_;
  Descriptor descriptor_;
  Program* program_ = nullptr;
  std::vector<std::byte> kernarg_;
  std::vector<std::byte> packet_;
  std::byte* scratch_ = nullptr;           ///< private memory of all waves that run at once
  std::uint64_t scratchOfWave_ = 0;        ///< bytes
  std::vector<WrittenMap> scratchWritten_; ///< for each wave that runs at once
  Regions regions_;
  std::uint32_t groups_[3] = {};   ///< work-groups on each axis
  std::uint32_t wavesOfGroup_ = 0; ///< of a group that is not the last one of an axis
  Block* entry_ = nullptr;
  std::atomic<std::uint64_t> nextGroup_{0};
  std::atomic<bool> stop_{false};
};

/// What one dispatch did.
struct Outcome {
  std::uint64_t instructions = 0;     ///< of all waves
  std::optional<std::string> problem; ///< it faulted; memory is as it was when it did
};

/// Executes a dispatch, logs faults and findings, and counts instructions.
Outcome execute(const Dispatch& dispatch);

/// The code of a kernel made ready for execution; made once for each loaded module.
Program& programOf(const Module& module, const Kernel& kernel, const Descriptor& descriptor);

/// Whether findings are faults, and registers that were never written are looked for.
bool strict();

/// The kernel, module and place of a step, for messages: "kernel + 0x1a4: v_add_f32_e32 v1, v2, v3".
std::string placeOf(const Wave& wave, const Instruction& instruction);

// Control transfers of scalar formats.
void getPc(Wave& wave, const Step& step);
void setPc(Wave& wave, const Step& step);
void swapPc(Wave& wave, const Step& step);
void callRelative(Wave& wave, const Step& step);

} // namespace rdna1::sim
