import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifest } from "../../src/release/manifest.ts";
import { type CardProof, countProofs, type FileProof, type ProofRow } from "../../src/verify/proofs.ts";
import { reportHtml } from "../../src/verify/report.ts";
import { count, html, seconds, size } from "../../src/verify/report-html.ts";
import { sampleKernels, sampleManifest, sampleProofs, sampleRow } from "../release/sample.ts";

const EVIL = `<img src=x onerror="alert(1)">'&\u0007`;

function report(rows: readonly ProofRow[] = sampleProofs(["gfx1010"]), changes: Partial<Manifest> = {}): string {
  return reportHtml({
    version: "0.1.0",
    manifest: sampleManifest(changes),
    proofs: { rows },
    kernels: { gfx1010: sampleKernels("gfx1010") },
  });
}

test("text from outside cannot become markup, wherever it is put", () => {
  const row = sampleRow({ command: EVIL, family: EVIL, operation: EVIL, reason: EVIL, result: "failed", solver: EVIL });
  const evil = { name: EVIL, version: EVIL, sha256: EVIL, bytes: 1, license: EVIL };
  const text = reportHtml({
    version: EVIL,
    manifest: sampleManifest({
      prefix: EVIL,
      options: { [EVIL]: EVIL },
      miopen: { version: EVIL, patched: true, source: EVIL, patches: [{ name: EVIL, sha256: EVIL }] },
      rocm: { version: EVIL, toolchain: EVIL, digest: EVIL, packages: [evil] },
      files: [{ file: EVIL, bytes: 1, sha256: EVIL }],
      timings: { [EVIL]: 1 },
    }),
    proofs: { rows: [row, { ...row, result: "skipped" }] },
    kernels: { gfx1010: [{ name: EVIL, args: ` ${EVIL}`, bytes: 1, compressedBytes: 1, hash: EVIL }] },
  });
  assert.doesNotMatch(text, /<img/);
  assert.ok(!text.includes("\u0007"));
  assert.ok(text.includes("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;\ufffd"));
});

