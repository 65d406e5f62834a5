/** A key of the kernel database that MIOpen asked for. */
export interface KernelRequest {
  name: string;
  args: string;
}

/** What a MIOpenDriver run with `MIOPEN_LOG_LEVEL=6` said. Its exit code is no judge: failed builds end 0 too. */
export interface DriverLog {
  /** Keys asked for, each once, in order */
  requests: KernelRequest[];
  /** Keys that no database had */
  misses: KernelRequest[];
  /** Lines that tell of a failure, shortened */
  errors: string[];
  /**
   * Kernels inside librocblas.so that it does not have for this target (docs/targets.md). MIOpen reports the GEMM that
   * needed one as an error and goes on with the next solver; such lines are not in `errors`.
   */
  unserved: string[];
  /** Solvers that MIOpen reported as chosen */
  solvers: string[];
}

const REQUEST = /\[LoadBinary\] (Loading|Unable to load) binary for: "?([^";]+)"?; args: (.*)$/;
const UNSERVED = /rdna1-device: \w+: (\S*rocblas\S*): the offload bundle has no object for/;
/** What the driver timed, what Find selected, and what immediate mode ran. */
const SOLVER = /Solution: \d+\/(\w+)|\[(?:EvaluateInvokers\] Selected:|Convolution\w*Immediate\] solver_id =) (\w+)/;

/**
 * Lines of a failed run [MIOpen 3.5.1, LLVM 22, measured]: MIOpen's own error level, its exceptions as the driver
 * prints them, and what the compilers say when a kernel does not build.
 */
const FAILURE =
  /^MIOpen\([^)]*\): (Error|Fatal)\b|MIOpen Error:|miopenStatus(?!Success)\w+|\bFAILED\b|not a valid operand|Code object build failed|instruction not supported|No CK_AMD_GPU_GFX|rdna1-device: error/;

/** Reads what the run printed, both streams together. */
export function readDriverLog(text: string): DriverLog {
  const requests = new Map<string, KernelRequest>();
  const misses = new Map<string, KernelRequest>();
  const errors: string[] = [];
  const solvers = new Set<string>();
  const unserved = new Set<string>();
  for (const line of text.split("\n")) {
    const [, verb, name = "", args = ""] = REQUEST.exec(line) ?? [];
    if (verb !== undefined) {
      (verb === "Loading" ? requests : misses).set(`${name}${args}`, { name, args });
    } else if (FAILURE.test(line)) {
      errors.push(line.length > 300 ? `${line.slice(0, 300)}…` : line);
    }
    const kernel = UNSERVED.exec(line)?.[1];
    if (kernel !== undefined) unserved.add(kernel);
    const [, found, immediate] = SOLVER.exec(line) ?? [];
    const solver = found ?? immediate;
    if (solver !== undefined) solvers.add(solver);
  }
  return {
    requests: [...requests.values()],
    misses: [...misses.values()],
    errors: unserved.size === 0 ? errors : errors.filter((line) => !line.includes("rocBlas error encountered")),
    unserved: [...unserved],
    solvers: [...solvers],
  };
}
