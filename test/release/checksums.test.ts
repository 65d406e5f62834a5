import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { checksumsText, fileDigests, fileFact, parseChecksums } from "../../src/release/checksums.ts";

test("sha256sum -c accepts what is written, names with blanks included", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "rdna1-sums-"));
  try {
    for (const name of ["b file", "a", "Z"]) await writeFile(path.join(folder, name), name);
    const facts = await Promise.all(["b file", "a", "Z"].map((name) => fileFact(folder, name)));
    await writeFile(path.join(folder, "SHA256SUMS"), checksumsText(facts));
    const said = execFileSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: folder, encoding: "utf8" });
    assert.equal(said, "Z: OK\na: OK\nb file: OK\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("SHA-1 and SHA-256 are those of the known answers", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "rdna1-sums-"));
  try {
    await writeFile(path.join(folder, "abc"), "abc");
    assert.deepEqual(await fileDigests(path.join(folder, "abc")), {
      sha1: "a9993e364706816aba3e25717850c26c9cd0d89d", // FIPS 180, appendix A.1
      sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", // FIPS 180, appendix B.1
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a written list reads back, and a line that is no checksum is noticed", () => {
  const sha256 = "0".repeat(64);
  assert.deepEqual(parseChecksums(checksumsText([{ file: "a b", sha256 }])), new Map([["a b", sha256]]));
  assert.equal(parseChecksums(`${sha256}  a\nhello\n`), null);
  assert.equal(parseChecksums(`${sha256.slice(1)}  a\n`), null);
});

test("a name that would break the list is refused", () => {
  assert.throws(() => checksumsText([{ file: "a\nb", sha256: "" }]), /line break/);
});
