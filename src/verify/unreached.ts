/**
 * Functions of the set's objects that MIOpen 3.5.1 never launches with the keys of the set, so that no row can execute
 * them through MIOpen; first match counts.
 */
const UNREACHED: readonly (readonly [file: RegExp, name: RegExp, reason: string])[] = [
  [/^naive_conv/, /_ab_packed_/, "MIOpen launches the packed variants in debug builds only"],
  [
    /^naive_conv/,
    /int8_t_int32_t_(int32_t|float)$/,
    "int8 with an int32 or fp32 output: MIOpenDriver cannot ask for it",
  ],
  [
    /^MIOpenSubTensorOpWithScalar/,
    /[2-5]d$/,
    "launched for strided tensors only, under keys with more work lengths than those of the set",
  ],
  [/^MIOpenUtilKernels4/, /_V1_/, "MIOpen takes this variant for fp32 only; 16-bit types always go through V2"],
  [/^MIOpenUtilKernels4/, /_V2_3D_|_packed_MN2NM/, "no solver of the set launches it"],
];

/** Why no row executes a function of an object. */
export function reasonUnreached(file: string, name: string): string {
  const known = UNREACHED.find(([files, names]) => files.test(file) && names.test(name));
  return known?.[2] ?? "no row of the table executes it";
}
