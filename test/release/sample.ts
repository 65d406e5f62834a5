import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Target } from "../../src/rdna1/targets.ts";
import { DEFAULT_SOURCE_DATE, type PackagedKernel, type PackageInput, packageName } from "../../src/release/input.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import type { ProofRow } from "../../src/verify/proofs.ts";

/** What lies in `libMIOpen.so.1` where the kernels of {@link sampleInput} are for it. */
export const OWN_MIOPEN = "code, MIOpen version 3.5.1.\n";

/** A build's worth of made-up but plausible facts; kernel databases are real files below `folder`, filled with noise. */
export async function sampleInput(folder: string, targets: readonly Target[] = ["gfx1010"]): Promise<PackageInput> {
  const kernels: PackageInput["kernels"] = Object.fromEntries(
    await Promise.all(
      targets.map(async (target) => {
        const file = path.join(folder, `${target}.kdb`);
        const bytes = noise(target, 60_000);
        await mkdir(folder, { recursive: true });
        await writeFile(file, bytes);
        const list = sampleKernels(target);
        return [target, { path: file, rows: list.length, bytes: bytes.length, sha256: sha256(bytes), list }];
      }),
    ),
  );
  return {
    version: "0.1.0",
    miopen: {
      ...{ version: "3.5.1", series: null, source: "distribution", patches: [] },
      build: { bytes: OWN_MIOPEN.length, sha256: sha256(OWN_MIOPEN) },
    },
    built: null,
    toolchain: sampleToolchain(path.join(folder, "toolchain")),
    targets,
    prefix: "/opt/rocm-miopen-rdna1",
    options: { targets: targets.join(","), "kernel-set": "conv", miopen: "distribution", output: folder },
    kernels,
    proofs: { device: "virtual", rows: sampleProofs(targets) },
    overlays: [],
    timings: { toolchain: 92.4, device: 21.8, kernels: 118.2, audit: 6.1, verify: 41.7, package: 1.9 },
    sourceDate: DEFAULT_SOURCE_DATE,
  };
}

/** A manifest of plausible facts. */
export function sampleManifest(changes: Partial<Manifest> = {}): Manifest {
  const toolchain = sampleToolchain("/nowhere");
  const miopen = { version: "3.5.1", patched: false, source: "distribution", patches: [] };
  return {
    schema: 1,
    name: packageName({ miopen: { ...miopen, series: null }, toolchain }),
    buildId: "0123456789abcdef",
    prefix: "/opt/rocm-miopen-rdna1",
    miopen,
    rocm: { version: "7.2.4", toolchain: "debian", digest: sha256("t"), packages: toolchain.packages },
    targets: ["gfx1010"],
    options: {},
    kernels: { gfx1010: { file: "share/miopen/db/gfx1010.kdb", bytes: 60_000, sha256: sha256("k"), rows: 138 } },
    proofs: { device: "virtual", passed: 1, failed: 0, skipped: 0 },
    library: null,
    tarball: { file: "x.tar.zst", bytes: 1000, sha256: sha256("x") },
    overlays: [],
    files: [],
    timings: { kernels: 12.3, toolchain: 0 },
    ...changes,
  };
}

export function sampleToolchain(root: string): Toolchain {
  const names = [
    "libmiopen1",
    "libmiopen1-tests",
    "librocblas5",
    "libamdhip64-7",
    "libhiprtc7",
    "clang-22",
    "libllvm22",
  ];
  return {
    kind: "debian",
    root,
    rocmVersion: "7.2.4",
    miopenVersion: "3.5.1",
    packages: names.map((name, index) => ({
      name,
      version: index > 4 ? "1:22.1.8-2+b1" : "7.2.4+dfsg-1",
      sha256: sha256(name),
      bytes: 1_000_000 * (index + 1),
      license: index > 4 ? "Apache-2.0 with LLVM exception" : "Expat",
    })),
    digest: sha256(names.join()),
    paths: {
      loader: null,
      libraryPath: [],
      miopen: null,
      miopenDriver: null,
      hip: "",
      rocblasLibrary: null,
      llvmBin: "",
      include: "",
    },
  };
}

