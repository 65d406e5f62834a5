import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import { Header } from "tar";

/** An entry of a hand-made archive, good or bad. */
export interface Made {
  path: string;
  type?: "File" | "Directory" | "SymbolicLink" | "Link" | "CharacterDevice" | "BlockDevice" | "FIFO";
  content?: string | Buffer;
  mode?: number;
  linkpath?: string;
}

/** A tar archive as bytes, entry by entry, whatever they are: no tar program would write most of these. */
export function tarOf(entries: readonly Made[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path: name, type = "File", content = "", mode = 0o644, linkpath } of entries) {
    const bytes = Buffer.from(content);
    const block = Buffer.alloc(512);
    const header = new Header({
      path: name,
      type,
      size: bytes.length,
      mode,
      mtime: new Date(0),
      ...(linkpath !== undefined && { linkpath }),
      ...(/Device/.test(type) && { devmaj: 1, devmin: 3 }),
    });
    assertWritten(header.encode(block, 0), name);
    blocks.push(block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** True from `encode` means that the name needed an extended header, which is not made here. */
function assertWritten(needsMore: boolean, name: string): void {
  if (needsMore) throw new Error(`${name} is too long for a plain header`);
}

/** Writes a `.tar.zst` and returns its place and digest. */
export async function writeArchive(
  folder: string,
  name: string,
  entries: readonly Made[],
): Promise<{ file: string; sha256: string }> {
  const bytes = zstdCompressSync(tarOf(entries));
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return { file, sha256: createHash("sha256").update(bytes).digest("hex") };
}
