import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { BASE_PACKAGES } from "../../src/toolchain/amd/packages.ts";
import { amdDigits } from "../../src/toolchain/amd/repository.ts";
import type { AmdOptions } from "../../src/toolchain/amd.ts";
import { ArchiveServer } from "./archive-server.ts";
import { scratch } from "./helpers.ts";
import { SmallArchive, type SmallPackage } from "./small-archive.ts";

const TOOLS = ["clang", "ld.lld", "llvm-objdump", "llvm-readelf", "llvm-mc", "llvm-nm", "clang-offload-bundler"];

/** The least that looks like AMD's packages of a release: their names, versions, dependencies and places. */
export function smallAmd(release: string, build = 56): SmallPackage[] {
  const digits = amdDigits(release);
  const rocm = `opt/rocm-${release}`;
  const made = (name: string, own: string, files: SmallPackage["files"], depends?: string): SmallPackage => {
    const version = `${own}.${digits}-${build}~22.04`;
    const core = name === "rocm-core" ? [] : [`rocm-core (= ${release}.${digits}-${build}~22.04)`];
    const all = [...core, ...(depends === undefined ? [] : [depends])];
    const inside = Object.fromEntries(Object.entries(files).map(([path, file]) => [`${rocm}/${path}`, file]));
    return { name, version, files: inside, ...(all.length > 0 && { depends: all.join(", ") }) };
  };
  const library = (name: string, number: string, text: string): SmallPackage["files"] => ({
    [`lib/${name}.${number}.0`]: text,
    [`lib/${name}.${number}`]: { link: `${name}.${number}.0` },
  });
  return [
    made("rocm-core", release, { ".info/version": `${release}-${build}\n` }),
    made("comgr", "3.0.0", library("libamd_comgr.so", "3", "comgr")),
    made("rocm-device-libs", "1.0.0", { "amdgcn/bitcode/ocml.bc": "BC" }),
    made("hsa-rocr", "1.18.0", library("libhsa-runtime64.so", "1", "HSA"), "libdrm2, libelf1, libnuma1, libc6"),
    made("hip-runtime-amd", "7.0.51831", library("libamdhip64.so", "7", "HIP"), "comgr, hsa-rocr"),
    made("roctracer", `4.1.${digits}`, library("libroctx64.so", "4", "roctx")),
    made("hipblaslt", "1.0.0", { ...library("libhipblaslt.so", "1", "lt"), "lib/hipblaslt/library/x_gfx942.co": "" }),
    made("rocblas", "5.0.2", rocblasFiles(library("librocblas.so", "5", "blas")), "hipblaslt, hip-runtime-amd"),
    made("rocrand", "4.0.0", library("librocrand.so", "1", "rand")),
    made(
      "miopen-hip",
      "3.5.0",
      {
        ...library("libMIOpen.so", "1", `…, MIOpen version 3.5.0. … of ${release}`),
        "bin/MIOpenDriver": { copy: "/bin/true" },
        "share/miopen/db/gfx942.kdb": "not needed",
      },
      "rocblas, rocrand, roctracer",
    ),
    made(
      "rocm-llvm",
      "20.0.0.25385",
      Object.fromEntries(TOOLS.map((tool) => [`lib/llvm/bin/${tool}`, { copy: "/bin/true" }])),
      "python3, libstdc++-5-dev | libstdc++-7-dev | libstdc++-11-dev",
    ),
    made("hipcc", "1.1.1", { "bin/hipcc": "hipcc" }, "rocm-llvm"),
    made("hip-dev", "7.0.51831", { "include/hip/hip_version.h": "#define HIP_VERSION_MAJOR 7\n" }),
    made("rocblas-dev", "5.0.2", { "include/rocblas/rocblas.h": "" }),
    made("rocrand-dev", "4.0.0", { "include/rocrand/rocrand.h": "" }),
    made("miopen-hip-dev", "3.5.0", { "include/miopen/miopen.h": "" }),
    made("rocm-cmake", "0.14.0", { "share/rocm/cmake/ROCMConfig.cmake": "" }),
    made("half", "1.12.0", { "include/half/half.hpp": "" }),
  ];
}

