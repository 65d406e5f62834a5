import assert from "node:assert/strict";
import { test } from "node:test";
import { summaryMarkdown } from "../../src/job-summary/success.ts";
import { RunRecord } from "../../src/record.ts";
import type { PackageResult } from "../../src/release/stage.ts";
import type { FileProof } from "../../src/verify/proofs.ts";
import { sampleManifest, sampleRow, sha256 } from "../release/sample.ts";

function proof(changes: Partial<FileProof>): FileProof {
  const counts = { objects: 1, once: 0, problems: 1, executed: 1 };
  return {
    target: "gfx1010",
    name: "a.o",
    keys: 100,
    proven: 100,
    ...counts,
    references: [],
    unreached: [],
    ...changes,
  };
}

function result(changes: Partial<PackageResult> = {}): PackageResult {
  const manifest = sampleManifest({
    library: { file: "lib/libMIOpen.so.1", bytes: 30_000_000, sha256: sha256("l") },
    overlays: [{ file: "o", bytes: 1_400_000, sha256: sha256("o") }],
    proofs: { device: "virtual", passed: 2, failed: 0, skipped: 1 },
  });
  return {
    ...{ manifest, rows: [sampleRow({}), sampleRow({}), sampleRow({ result: "skipped", reason: "too large" })] },
    ...{ cards: [], leftOut: 0, tarball: "/out/x.tar.zst", report: "/out/report.html", library: "", prefix: "/opt/x" },
    ...{ files: [proof({}), proof({ name: "b.o", proven: 99 })], cacheKey: "k" },
    ...changes,
  };
}

test("shows what a build came to: coverage of each target, proofs, and the sizes of what is shipped", () => {
  const text = summaryMarkdown(result(), new RunRecord(), 12.3);
  assert.match(text, /\| proofs \| 2 of 3 passed, 1 skipped \|/);
  assert.match(text, /\| gfx1010 \| 138 \| 199 of 200 \(99\.5 %\) \| 2 \/ 0 \/ 1 \|/);
  assert.match(text, /\| <code>lib\/libMIOpen\.so\.1<\/code> \| 30\.0 MB \|/);
  assert.match(text, /\| <code>share\/miopen\/db\/gfx1010\.kdb<\/code> \| 60\.0 kB \|/);
  assert.match(
    text,
    /\| rocBLAS for other targets, files: 1 \| 1\.4 MB \|\n\| <code>x\.tar\.zst<\/code> \| 1\.0 kB \|/,
  );
  assert.match(text, /Done in 12\.3 s/);
});

test("counts negative controls apart from the proofs, of `build` and of `verify`", () => {
  const control = sampleRow({ kind: "negative-control" });
  const rows = [sampleRow({}), sampleRow({}), control, { ...control, result: "failed" as const }];
  const line = /\| proofs \| 2 of 2 passed; 1 of 2 negative controls failed as they must \|/;
  const text = summaryMarkdown(result({ rows }), new RunRecord(), 1);
  assert.match(text, line);
  assert.match(text, /\| gfx1010 \| 138 \| .* \| 2 \/ 0 \/ 0 \|/);
  assert.match(summaryMarkdown({ rows, files: [], cards: [], proofs: "/v.json" }, new RunRecord(), 1), line);
});

test("rounds no coverage up to all, and says where nothing was proven", () => {
  const files = [proof({ keys: 10_000, proven: 9_999 })];
  assert.match(summaryMarkdown(result({ files }), new RunRecord(), 1), /9999 of 10000 \(99\.9 %\)/);
  assert.match(summaryMarkdown(result({ files: [], rows: [] }), new RunRecord(), 1), /\| verify is off \|/);
});

test("shows of `verify` which kernels of each source file were proven", () => {
  const verified = {
    rows: [sampleRow({})],
    files: [proof({ name: "naive_conv.cpp.o", proven: 98 })],
    cards: [],
    proofs: "/v.json",
  };
  const text = summaryMarkdown(verified, new RunRecord(), 1);
  assert.match(text, /^## Kernels verified\n/);
  assert.match(text, /\| gfx1010 \| <code>naive&#95;conv\.cpp\.o<\/code> \| 98 of 100 \|/);
});
