/** Operations whose result is no hipError_t: answering them with an error code would be a lie, so they end the process. */
const NO_STATUS = new Set([
  "__hipGetPCH",
  "__hipRegisterManagedVar",
  "__hipRegisterSurface",
  "__hipRegisterTexture",
  "__hipRegisterVar",
  "hipApiName",
  "hipCreateChannelDesc",
  "hipKernelNameRef",
  "hipKernelNameRefByPtr",
]);

/** The HIP operations among exported names (one a line, with or without a symbol version), sorted. */
export function hipOperations(names: string): string[] {
  const found = new Set<string>();
  for (const line of names.split("\n")) {
    const name = line.trim().replace(/@.*$/, "");
    if (/^(__)?hip[A-Z]\w*$/.test(name) || /^_Z\d+hip[A-Z]\w*$/.test(name)) found.add(name);
  }
  return [...found].sort();
}

/**
 * Assembly (x86-64) with a weak entry point for each operation that reports it as unsupported. Operations that the
 * device has are strong symbols of its other objects and win, so nothing of the real runtime is ever reached.
 */
export function stubAssembly(operations: readonly string[]): string {
  const lines = [".text"];
  for (const [index, name] of operations.entries()) {
    const report = NO_STATUS.has(name) ? "rdna1UnsupportedFatal" : "rdna1Unsupported";
    lines.push(`.weak ${name}`, `.type ${name},@function`, `${name}:`);
    lines.push(`  leaq .Lname${index}(%rip), %rdi`, `  jmp ${report}@PLT`);
    lines.push(`.size ${name}, . - ${name}`);
  }
  lines.push(".section .rodata");
  for (const [index, name] of operations.entries()) lines.push(`.Lname${index}: .asciz "${name}"`);
  lines.push('.section .note.GNU-stack,"",@progbits', "");
  return lines.join("\n");
}

/** What the library exports; everything else in it is private. */
export const EXPORTS = "{ global: hip*; __hip*; _Z[0-9]*hip*; amd_comgr_do_action; popen; pclose; local: *; };\n";
