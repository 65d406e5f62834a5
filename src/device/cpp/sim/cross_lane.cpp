#include "cross_lane.hpp"

#include <algorithm>

namespace rdna1::sim {

namespace {

void copySources(Wave& wave, const Step& step) {
  if (needsScalars(wave, step)) copyScalars(wave, step);
}
/// Of a scalar or constant source.
u32 uniform(const Wave& wave, const Step& step, u32 source) { return step.src[source].in(wave)[0]; }

void runReadFirstLane(Wave& wave, const Step& step) {
  copySources(wave, step);
  const u64 exec = wave.exec64();
  wave.scalar[step.dst] = step.src[0].in(wave)[exec == 0 ? 0 : std::countr_zero(exec)];
}

void runReadLane(Wave& wave, const Step& step) {
  copySources(wave, step);
  wave.scalar[step.dst] = step.src[0].in(wave)[uniform(wave, step, 1) % wave.lanes];
}

void runWriteLane(Wave& wave, const Step& step) {
  copySources(wave, step);
  wave.vector[step.dst + uniform(wave, step, 1) % wave.lanes] = uniform(wave, step, 0);
}

template <bool kOtherRow> void runPermute(Wave& wave, const Step& step) {
  constexpr u32 kRow = 16, kFetchInactive = 1, kBoundControl = 2;
  copySources(wave, step);
  const u64 numbers = uniform(wave, step, 1) | u64{uniform(wave, step, 2)} << 32, exec = wave.exec64();
  const u32 modifiers = step.origin->opSel;
  u32 source[64];
  std::copy_n(step.src[0].in(wave), wave.lanes, source);
  for (u32 lane = 0; lane < wave.lanes; ++lane) {
    if ((exec >> lane & 1) == 0) continue;
    const u32 row = lane / kRow ^ (kOtherRow ? 1 : 0), from = row * kRow + (numbers >> 4 * (lane % kRow) & 15);
    u32& out = wave.vector[step.dst + lane];
    if ((modifiers & kFetchInactive) != 0 || (exec >> from & 1) != 0) out = source[from];
    else if ((modifiers & kBoundControl) != 0) out = 0;
  }
}

/// Words of a register in lanes that are on; `offset`: of its row from Wave::vector.
template <typename Action> void eachLane(Wave& wave, u32 to, u32 from, Action action) {
  const u64 exec = wave.exec64();
  for (u32 lane = 0; lane < wave.lanes; ++lane)
    if ((exec >> lane & 1) != 0) action(wave.vector[to + lane], wave.vector[from + lane]);
}
void move(u32& to, u32& from) { to = from; }
void exchange(u32& to, u32& from) { std::swap(to, from); }

void runSwap(Wave& wave, const Step& step) { eachLane(wave, step.dst, step.src[0].offset, exchange); }

/// A register's row, `index` registers further.
u32 relative(Wave& wave, const Step& step, u32 offset, u32 index) {
  const u64 number = u64{offset} / wave.lanes + index;
  if (number >= wave.vgprs)
    fault(wave, step,
          "M0 selects v" + std::to_string(number) + " of " + std::to_string(wave.vgprs) + " allocated VGPRs");
  return static_cast<u32>(number * wave.lanes);
}

void runMoveDestination(Wave& wave, const Step& step) {
  copySources(wave, step);
  const u32* source = step.src[0].in(wave);
  const u32 to = relative(wave, step, step.dst, wave.scalar[kM0]);
  for (u32 lane = 0; lane < wave.lanes; ++lane)
    if ((wave.exec64() >> lane & 1) != 0) wave.vector[to + lane] = source[lane];
}

void runMoveSource(Wave& wave, const Step& step) {
  eachLane(wave, step.dst, relative(wave, step, step.src[0].offset, wave.scalar[kM0]), move);
}

void runMoveBoth(Wave& wave, const Step& step) {
  const u32 index = wave.scalar[kM0];
  eachLane(wave, relative(wave, step, step.dst, index), relative(wave, step, step.src[0].offset, index), move);
}

template <void (*kAction)(u32&, u32&)> void runBoth2(Wave& wave, const Step& step) {
  const u32 m0 = wave.scalar[kM0], to = m0 >> 16 & 0x3ff, from = m0 & 0x3ff;
  eachLane(wave, relative(wave, step, step.dst, to), relative(wave, step, step.src[0].offset, from), kAction);
}

Shape oneSource() {
  Shape shape;
  shape.dst = Type::b32;
  shape.src[0] = Type::b32;
  return shape;
}

Body relativeBody(Handler run, bool readsDst) {
  Shape shape = oneSource();
  shape.usesM0 = true;
  shape.readsDst = readsDst;
  return {shape, run};
}

} // namespace

Body readFirstLane() {
  Shape shape = oneSource();
  shape.scalarDst = shape.crossLane = true;
  return {shape, runReadFirstLane};
}

Body readLane() {
  Shape shape = oneSource();
  shape.src[1] = Type::b32;
  shape.scalarDst = shape.scalarSrc = shape.crossLane = true;
  return {shape, runReadLane};
}

Body writeLane() {
  Shape shape = oneSource();
  shape.src[1] = Type::b32;
  shape.scalarSrc = shape.readsDst = shape.crossLane = true;
  return {shape, runWriteLane};
}

Body permuteRow(bool otherRow) {
  Shape shape = oneSource();
  shape.src[1] = shape.src[2] = Type::b32;
  shape.readsDst = shape.crossLane = true;
  return {shape, otherRow ? runPermute<true> : runPermute<false>};
}

Body swap() {
  Shape shape = oneSource();
  shape.readsDst = true;
  return {shape, runSwap};
}

Body moveRelativeDestination() { return relativeBody(runMoveDestination, true); }
Body moveRelativeSource() { return relativeBody(runMoveSource, false); }
Body moveRelativeBoth() { return relativeBody(runMoveBoth, true); }
Body moveRelativeBoth2() { return relativeBody(runBoth2<move>, true); }
Body swapRelative() { return relativeBody(runBoth2<exchange>, true); }
Body nothing() { return {Shape{}, nothing}; }

} // namespace rdna1::sim
