// What the compiler's expansions of an operation must give, exactly, whatever instructions it takes: the OpenCL C of each
// operation and its result from an independent computation. Values are bits.
import type { Operand, Scalar } from "./operands.ts";

export interface Contract {
  readonly name: string;
  readonly out: Scalar;
  readonly in: readonly Operand[];
  /** An expression of a, b and c */
  readonly code: string;
  readonly expect: (...bits: bigint[]) => bigint;
  /** How many units in the last place a result may be off, default 0 */
  readonly ulps?: number;
  /** A declaration that `code` needs */
  readonly before?: string;
  /** Number of operand tuples, default 4,096 */
  readonly count?: number;
}

/** How OpenCL C calls a type. */
export const cName: Record<Scalar, string> = {
  i8: "char",
  u8: "uchar",
  i16: "short",
  u16: "ushort",
  i32: "int",
  u32: "uint",
  i64: "long",
  u64: "ulong",
  f16: "half",
  bf16: "__bf16",
  f32: "float",
  f64: "double",
};

/** OpenCL C with one kernel for each contract: out, then its operands. */
export function contractSource(contracts: readonly Contract[]): string {
  const kernels = contracts.map(({ name, out, in: operands, code, before = "" }) => {
    const names = ["a", "b", "c"].slice(0, operands.length);
    const type = (index: number) => cName[operands[index]?.type ?? "u32"];
    const parameters = names.map((letter, index) => `, const global ${type(index)}* p${letter}`).join("");
    const loads = names.map((letter, index) => `  ${type(index)} ${letter} = p${letter}[i];\n`).join("");
    return `${before}
kernel void ${name}(global ${cName[out]}* out${parameters}) {
  uint i = __builtin_amdgcn_workgroup_id_x() * __builtin_amdgcn_workgroup_size_x() + __builtin_amdgcn_workitem_id_x();
${loads}  out[i] = ${code};
}
`;
  });
  return `#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef unsigned char uchar; typedef unsigned short ushort; typedef unsigned int uint; typedef unsigned long ulong;
${kernels.join("")}`;
}
