import type { Mutant } from "./wrong-simulator.ts";

/** What no test can notice, and why. */
const KNOWN: readonly { operation: RegExp; ways: RegExp; why: string }[] = [
  {
    operation: /^vopc\/v_cmpx_(tru?|t)_/,
    ways: /^skipped$/,
    why: "the comparison is always true: EXEC stays as it is",
  },
  {
    operation: /^vop1\/v_(rcp|rsq|sqrt|exp|log|sin|cos)_/,
    ways: /^(low-bit|one-lane)$/,
    why: "nobody defines its last bit: tests allow for it",
  },
  {
    operation: /^scratch\/scratch_load_dword$/,
    ways: /^(low-bit|high-bit|one-lane)$/,
    why: "only refused accesses are tested: no kernel of the set or of rocBLAS has it, and global loads share its handler",
  },
  { operation: /^smem\/s_memrealtime$/, ways: /^low-bit$/, why: "10 ns of the host's clock" },
];

/** Why a mutant that no test noticed need not be, or null. */
export function whyUnnoticed({ operation, way }: Mutant): string | null {
  return KNOWN.find((known) => known.operation.test(operation) && known.ways.test(way))?.why ?? null;
}

/** Operations that no test of the simulator executes, and why none has to. */
const UNREACHED: readonly { operation: RegExp; why: string }[] = [
  {
    operation: /^sopp\/s_(setkill|sethalt|sendmsg|sendmsghalt|trap|cbranch_cdbg\w+|endpgm_\w+|code_end)$/,
    why: "refused: what executes it gets a fault",
  },
  {
    operation:
      /^(sopp\/s_(wakeup|sleep|setprio|icache_inv|incperflevel|decperflevel|ttracedata\w*|wait_idle)|smem\/s_(gl1_inv|dcache_\w+|atc_probe\w*)|mubuf\/buffer_gl[01]_inv|vop1\/v_(pipeflush|clrexcp)|sopk\/s_(version|waitcnt_expcnt))$/,
    why: "nothing of it is simulated",
  },
  {
    operation: /^(scratch|mtbuf)\/|^mubuf\/buffer_(load|store)_format_|_csub$/,
    why: "no kernel of the set or of rocBLAS has it; it shares its handler with operations that are tested",
  },
  {
    operation:
      /^(smem\/s_(buffer_)?(load|store)_dword\w*|ds\/ds_(wrxchg2\w*|read2st64_b64)|vopc\/v_cmpx_class_\w+|sopp\/s_(round|denorm)_mode)$/,
    why: "no kernel of the set or of rocBLAS has it; another size or form of it is tested",
  },
];

/** Why no test has to execute an operation, or null. */
export function whyUnreached(operation: string): string | null {
  return UNREACHED.find((known) => known.operation.test(operation))?.why ?? null;
}
