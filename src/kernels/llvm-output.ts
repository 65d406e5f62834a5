/** Cuts the output of an LLVM tool at the lines that name a file; files without a part get none. */
export function splitByFile(output: string, files: readonly string[], heading: RegExp): (string | undefined)[] {
  const parts = new Map<string, string[]>();
  let current: string[] = [];
  // With one file, some tools print no heading.
  if (files.length === 1) parts.set(files[0] as string, current);
  for (const line of output.split("\n")) {
    const name = heading.exec(line)?.[1];
    if (name === undefined) {
      current.push(line);
    } else {
      current = [];
      parts.set(name, current);
    }
  }
  return files.map((file) => parts.get(file)?.join("\n"));
}
