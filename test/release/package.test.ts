import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { NO_RUNTIME } from "../../src/c-runtime.ts";
import { type Command, type Exec, NodeExec } from "../../src/ports/exec.ts";
import type { PackageInput } from "../../src/release/input.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import { verifyOutput } from "../../src/release/output.ts";
import { packageBuild } from "../../src/release/package.ts";
import { noise, sampleInput } from "./sample.ts";

const exec = new NodeExec();
let scratch = "";
let input: PackageInput;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-package-"));
  input = await sampleInput(path.join(scratch, "in"));
});
after(() => rm(scratch, { recursive: true, force: true }));

const TARBALL = "rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64.tar.zst";
const FILES = ["SHA256SUMS", "manifest.json", "proofs.json", TARBALL, "report.html", "sbom.spdx.json"];

async function built(name: string, changes: Partial<PackageInput> = {}): Promise<string> {
  const out = path.join(scratch, name);
  await packageBuild({ ...input, ...changes }, out, { exec });
  return out;
}

test("leaves the six files, sha256sum -c agrees, and nothing else", async () => {
  const out = await built("plain");
  assert.deepEqual((await readdir(out)).sort(), FILES);
  const checked = execFileSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: out, encoding: "utf8" });
  assert.deepEqual(
    checked.trim().split("\n").sort(),
    FILES.slice(1).map((file) => `${file}: OK`),
  );
  assert.equal(await verifyOutput(out), null);
});

test("the manifest is true of the tarball: every file with its digest, and the kernel set in its place", async () => {
  const out = await built("true");
  const manifest = JSON.parse(await readFile(path.join(out, "manifest.json"), "utf8")) as Manifest;
  const prefix = path.join(scratch, "unpacked");
  await mkdir(prefix);
  execFileSync("tar", ["-C", prefix, "-xf", path.join(out, manifest.tarball.file)]);
  const sums = manifest.files.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join("");
  execFileSync("sha256sum", ["--strict", "--quiet", "-c"], { cwd: prefix, input: sums });
  const names = execFileSync("tar", ["-tf", path.join(out, manifest.tarball.file)], { encoding: "utf8" }).split("\n");
  assert.deepEqual(
    names.filter((name) => name !== "" && !name.endsWith("/")).sort(),
    manifest.files.map(({ file }) => file).sort(),
  );
  assert.equal(manifest.kernels.gfx1010?.file, "share/miopen/db/gfx1010.kdb");
  assert.equal((await stat(path.join(prefix, "share/miopen/db/gfx1010.kdb"))).mode & 0o777, 0o644);
  assert.deepEqual(manifest.proofs, { device: "virtual", passed: input.proofs.rows.length, failed: 0, skipped: 0 });
});

test("the same build gives the same tarball whatever the folder, umask, options of the run and timings", async () => {
  const one = await built("same/one");
  const elsewhere = await sampleInput(path.join(scratch, "another place"));
  const umask = process.umask(0o077);
  try {
    await packageBuild(
      { ...elsewhere, timings: { kernels: 1 }, options: { jobs: "9" } },
      path.join(scratch, "same two"),
      { exec },
    );
  } finally {
    process.umask(umask);
  }
  assert.deepEqual(await readFile(path.join(one, TARBALL)), await readFile(path.join(scratch, "same two", TARBALL)));
});

test("licences of what is inside go along: the toolchain's own texts where it has them", async () => {
  const root = path.join(scratch, "licensed");
  await mkdir(path.join(root, "usr/share/doc/libmiopen1"), { recursive: true });
  await writeFile(path.join(root, "usr/share/doc/libmiopen1/copyright"), "text of the archive");
  const read = (out: string) =>
    execFileSync("tar", ["-xOf", path.join(out, TARBALL), "share/rdna1-miopen/licenses/MIOpen.txt"], {
      encoding: "utf8",
    });
  assert.equal(read(await built("licences", { toolchain: { ...input.toolchain, root } })), "text of the archive");
  assert.match(read(path.join(scratch, "plain")), /^MIT License\n\nCopyright \(c\) .*Advanced Micro Devices/);
});

test("the SBOM takes a package's licence from its copyright file where the archive states none", async () => {
  const root = path.join(scratch, "stated");
  await mkdir(path.join(root, "usr/share/doc/libllvm22"), { recursive: true });
  const text =
    "Format: https://www.debian.org/doc\n\nFiles: a/*\nLicense: NCSA\n\nFiles: *\nCopyright: x\nLicense: Expat\n";
  await writeFile(path.join(root, "usr/share/doc/libllvm22/copyright"), text);
  const packages = ["libllvm22", "silent"].map((name) => ({
    name,
    version: "1",
    sha256: null,
    bytes: null,
    license: null,
  }));
  const out = await built("stated out", { toolchain: { ...input.toolchain, root, packages } });
  const sbom = JSON.parse(await readFile(path.join(out, "sbom.spdx.json"), "utf8")) as {
    packages: Record<string, string>[];
  };
  const declared = Object.fromEntries(sbom.packages.map((entry) => [entry.name, entry.licenseDeclared]));
  assert.deepEqual([declared.libllvm22, declared.silent], ["MIT", "NOASSERTION"]);
});

