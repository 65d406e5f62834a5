/** One instruction of a kernel of the set, and another one of the same size in its place. */
export interface Breakage {
  /** What is wrong with the result, for the test's name */
  what: string;
  /** `kernel_name` of the database */
  kernel: string;
  function: string;
  /** Rows of the table that run the function: TableRow.family, and the direction */
  family: string;
  direction: Direction;
  /** The instruction as llvm-objdump prints it; `at` says which of several, from the end when negative. Default 0 */
  find: RegExp;
  at?: number;
  /** What is put there, `$1` and so on as in String.replace */
  replace: string;
}

type Direction = "fwd" | "bwd" | "wrw";

const IM2COL = { kernel: "MIOpenIm2d2Col.cpp.o", function: "Im2d2Col_v2", family: "2d", direction: "fwd" } as const;
const COL2IM = { kernel: "MIOpenCol2Im2d.cpp.o", function: "Col2Im2dU", family: "2d", direction: "bwd" } as const;
const BIAS = {
  ...{ kernel: "MIOpenConvBwdBias.cl.o", function: "MIOpenConvBwdB" },
  ...({ family: "bias", direction: "bwd" } as const),
};
const TRANSPOSE = {
  ...{ kernel: "MIOpenUtilKernels4.cl.o", function: "transpose_NCHW2CNHW_V1_2D_WG_float_off64" },
  ...({ family: "2d 1x1 stride 2 transposes", direction: "bwd" } as const),
};
const naive = (direction: Direction) => ({
  ...{ kernel: "naive_conv.cpp.o", function: `naive_conv_ab_nonpacked_${direction}_nchw_float_double_float` },
  ...{ family: "2d", direction },
});

/** Slips that a compiler, or who writes assembly, could make: one of each kind of instruction that the kernels live on. */
export const BREAKAGES: readonly Breakage[] = [
  {
    ...{ what: "a product is not added to the sum", ...naive("fwd") },
    ...{ find: /^v_fma_f64 (\S+), (v\S+), (v\S+), v\S+$/, replace: "v_mul_f64 $1, $2, $3" },
  },
  {
    ...{ what: "the first column counts as padding", ...naive("fwd") },
    ...{ find: /^v_cmp_gt_i32_e32 vcc_lo, 0, (v\d+)$/, at: -1, replace: "v_cmp_ge_i32_e32 vcc_lo, 0, $1" },
  },
  {
    ...{ what: "an index is the high word of a product", ...naive("fwd") },
    ...{ find: /^v_mul_lo_u32 (.*)$/, replace: "v_mul_hi_u32 $1" },
  },
  {
    ...{ what: "a load is one element off", ...naive("wrw") },
    ...{ find: /^global_load_dword (.*), off$/, replace: "global_load_dword $1, off offset:4" },
  },
  {
    ...{ what: "a loop ends after one turn", ...naive("bwd") },
    ...{ find: /^s_cmp_eq_u32 (s\d+), (s\d+)$/, replace: "s_cmp_lg_u32 $1, $2" },
  },
  {
    ...{ what: "a selection is the wrong way round", ...naive("bwd"), at: -1 },
    find: /^v_cndmask_b32_e32 (v\d+), (v\d+), (v\d+), vcc_lo$/,
    replace: "v_cndmask_b32_e32 $1, $3, $2, vcc_lo",
  },
  {
    ...{ what: "a load is not waited for", ...IM2COL },
    ...{ find: /^s_waitcnt lgkmcnt\(0\)$/, at: -1, replace: "s_nop 0" },
  },
  {
    ...{ what: "LDS is read one element off", ...IM2COL },
    ...{ find: /^ds_read_b32 (v\d+), (v\d+)$/, replace: "ds_read_b32 $1, $2 offset:4" },
  },
  {
    ...{ what: "sizes are added, not multiplied", ...IM2COL },
    ...{ find: /^s_mul_i32 (.*)$/, replace: "s_add_i32 $1" },
  },
  {
    ...{ what: "an element is subtracted from the sum", ...COL2IM },
    ...{ find: /^v_add_f32_e32 (.*)$/, replace: "v_sub_f32_e32 $1" },
  },
  {
    ...{ what: "the end of a range is the larger bound", ...COL2IM },
    ...{ find: /^v_min_u32_e32 (.*)$/, replace: "v_max_u32_e32 $1" },
  },
  {
    ...{ what: "elements are eight bytes apart", ...TRANSPOSE },
    ...{ find: /^v_lshlrev_b64 (\S+), 2, (\S+)$/, at: -1, replace: "v_lshlrev_b64 $1, 3, $2" },
  },
  {
    ...{ what: "waves do not wait for each other", ...BIAS },
    ...{ find: /^s_barrier$/, replace: "s_nop 0" },
  },
];