/** About 130 code objects, shaped like those of the convolution set (facts: kernel-set.md §6). */
export function sampleKernels(target: Target): PackagedKernel[] {
  const kernels: PackagedKernel[] = [];
  const add = (name: string, options: string, bytes: number, vgprs: number, lds: number) =>
    kernels.push({
      name,
      args: ` ${options} -mcpu=${target}`,
      bytes,
      compressedBytes: Math.round(bytes / 3.4),
      hash: createHash("md5").update(`${name}${options}${target}`).digest("hex"),
      vgprs,
      sgprs: 32 + (bytes % 60),
      lds,
      scratch: 0,
    });
  for (const type of ["FP32", "FP16", "BFP16"]) {
    const define = ["FP32", "FP16", "BFP16"].map((name) => `-DMIOPEN_USE_${name}=${name === type ? 1 : 0}`).join(" ");
    add("naive_conv.cpp.o", `${define} -DMIOPEN_BACKEND_HIP=1`, 501_760, 58, 0);
    for (const dim of ["Col2Im2d", "Im3d2Col", "Col2Im3d", "UtilKernels4"])
      add(`MIOpen${dim}.cl.o`, define, 9_000 + dim.length * 150, 24, 0);
    for (let filter = 2; filter <= 13; filter += 1)
      for (const stride of [0, 1])
        add(
          "MIOpenIm2d2Col.cpp.o",
          `${define} -DNUM_CH_PER_WG=1 -DLOCAL_MEM_SIZE=${filter * 256} -DSTRIDE_GT_1=${stride} -DTILE_SZ_X=32 -DTILE_SZ_Y=8`,
          5_200 + filter * 90,
          16 + filter,
          filter * 1024,
        );
    for (let power = 0; power <= 16; power += 1)
      add(
        "MIOpenSubTensorOpWithScalarKernel.cl.o",
        `${define} -DWORK_LENGTH_0=${2 ** power} -DSUBTENSOR_OP_WITH_SCALAR=0`,
        4_800,
        12,
        0,
      );
  }
  return kernels;
}

export function sampleProofs(targets: readonly Target[]): ProofRow[] {
  const families = [
    "im2col 2d",
    "im2col 3d",
    "1x1",
    "1x1 strided",
    "depthwise",
    "grouped",
    "dilated",
    "transposed",
    "rectangular",
    "nhwc",
    "resnet50",
    "mobilenetv2",
    "unet",
  ];
  const rows: ProofRow[] = [];
  for (const target of targets) {
    for (const [index, family] of families.entries()) {
      for (const type of ["fp32", "fp16", "bf16"] as const) {
        for (const [flag, direction] of [
          [1, "forward"],
          [2, "backward-data"],
          [4, "backward-weights"],
        ] as const) {
          for (let size = 1; size <= 1 + ((index * 5 + flag) % 4); size += 1) {
            rows.push(
              sampleRow({
                target,
                family,
                type,
                direction,
                command: `conv${type === "fp32" ? "" : type} -n ${size} -c 64 -H 28 -W 28 -k 64 -y 3 -x 3 -p 1 -q 1 -F ${flag}`,
              }),
            );
          }
        }
      }
    }
    rows.push(
      sampleRow({
        target,
        family: "int8",
        type: "int8",
        command: "convint8 -n 1 -c 64 -H 28 -W 28 -k 64 -y 3 -x 3 -F 1",
      }),
    );
    rows.push(
      sampleRow({ target, family: "negative control", kind: "negative-control", command: "conv -n 1 -c 64 -F 1" }),
    );
  }
  return rows;
}

export function sampleRow(changes: Partial<ProofRow>): ProofRow {
  return {
    kind: "completeness",
    target: "gfx1010",
    command: "conv -n 1",
    operation: "conv",
    type: "fp32",
    direction: "forward",
    family: "im2col 2d",
    layout: "NCHW",
    result: "passed",
    reason: null,
    solver: "GemmFwdRest",
    kernels: [{ name: "naive_conv.cpp.o", hash: "d41d8cd98f00b204e9800998ecf8427e" }],
    error: null,
    seconds: 0.2,
    ...changes,
  };
}

/** Bytes that do not compress and are the same each time. */
export function noise(seed: string, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let index = 0; index * 32 < bytes; index += 1)
    blocks.push(createHash("sha256").update(`${seed}${index}`).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