/** As AMD ships it: kernels of other cards only. */
function rocblasFiles(library: SmallPackage["files"]): SmallPackage["files"] {
  return {
    ...library,
    "lib/rocblas/library/TensileLibrary_lazy_gfx906.dat": "not needed",
    "lib/rocblas/library/TensileLibrary_lazy_gfx1100.dat": "not needed",
    "lib/rocblas/library/TensileLibrary_Type_HH.dat": "names no card",
  };
}

/** What AMD's packages stand on, from a distribution. */
function smallBase(): SmallPackage[] {
  const empty = (name: string): SmallPackage => ({ name, version: "1-1", files: {} });
  return [
    ...BASE_PACKAGES.map(({ name }) => empty(name)),
    ...["libdrm2", "libelf1", "libnuma1", "libstdc++-11-dev"].map(empty),
    { name: "python3", version: "3.11", files: { "usr/bin/python3": "not needed" } },
    {
      name: "libc6",
      version: "2.36-9",
      files: {
        "lib/x86_64-linux-gnu/libc.so.6": { copy: "/lib/x86_64-linux-gnu/libc.so.6" },
        "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": { copy: "/lib64/ld-linux-x86-64.so.2" },
        "lib64/ld-linux-x86-64.so.2": { link: "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" },
      },
    },
  ];
}

export interface AmdSetting {
  amd: SmallArchive;
  amdServer: ArchiveServer;
  base: SmallArchive;
  options: AmdOptions;
  cacheRoot: string;
}

let shared: { folder: string; amd: SmallArchive; base: SmallArchive } | undefined;
after(() => shared && rmSync(shared.folder, { recursive: true, force: true }));

/** Both archives, each signed by a key of its own; AMD's address has its key and the repositories of three releases. */
function archives(folder: string): { amd: SmallArchive; base: SmallArchive } {
  const amd = new SmallArchive(join(folder, "amd"), undefined, true);
  const base = new SmallArchive(join(folder, "base"));
  // One repository with several releases, as AMD's "latest" has, is what a pin is for.
  amd.publish("jammy", [...smallAmd("7.0.1", 42), ...smallAmd("7.0.2"), ...smallAmd("7.1.0", 20)], { at: "apt/7.0.2" });
  amd.publish("noble", smallAmd("7.0.2"), { at: "apt/7.0.2" });
  amd.publish("jammy", smallAmd("7.1.0", 20), { at: "apt/7.1" });
  writeFileSync(join(amd.folder, "rocm.gpg.key"), amd.armoredKey());
  base.publish("bookworm", smallBase());
  base.publish("noble", smallBase());
  return { amd, base };
}

/** A server for each archive and options that go to them; `own` makes archives that the test may damage. */
export async function amdSetting(t: TestContext, own = false): Promise<AmdSetting> {
  if (shared === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "rdna1-test-"));
    shared = { folder, ...archives(folder) };
  }
  const copy = async (archive: SmallArchive) => (own ? new SmallArchive(await scratch(t), archive) : archive);
  const amd = await copy(shared.amd);
  const base = await copy(shared.base);
  const amdServer = new ArchiveServer(amd.folder);
  const baseServer = new ArchiveServer(base.folder);
  t.after(() => {
    amdServer.close();
    baseServer.close();
  });
  const cacheRoot = join(await scratch(t), "cache");
  const options: AmdOptions = {
    rocmVersion: "7.0.2",
    cacheRoot,
    mirror: await baseServer.listen(),
    offline: false,
    jobs: 2,
    env: {},
    keyring: base.keyring,
    amdMirror: await amdServer.listen(),
    amdFingerprints: [amd.fingerprint()],
  };
  return { amd, amdServer, base, options, cacheRoot };
}