test("the SBOM tells compiled files from texts by what is in them, and where they come from", async () => {
  const prefix = path.join(scratch, "miopen");
  const put = async (file: string, content: string) => {
    await mkdir(path.dirname(path.join(prefix, file)), { recursive: true });
    await writeFile(path.join(prefix, file), content, "latin1");
  };
  await put("lib/libMIOpen.so.1", "\x7fELF library");
  await put("bin/MIOpenDriver", "\x7fELF program");
  await put("include/miopen/miopen.h", "");
  const out = await built("compiled", {
    built: { prefix, library: "lib/libMIOpen.so.1", digest: "d", needs: NO_RUNTIME },
  });
  const sbom = JSON.parse(await readFile(path.join(out, "sbom.spdx.json"), "utf8")) as {
    files: { SPDXID: string; fileName: string; fileTypes: string[]; licenseInfoInFiles: string[] }[];
    relationships: { spdxElementId: string; relationshipType: string }[];
  };
  const binaries = sbom.files.filter(({ fileTypes }) => fileTypes.includes("BINARY"));
  assert.deepEqual(
    binaries.map(({ fileName, licenseInfoInFiles }) => [fileName, ...licenseInfoInFiles]),
    ["./bin/MIOpenDriver", "./lib/libMIOpen.so.1", "./share/miopen/db/gfx1010.kdb"].map((file) => [
      file,
      "NOASSERTION",
    ]),
  );
  const generated = sbom.relationships.filter(({ relationshipType }) => relationshipType === "GENERATED_FROM");
  assert.deepEqual(
    generated.map(({ spdxElementId }) => spdxElementId),
    binaries.map(({ SPDXID }) => SPDXID),
  );
});

test("a compiled MIOpen is packaged without the script that installs kernels of other cards as root", async () => {
  const script = "libexec/miopen/install_precompiled_kernels.sh";
  const names = async (others: readonly string[]) => {
    const prefix = await mkdtemp(path.join(scratch, "miopen-"));
    for (const file of ["lib/libMIOpen.so.1", script, ...others]) {
      await mkdir(path.dirname(path.join(prefix, file)), { recursive: true });
      await writeFile(path.join(prefix, file), "x");
    }
    const miopen = { prefix, library: "lib/libMIOpen.so.1", digest: "d", needs: NO_RUNTIME };
    const out = await built(`${path.basename(prefix)}-out`, { built: miopen });
    return execFileSync("tar", ["-tf", path.join(out, TARBALL)], { encoding: "utf8" }).split("\n");
  };
  assert.deepEqual(
    (await names([])).filter((name) => name.startsWith("libexec")),
    [],
  );
  const kept = (await names(["libexec/miopen/other"])).filter((name) => name.startsWith("libexec"));
  assert.deepEqual(kept, ["libexec/", "libexec/miopen/", "libexec/miopen/other"]);
});

test("an overlay gets a tarball of its own below share/rocblas-<target>/library", async () => {
  const folder = path.join(scratch, "overlay");
  await mkdir(folder);
  await writeFile(path.join(folder, "TensileLibrary_gfx1011.dat"), "x");
  const out = await built("overlaid", { overlays: [{ target: "gfx1011", folder }] });
  const file = "rdna1-rocblas-gfx1011-rocm7.2.4.tar.zst";
  const names = execFileSync("tar", ["-tf", path.join(out, file)], { encoding: "utf8" }).split("\n");
  assert.ok(names.includes("share/rocblas-gfx1011/library/TensileLibrary_gfx1011.dat"));
  assert.ok(names.includes("share/rocblas-gfx1011/licenses/rocBLAS.txt"));
  assert.equal(await verifyOutput(out), null);
});

test("an output folder that cannot be made is a user error that names the option", async () => {
  await writeFile(path.join(scratch, "file"), "");
  for (const out of [path.join(scratch, "file"), path.join(scratch, "file/below"), "/proc/rdna1"]) {
    await assert.rejects(packageBuild(input, out, { exec }), { kind: "user", message: /output.*cannot be written/ });
  }
});

test("a kernel database that changed since it was checked is not packaged", async () => {
  const changed = path.join(scratch, "changed.kdb");
  await writeFile(changed, noise("x", 100));
  const kernels = { gfx1010: { path: changed, rows: 1, bytes: 100, sha256: "0".repeat(64), list: [] } };
  await assert.rejects(built("refused", { kernels }), {
    kind: "machine",
    message: /changed\.kdb has changed since it was checked/,
  });
  assert.deepEqual(await readdir(path.join(scratch, "refused")), []);
});

test("tar is started with an environment of its own", async () => {
  const commands: Command[] = [];
  const spy: Exec = {
    run(command, options) {
      commands.push(command);
      return exec.run(command, options);
    },
  };
  process.env.TAR_OPTIONS = "--owner=nobody"; // what a user may have set must not reach tar
  try {
    await packageBuild(input, path.join(scratch, "spied"), { exec: spy });
  } finally {
    delete process.env.TAR_OPTIONS;
  }
  assert.deepEqual(
    commands.map(({ file, env }) => [file, env.TAR_OPTIONS, env.LC_ALL]),
    [["tar", undefined, "C"]],
  );
});
