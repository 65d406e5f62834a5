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

export interface PublishOptions {
  validUntil?: Date;
  at?: string;
  /** Release and Release.gpg instead of InRelease */
  detached?: boolean;
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

/** Package files that were made, by what is in them: many archives have the same. */
const made = new Map<string, Buffer>();

/** A Debian archive of its own: real package files, real indexes, signed with a key made for it. */
export class SmallArchive {
  readonly folder: string;
  readonly keyring: string;
  readonly #home: string;

  /** `like`: an archive to copy, with its key; `sha1`: the key is bound by SHA-1. */
  constructor(folder: string, like?: SmallArchive, sha1 = false) {
    this.folder = join(folder, "archive");
    this.#home = like === undefined ? join(folder, "gnupg") : like.#home;
    this.keyring = like === undefined ? join(folder, "keyring.gpg") : like.keyring;
    if (like !== undefined) {
      cpSync(like.folder, this.folder, { recursive: true });
      return;
    }
    mkdirSync(this.#home, { mode: 0o700, recursive: true });
    mkdirSync(this.folder, { recursive: true });
    // As AMD's key is: apt's sqv refuses it unless its policy allows this.
    const bound = sha1 ? ["--cert-digest-algo", "SHA1"] : [];
    this.#gpg(...bound, "--quick-generate-key", "Small archive <archive@example.invalid>", "rsa2048", "sign", "never");
    writeFileSync(this.keyring, this.#gpg("--export"));
  }

  /** The same key as people publish it. */
  armoredKey(): string {
    return this.#gpg("--armor", "--export").toString();
  }

  fingerprint(): string {
    return /^fpr:+([0-9A-F]{40}):/m.exec(this.#gpg("--with-colons", "--list-keys").toString())?.[1] ?? "";
  }

  /** Makes the package files and one suite that lists them, below the folder `at` of the archive. */
  publish(
    suite: string,
    packages: readonly SmallPackage[],
    { validUntil, at = ".", detached }: PublishOptions = {},
  ): void {
    const base = join(this.folder, at);
    const stanzas = packages.map((item) => this.#build(base, item)).join("\n");
    const dist = join(base, "dists", suite);
    const sums = Object.entries({ main: stanzas, universe: "" }).map(([component, text]) => {
      const index = `${component}/binary-amd64/Packages`;
      mkdirSync(join(dist, component, "binary-amd64"), { recursive: true });
      writeFileSync(join(dist, index), text);
      return ` ${createHash("sha256").update(text).digest("hex")} ${Buffer.byteLength(text)} ${index}\n`;
    });
    const date = (time: Date) => time.toUTCString().replace("GMT", "UTC");
    const release = [
      `Origin: Small\nSuite: ${suite}\nCodename: ${suite}\nDate: ${date(new Date(Date.now() - 60_000))}`,
      `Valid-Until: ${date(validUntil ?? new Date(Date.now() + 86_400_000))}`,
      "Architectures: amd64\nComponents: main universe",
      `SHA256:\n${sums.join("")}`,
    ].join("\n");
    for (const name of ["InRelease", "Release", "Release.gpg"]) rmSync(join(dist, name), { force: true });
    const file = join(dist, "Release");
    writeFileSync(file, release);
    if (detached) {
      this.#gpg("--armor", "--detach-sign", "--output", `${file}.gpg`, file);
      return;
    }
    this.#gpg("--clearsign", "--output", join(dist, "InRelease"), file);
    rmSync(file);
  }

  /** gpg starts an agent, which would outlive a test that is interrupted: it ends with the call. */
  #gpg(...args: string[]): Buffer {
    const env = { PATH: "/usr/bin:/bin", GNUPGHOME: this.#home };
    try {
      return execFileSync("gpg", ["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", ...args], {
        env,
      });
    } finally {
      execFileSync("gpgconf", ["--kill", "gpg-agent"], { env });
    }
  }

  #build(base: string, { name, version, depends, provides, files }: SmallPackage): string {
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      "Architecture: amd64",
      "Maintainer: nobody <n@example.invalid>",
    ];
    if (depends !== undefined) control.push(`Depends: ${depends}`);
    if (provides !== undefined) control.push(`Provides: ${provides}`);
    control.push("Description: a package for a test");
    const deb = `pool/${name}_${version}_amd64.deb`;
    mkdirSync(join(base, "pool"), { recursive: true });
    const what = JSON.stringify([control, files]);
    const data = made.get(what) ?? this.#pack(control, files);
    made.set(what, data);
    writeFileSync(join(base, deb), data);
    const sha256 = createHash("sha256").update(data).digest("hex");
    return `${control.join("\n")}\nFilename: ${deb}\nSize: ${data.length}\nSHA256: ${sha256}\n`;
  }

  #pack(control: readonly string[], files: SmallPackage["files"]): Buffer {
    const tree = join(this.folder, "build");
    mkdirSync(join(tree, "DEBIAN"), { recursive: true });
    writeFileSync(join(tree, "DEBIAN/control"), `${control.join("\n")}\n`);
    for (const [path, content] of Object.entries(files)) {
      const file = join(tree, path);
      mkdirSync(join(file, ".."), { recursive: true });
      if (typeof content === "string") writeFileSync(file, content);
      else if ("link" in content) symlinkSync(content.link, file);
      else cpSync(realpathSync(content.copy), file);
    }
    execFileSync("dpkg-deb", ["-Zgzip", "-z1", "--root-owner-group", "--build", tree, `${tree}.deb`], {
      stdio: "ignore",
    });
    rmSync(tree, { recursive: true });
    return readFileSync(`${tree}.deb`);
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
