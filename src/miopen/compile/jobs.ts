/** Bytes that one compiling clang may need: 460 MB was the most of the four files of MIOpen 3.4.0 that were measured. */
const MEMORY_PER_JOB = 1.5 * 2 ** 30;

/** Compilers at once: one a core, as long as each has its memory; at least one. */
export function planCompileJobs(cores: number, freeMemory: number): number {
  return Math.max(1, Math.min(cores, Math.floor(freeMemory / MEMORY_PER_JOB)));
}