test("asks nothing of the network and allows nothing from it", () => {
  const text = report();
  assert.match(text, /default-src 'none'/);
  assert.deepEqual(text.match(/\b(src|href|action)="(?!data:,")[^"]*"/g), null);
  assert.doesNotMatch(text, /@import|url\(|https?:/);
});

test("the same build gives the same text, with no date in it", () => {
  assert.equal(report(), report());
  assert.doesNotMatch(report(), /20[23]\d-\d\d-\d\d/);
});

test("the verdict counts failures, and never calls a set right that was only shown complete", () => {
  assert.match(report(), /✓ All \d+ proofs passed/);
  assert.match(report(), /not that its numbers are right/);
  assert.match(report([sampleRow({}), sampleRow({ result: "failed", reason: "r" })]), /✗ 1 of 2 proofs failed/);
  assert.match(report([sampleRow({}), sampleRow({ result: "skipped", reason: "r" })]), /✓ 1 proof passed.*1 skipped/s);
  assert.match(report([]), /Not proven/);
});

test("the verdict tells whose results the rows were compared with, and counts controls apart", () => {
  const numerical = (reference: "ours" | "miopen-cpu") => sampleRow({ kind: "numerical", reference, error: 0 });
  const control = sampleRow({ kind: "negative-control", reference: "ours" });
  const rows = [sampleRow({}), numerical("ours"), numerical("ours"), numerical("miopen-cpu"), control, control];
  const text = report(rows);
  assert.match(text, /✓ All 4 proofs passed<\/b> on the virtual device/);
  assert.match(text, /compared: 2 rows with our reference, 1 row with MIOpen&#39;s CPU reference\./);
  assert.match(text, /Apart from these, 2 negative controls failed, as they must/);
  assert.match(text, /<dd>4<\/dd><dt>proofs passed/);
  const one = report([numerical("ours")]);
  assert.doesNotMatch(
    one.slice(one.indexOf('class="verdict'), one.indexOf('class="figures')),
    /MIOpen&#39;s CPU|control/,
  );
  const idle = { ...control, result: "failed", reason: "it passed" } as const;
  assert.match(report([...rows, idle]), /verdict bad"><b>✗ 1 of 3 negative controls did not fail, as they must/);
  assert.match(report([control]), /Not proven/);
});

test("failures come before everything but the verdict, with reason and command", () => {
  const text = report([sampleRow({}), sampleRow({ result: "failed", reason: "kernel missing", command: "conv -n 9" })]);
  assert.ok(text.indexOf("kernel missing") < text.indexOf("<h2>Coverage"));
  assert.match(text, /<code>conv -n 9<\/code>/);
});

test("a cell of the matrix says in text what its colour says", () => {
  const rows = [
    sampleRow({}),
    sampleRow({}),
    sampleRow({ type: "fp16", result: "failed", reason: "r" }),
    sampleRow({ type: "fp16" }),
    sampleRow({ type: "bf16", result: "skipped", reason: "r" }),
  ];
  const text = report(rows);
  assert.match(text, /<td class="pass edge"[^>]*>2<\/td>/);
  assert.match(text, /<td class="fail edge"[^>]*>✗1\/2<\/td>/);
  assert.match(text, /<td class="skip edge"[^>]*>0\+1<\/td>/);
});

test("negative controls are counted apart from the matrix", () => {
  const text = report([sampleRow({}), sampleRow({ kind: "negative-control", family: "control only" })]);
  assert.match(text, /Negative controls: 1 of 1 runs failed/);
  assert.doesNotMatch(text, /control only/);
});

test("every code object is in the table of its source file, under the options that tell it apart", () => {
  const text = report();
  const table = text.slice(text.indexOf("By source file"), text.indexOf('id="timings"'));
  assert.equal(table.match(/title="md5 /g)?.length, sampleKernels("gfx1010").length);
  assert.match(table, /<td>.*<code>-DLOCAL_MEM_SIZE=2560<\/code>/);
  assert.doesNotMatch(table, /-mcpu=/);
});

test("keys that lead to the same code share a row, and a long list is cut with the number of what is left out", () => {
  const kernel = (index: number) => ({
    name: "a.o",
    args: ` -DN=${index} -mcpu=gfx1010`,
    bytes: 5000,
    compressedBytes: 900,
  });
  const many = Array.from({ length: 450 }, (_, index) => ({ ...kernel(index), hash: String(index >> 1) }));
  const text = reportHtml({
    version: "0.1.0",
    manifest: sampleManifest(),
    proofs: { rows: [] },
    kernels: { gfx1010: many },
  });
  assert.match(text, /450 keys for 225 different code objects of 1 source file/);
  assert.equal(text.match(/and 1 more key with the same code/g)?.length, 200);
  assert.match(text, /and 25 more code objects, in the database/);
});

test("tags in the page are closed in the order they were opened", () => {
  const open: string[] = [];
  const body = report().replace(/<(style|script)>.*?<\/\1>/gs, "");
  for (const [, close, name = ""] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)/g)) {
    if (["meta", "link", "input"].includes(name)) continue;
    if (close === "") open.push(name);
    else assert.equal(open.pop(), name);
  }
  assert.deepEqual(open, []);
});

test("numbers are written for people", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([0, 1023, 1024, 10_200, 501_760, 1_048_576].map(size), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "10 KiB",
    "490 KiB",
    "1.0 MiB",
  ]);
  assert.deepEqual([0.04, 9.94, 9.96, 99, 119.6, 185].map(seconds), [
    "0.0 s",
    "9.9 s",
    "10.0 s",
    "99 s",
    "2 min 00 s",
    "3 min 05 s",
  ]);
});

test("the template tag escapes what is put in, once", () => {
  assert.equal(html`<b>${"<"}${html`<i>${"&"}</i>`}${[1, null, false, "x"]}</b>`.html, "<b>&lt;<i>&amp;</i>1x</b>");
});

test("says by source file which kernels are proven, and by name those that are not", () => {
  const files: FileProof[] = [
    {
      ...{ target: "gfx1010", name: "a.o", keys: 1200, proven: 1199, objects: 30, once: 2, problems: 61, executed: 1 },
      ...{ references: ["ours"], unreached: [{ functions: ["f", "g"], reason: "never launched" }] },
    },
  ];
  const unproven = [
    { target: "gfx1010", name: "a.o", args: " -DX=1", hash: "0", reason: "no row executes it" } as const,
  ];
  const rows = [sampleRow({ findings: ["uninitialised: k: v_add at 0x0"] })];
  const text = reportHtml({
    ...{ version: "0.1.0", manifest: sampleManifest(), proofs: { rows, files, unproven } },
    kernels: { gfx1010: sampleKernels("gfx1010") },
  });
  assert.match(text, /1,199 of 1,200 keys/);
  assert.match(text, /61 \(2 with one\)[\s\S]*1 of 3[\s\S]*our reference/);
  assert.doesNotMatch(text, /fits no other/);
  const im2col = files.map((file) => ({ ...file, name: "MIOpenIm2d2Col.cpp.o" }));
  const other = reportHtml({
    ...{ version: "0.1.0", manifest: sampleManifest(), proofs: { rows, files: im2col, unproven } },
    kernels: { gfx1010: sampleKernels("gfx1010") },
  });
  assert.match(other, /Im2d2Col objects that ran with one problem only have a key that fits no other/);
  assert.match(text, /2 functions: never launched/);
  assert.match(text, /1 key<\/b> gfx1010 a\.o: no row executes it[\s\S]*-DX=1/);
  assert.match(text, /uninitialised: k: v_add at 0x0/);
  assert.doesNotMatch(report(), /id="proven"/);
});

test("tells of a card apart from the virtual device, and never calls a stand-in a card", () => {
  const rows = [sampleRow({}), sampleRow({ kind: "negative-control" })];
  const card = {
    target: "gfx1010",
    name: `RX 5700 ${EVIL}`,
    driver: "6.12 amdgpu 6.14",
    standIn: false,
    rows,
  } as const;
  const page = (one: CardProof) => {
    const { target, name, driver, standIn } = one;
    const cards = [{ target, name, driver, ...(standIn ? { standIn } : {}), ...countProofs(one.rows) }];
    return reportHtml({
      ...{ version: "0.1.0", kernels: {}, proofs: { rows: [sampleRow({})], cards: [one] } },
      manifest: sampleManifest({ proofs: { device: "virtual", passed: 1, failed: 0, skipped: 0, cards } }),
    });
  };
  const real = page(card);
  assert.match(real, /The kernels of gfx1010 ran on RX 5700 /);
  assert.match(
    real,
    /<h2>On a card<\/h2>[\s\S]*6\.12 amdgpu 6\.14<\/td><td>1<\/td><td>0<\/td><td>0<\/td><td>1 of 1 failed/,
  );
  assert.ok(!real.includes("<img"));
  const played = page({ ...card, standIn: true });
  assert.match(played, /a stand-in in a test: no card/);
  assert.doesNotMatch(played, /ran on RX/);
  assert.doesNotMatch(report(), /On a card/);
});

test("seconds are rounded before minutes are made of them", () => {
  assert.match(report(undefined, { timings: { kernels: 119.7 } }), /<dd>2:00<\/dd><dt>minutes, this run/);
  assert.match(report(undefined, { timings: { kernels: 99.4 } }), /<dd>99 s<\/dd><dt>this run/);
});
