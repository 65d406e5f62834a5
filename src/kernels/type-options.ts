import type { TensorType } from "./problem.ts";

/** GetDataTypeKernelParams [datatype.hpp]: ten definitions, the same for every kernel of a type. */
export function typeOptions(type: TensorType): string {
  const is = (name: TensorType) => Number(type === name);
  return (
    ` -DMIOPEN_USE_FP16=${is("fp16")} -DMIOPEN_USE_FP16x4=0 -DMIOPEN_USE_FP16x8=0 -DMIOPEN_USE_FP32=${is("fp32")}` +
    ` -DMIOPEN_USE_INT8=${is("int8")} -DMIOPEN_USE_BFP16=${is("bf16")} -DMIOPEN_USE_INT32=0` +
    " -DMIOPEN_USE_RNE_BFLOAT16=1 -DMIOPEN_FP8_IEEE_EXPONENT_BIAS=0 -DMIOPEN_FP8_CLIPPING=1"
  );
}
