import type { CaseResult } from "./cases.ts";

/** Why cases of stock MIOpen's suite fail on an RDNA1 card, and whose fault that is. */
export interface Known {
  whose: "MIOpen" | "suite" | "distribution" | "device";
  reason: string;
  /** Matches the name of the case */
  name: RegExp;
  /** Matches what it printed: the cause, not merely that it failed */
  text: RegExp;
}

/** What the runner adds to the text of a case that passes with the waves of a work-group in the other order. */
export const RACES = "passes when the last wave of a work-group runs first: its kernels race";

/** What the runner adds to the text of a case that passes when no other has run in its process. */
export const ALONE = "passes in a process of its own: something is left behind by a case before it";

/** The first that fits wins. How each was found out: docs/gtest.md. */
export const KNOWN: readonly Known[] = [
  {
    whose: "MIOpen",
    reason: "spatial batch norm does not compile for gfx101x: its reduction uses row_bcast, which GFX10 does not have",
    name: /^Smoke\/GPU_(BN|bn_)/,
    text: /not a valid operand[\s\S]*row_bcast[\s\S]*Code object build failed\. Source: MIOpenBatchNorm\w+Spatial/,
  },
  {
    whose: "MIOpen",
    reason: "tensor reduction does not compile for gfx101x: composable_kernel's config.hpp does not know it",
    name: /^Smoke\/GPU_Reduce_/,
    text: /No CK_AMD_GPU_GFX\* macro defined[\s\S]*Code object build failed\. Source: gridwise_generic_reduction_/,
  },
  {
    whose: "suite",
    reason: "the suite's own table of cards has no gfx101x: it throws before it asks the device for anything",
    name: /^Smoke\/GPU_/,
    text: /C\+\+ exception with description "unknown_gpu" thrown in (SetUp\(\)|the test body)/,
  },
  {
    whose: "distribution",
    reason: "Debian's MIOpen comes without the sources of the Winograd kernels, and the fused solvers ask for them",
    name: /^Smoke\/GPU_ConvBiasActivInfer(_FP32\.ConvBinWinograd\w*Fused|FusionCompileStep_FP32\.\w+)\//,
    text: /Failed to load kernel source: Conv_Winograd_v\w+\.s/,
  },
  {
    whose: "suite",
    reason: "tests what reads composable_kernel's names of kernels, and does not ask whether MIOpen was built with it",
    name: /^Smoke\/CPU_UnitTestImplicitGemmCKUtil_NONE\.TestParsing\//,
    text: /unit_implicitgemm_ck_util\.cpp:\d+: Failure[\s\S]*success\s+Which is: false/,
  },
  {
    whose: "suite",
    reason: "its own parameters fit no vectorised layout: it fails on gfx1030 too",
    name: /^Smoke\/GPU_Conv2dTuningDynamicFwdDlops_FP16\./,
    text: /Wrong C, C % Vect != 0" thrown in the test body/,
  },
  {
    whose: "suite",
    reason: "looks for MIOpenDriver beside the library, as in a build folder; installed it lies in bin",
    name: /^Smoke\/GPU_MIOpenDriver\w*\./,
    text: /lib\/MIOpenDriver: not found/,
  },
  {
    whose: "suite",
    reason:
      "an exception of a case before it has left stderr captured, and GoogleTest ends the process at the next capture",
    name: /^Smoke\//,
    text: new RegExp(`Only one stderr capturer can exist at a time[\\s\\S]*${ALONE}`),
  },
  {
    whose: "MIOpen",
    reason:
      "its list of deprecated solvers leaves the direct OpenCL ones to the cards it names, gfx103x among them; the patches keep the list: each shape would be a kernel to compile",
    name: /^Smoke\/GPU_ConvBiasActivInfer_FP32\.ConvOclDirectFwdFused\//,
    text: /ConvOclDirectFwdFused Not Applicable/,
  },
  {
    whose: "MIOpen",
    reason:
      "attention's reductionBlock uses its LDS words again without a barrier: a wave may read the next reduction's",
    name: /^Smoke\/GPU_(Fwd_Mha|Bwd_Mha|MhaForward|MhaBackward|MhaBwdGraphTest)_FP32\./,
    text: new RegExp(`Expected: [\\s\\S]*${RACES}`),
  },
];

/** Faults of the device, which no other explanation covers. */
const FAULT = /^rdna1-device: .*/m;

/** The explanation of a failure, or null. */
export function whyKnown({ name, text }: CaseResult): Known | null {
  if (FAULT.test(text)) return null;
  return KNOWN.find((known) => known.name.test(name) && known.text.test(text)) ?? null;
}
