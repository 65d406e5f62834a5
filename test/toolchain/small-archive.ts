import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A package to make: its files by path, as text or as a copy of a file of this machine. */
export interface SmallPackage {
  name: string;
  version: string;
  depends?: string;
  provides?: string;
  files: Record<string, string | { copy: string } | { link: string }>;
}

/** Why the archive cannot be made here, or false. */
export function cannotMakeArchive(): string | false {
  for (const program of ["gpg", "apt-get", "dpkg-deb", "flock", "setpriv"]) {
    try {
      execFileSync(program, ["--version"], { stdio: "ignore" });
    } catch {
      return `${program} is not on this machine`;
    }
  }
  return false;
}

/** A Debian archive of its own: real package files, real indexes, signed with a key made for it. */
export class SmallArchive {
  readonly folder: string;
  readonly keyring: string;
  readonly #home: string;

  constructor(folder: string) {
    this.folder = join(folder, "archive");
    this.#home = join(folder, "gnupg");
    this.keyring = join(folder, "keyring.gpg");
    mkdirSync(this.#home, { mode: 0o700, recursive: true });
    mkdirSync(this.folder, { recursive: true });
    this.#gpg("--quick-generate-key", "Small archive <archive@example.invalid>", "rsa2048", "sign", "never");
    writeFileSync(this.keyring, this.#gpg("--export"));
  }

  /** Makes the package files and one suite that lists them. */
  publish(suite: string, packages: readonly SmallPackage[], validUntil = new Date(Date.now() + 86_400_000)): void {
    const stanzas = packages.map((item) => this.#build(item)).join("\n");
    const index = "main/binary-amd64/Packages";
    const dist = join(this.folder, "dists", suite);
    mkdirSync(join(dist, "main/binary-amd64"), { recursive: true });
    writeFileSync(join(dist, index), stanzas);
    const digest = createHash("sha256").update(stanzas).digest("hex");
    const date = (time: Date) => time.toUTCString().replace("GMT", "UTC");
    const release = [
      `Origin: Small\nSuite: ${suite}\nCodename: ${suite}\nDate: ${date(new Date(Date.now() - 60_000))}`,
      `Valid-Until: ${date(validUntil)}\nArchitectures: amd64\nComponents: main`,
      `SHA256:\n ${digest} ${Buffer.byteLength(stanzas)} ${index}\n`,
    ].join("\n");
    const file = join(dist, "InRelease");
    rmSync(file, { force: true });
    writeFileSync(`${file}.text`, release);
    this.#gpg("--clearsign", "--output", file, `${file}.text`);
    rmSync(`${file}.text`);
  }

  #gpg(...args: string[]): Buffer {
    const env = { PATH: "/usr/bin:/bin", GNUPGHOME: this.#home };
    return execFileSync("gpg", ["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", ...args], {
      env,
    });
  }

  #build({ name, version, depends, provides, files }: SmallPackage): string {
    const tree = join(this.folder, "build", name);
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      "Architecture: amd64",
      "Maintainer: nobody <n@example.invalid>",
    ];
    if (depends !== undefined) control.push(`Depends: ${depends}`);
    if (provides !== undefined) control.push(`Provides: ${provides}`);
    control.push("Description: a package for a test");
    mkdirSync(join(tree, "DEBIAN"), { recursive: true });
    writeFileSync(join(tree, "DEBIAN/control"), `${control.join("\n")}\n`);
    for (const [path, content] of Object.entries(files)) {
      const file = join(tree, path);
      mkdirSync(join(file, ".."), { recursive: true });
      if (typeof content === "string") writeFileSync(file, content);
      else if ("link" in content) symlinkSync(content.link, file);
      else cpSync(realpathSync(content.copy), file);
    }
    const deb = `pool/${name}_${version}_amd64.deb`;
    mkdirSync(join(this.folder, "pool"), { recursive: true });
    execFileSync("dpkg-deb", ["-Zgzip", "--root-owner-group", "--build", tree, join(this.folder, deb)], {
      stdio: "ignore",
    });
    rmSync(tree, { recursive: true });
    const data = readFileSync(join(this.folder, deb));
    const sha256 = createHash("sha256").update(data).digest("hex");
    return `${control.join("\n")}\nFilename: ${deb}\nSize: ${data.length}\nSHA256: ${sha256}\n`;
  }
}

/** The least that looks like Debian's ROCm, made of programs and libraries of this machine. */
export function smallRocm(version: string, extra: SmallPackage["files"] = {}): SmallPackage[] {
  const lib = "usr/lib/x86_64-linux-gnu";
  const llvm = "usr/lib/llvm-22/bin";
  const tools = ["clang", "ld.lld", "llvm-objdump", "llvm-readelf", "llvm-mc", "llvm-nm", "clang-offload-bundler"];
  return [
    {
      name: "libmiopen1-tests",
      version: `${version}+dfsg-1`,
      depends: "libamdhip64-7, python3",
      files: {
        [`${lib}/libMIOpen.so.1.0`]: "…, MIOpen version 3.5.1. …",
        [`${lib}/libMIOpen.so.1`]: { link: "libMIOpen.so.1.0" },
        "usr/libexec/rocm/libmiopen1-tests/MIOpenDriver": { copy: "/bin/true" },
        "usr/share/man/man1/MIOpenDriver.1": "not needed",
        ...extra,
      },
    },
    {
      name: "libamdhip64-7",
      version: `${version}-1`,
      files: {
        [`${lib}/libamdhip64.so.7`]: "HIP",
        [`${lib}/libc.so.6`]: { copy: "/lib/x86_64-linux-gnu/libc.so.6" },
        "usr/lib64/ld-linux-x86-64.so.2": { copy: "/lib64/ld-linux-x86-64.so.2" },
        [`${lib}/rocblas/5/library/TensileLibrary_lazy_gfx1010.dat`]: "needed",
        [`${lib}/rocblas/5/library/TensileLibrary_lazy_gfx1100.dat`]: "not needed",
      },
    },
    {
      name: "hipcc",
      version: `${version}-2`,
      provides: "librocrand-dev, bzip2",
      files: {
        ...Object.fromEntries(tools.map((tool) => [`${llvm}/${tool}`, { copy: "/bin/true" }])),
        "usr/include/hip/hip_runtime.h": "#pragma once\n",
      },
    },
    { name: "python3", version: "3.14.8-1", files: { "usr/bin/python3": "not needed" } },
  ];
}
