// Kernel descriptors and argument segments.
#include "execute.hpp"

#include <algorithm>
#include <cstring>

namespace rdna1::sim {
namespace {

std::uint32_t wordAt(const std::byte* bytes, std::size_t offset) {
  std::uint32_t word;
  std::memcpy(&word, bytes + offset, sizeof word);
  return word;
}

/// Private bytes of a work-item whose stack the compiler cannot bound: hipLimitStackSize's default.
constexpr std::uint32_t kDynamicStack = 1024;

constexpr std::uint32_t bits(std::uint32_t word, unsigned first, unsigned count) {
  return word >> first & ((1U << count) - 1);
}

/// Value of a hidden argument [LLVM AMDGPUUsage, "Code Object V5 Metadata"]; 0 for what this device does not have
/// (printf and hostcall buffers, heaps, queues): a kernel that uses them faults at address 0.
std::uint64_t hiddenValue(const std::string& kind, const Dispatch& dispatch) {
  const auto axis = static_cast<std::size_t>(kind.empty() ? 0 : kind.back() - 'x');
  if (kind.starts_with("hidden_block_count_")) return dispatch.grid[axis] / dispatch.block[axis];
  if (kind.starts_with("hidden_group_size_")) return dispatch.block[axis];
  if (kind.starts_with("hidden_remainder_")) return dispatch.grid[axis] % dispatch.block[axis];
  if (kind == "hidden_grid_dims") return dispatch.grid[2] > 1 ? 3 : dispatch.grid[1] > 1 ? 2 : 1;
  if (kind == "hidden_dynamic_lds_size") return dispatch.dynamicLds;
  if (kind == "hidden_private_base") return kPrivateAperture; // as SRC_PRIVATE_BASE reads
  if (kind == "hidden_shared_base") return kSharedAperture;
  return 0;
}

} // namespace

Descriptor readDescriptor(const std::byte* bytes) {
  Descriptor out;
  out.scratchBytes = wordAt(bytes, 4);
  std::memcpy(&out.entry, bytes + 16, sizeof out.entry);
  const std::uint32_t rsrc1 = wordAt(bytes, 48), rsrc2 = wordAt(bytes, 52), properties = wordAt(bytes, 56) & 0xffff;
  out.waveSize = bits(properties, 10, 1) != 0 ? 32 : 64;
  if (bits(properties, 11, 1) != 0) out.scratchBytes = std::max(out.scratchBytes, kDynamicStack);
  out.wgpMode = bits(rsrc1, 29, 1) != 0;
  out.vgprs = (bits(rsrc1, 0, 6) + 1) * (out.waveSize == 32 ? 8 : 4);
  out.mode = bits(rsrc1, 12, 8) | bits(rsrc1, 21, 1) << 8 | bits(rsrc1, 23, 1) << 9;
  out.privateSegment = bits(rsrc2, 0, 1) != 0;
  out.userSgprs = bits(rsrc2, 1, 5);
  for (unsigned axis = 0; axis < 3; ++axis) out.groupId[axis] = bits(rsrc2, 7 + axis, 1) != 0;
  out.groupInfo = bits(rsrc2, 10, 1) != 0;
  out.workItemIds = bits(rsrc2, 11, 2);
  bool* const flags[] = {&out.privateSegmentBuffer, &out.dispatchPointer, &out.queuePointer,      &out.kernargPointer,
                         &out.dispatchId,           &out.flatScratchInit, &out.privateSegmentSize};
  for (unsigned i = 0; i < std::size(flags); ++i) *flags[i] = bits(properties, i, 1) != 0;
  return out;
}

std::vector<std::byte> argumentSegment(const Dispatch& dispatch) {
  const Kernel& kernel = *dispatch.function->kernel;
  std::vector<std::byte> segment(std::max<std::size_t>({kernel.kernargSize, dispatch.kernarg.size(), 8}));
  std::ranges::copy(dispatch.kernarg, segment.begin());
  for (const KernelArgument& argument : kernel.arguments) {
    if (!argument.hidden() || argument.offset + argument.size > segment.size()) continue;
    const std::uint64_t value = hiddenValue(argument.kind, dispatch);
    std::memcpy(segment.data() + argument.offset, &value, std::min<std::size_t>(argument.size, sizeof value));
  }
  return segment;
}

std::vector<std::byte> dispatchPacket(const Dispatch& dispatch, std::uint32_t scratchBytes, const std::byte* descriptor,
                                      const std::byte* arguments) {
  std::vector<std::byte> packet(64);
  const auto put = [&](std::size_t offset, auto value) { std::memcpy(packet.data() + offset, &value, sizeof value); };
  put(0, std::uint16_t{2}); // HSA_PACKET_TYPE_KERNEL_DISPATCH
  put(2, static_cast<std::uint16_t>(dispatch.grid[2] > 1 ? 3 : dispatch.grid[1] > 1 ? 2 : 1));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    put(4 + axis * 2, static_cast<std::uint16_t>(dispatch.block[axis]));
    put(12 + axis * 4, dispatch.grid[axis]);
  }
  put(24, scratchBytes);
  put(28, dispatch.function->kernel->ldsSize + dispatch.dynamicLds);
  put(32, descriptor);
  put(40, arguments);
  return packet;
}

} // namespace rdna1::sim
