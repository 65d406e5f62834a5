/** A card architecture that this project serves. */
export type Target = "gfx1010" | "gfx1011" | "gfx1012";

/** What the rest of the program has to know about a target. */
export interface TargetFacts {
  target: Target;
  chip: string;
  cards: string;
  /** ELF `e_flags` machine field (low byte) [LLVM AMDGPUUsage, EF_AMDGPU_MACH]. */
  mach: number;
  /** Work-group processors of the cards, largest first; HIP reports this count as multiProcessorCount (facts: MIOpen §8). */
  wgps: readonly number[];
}

/** The targets in order of name. */
export const TARGETS: Readonly<Record<Target, TargetFacts>> = Object.freeze({
  gfx1010: {
    target: "gfx1010",
    chip: "Navi 10",
    cards: "RX 5700 XT, RX 5700, RX 5600 XT, RX 5600, Radeon Pro W5700",
    mach: 0x33,
    wgps: [20, 18, 16],
  },
  gfx1011: {
    target: "gfx1011",
    chip: "Navi 12",
    cards: "Radeon Pro 5600M, Radeon Pro V520",
    mach: 0x34,
    wgps: [20, 18],
  },
  gfx1012: {
    target: "gfx1012",
    chip: "Navi 14",
    cards: "RX 5500 XT, RX 5500, RX 5300, Radeon Pro W5500",
    mach: 0x35,
    wgps: [12, 11, 10],
  },
});

export function isTarget(name: string): name is Target {
  return Object.hasOwn(TARGETS, name);
}

/** Why a name that is not a target is refused, in a user's words. */
export function whyNotTarget(name: string): string {
  if (/^gfx103\d$/.test(name)) {
    return `${name} is RDNA2: its machine code lacks every work-around for the hardware bugs of RDNA1 and can hang an RX 5000 card; AMD's own packages serve ${name}`;
  }
  if (name === "gfx1013") return "gfx1013 (BC-250) is a relative of RDNA1 that nothing here has been checked on";
  return `${name || "(empty)"} is not an RDNA1 target`;
}
