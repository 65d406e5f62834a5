import { readdir } from "node:fs/promises";
import path from "node:path";
import { readTextIfThere } from "../ports/files.ts";

/** A licence text that goes into a tarball. */
export interface LicenseText {
  /** File name in the licences folder */
  file: string;
  text: string;
}

/** What of a toolchain ends up inside compiled kernels, and the folders of `share/doc` that hold its licence. */
interface Source {
  file: string;
  /** Debian's package name, or the folder name of AMD's packages; the first that is there is taken */
  folders: RegExp;
}

const MIOPEN: Source = { file: "MIOpen.txt", folders: /^(libmiopen1|miopen-hip)$/ };

const KERNEL_SOURCES: readonly Source[] = [
  MIOPEN,
  { file: "HIP.txt", folders: /^(libhiprtc-builtins\d+|hip|hip-runtime-amd)$/ },
  { file: "ROCm-Device-Libs.txt", folders: /^rocm-device-libs(-\d+)?$/i },
];

/** Code of others that a compiled MIOpen holds (headers only); what their licence asks for where the toolchain has no text. */
const LIBRARY_SOURCES: readonly (Source & { holder: string })[] = [
  {
    file: "nlohmann-json.txt",
    folders: /^nlohmann-json/,
    holder: "2013-2026 Niels Lohmann; 2009 Florian Loitsch; 2008-2009 Bjoern Hoehrmann",
  },
  { file: "half.txt", folders: /^(libhalf-dev|half)$/, holder: "2012-2021 Christian Rau" },
];

const ROCBLAS: Source = { file: "rocBLAS.txt", folders: /^(librocblas\d+|rocblas)$/ };

/**
 * Licences of a kernel set: kernels are compiled from MIOpen's sources and hold code of HIP's headers and the device library.
 * Of a package with a MIOpen of its own, whose prefix is `built`, also those of the library.
 */
export async function packageLicenses(toolchainRoot: string, built: string | null): Promise<LicenseText[]> {
  const found = await collect(toolchainRoot, KERNEL_SOURCES);
  // The toolchain's own MIOpen may be another version than the one that was compiled
  const own = built === null ? null : await licenseOf(built, MIOPEN.folders);
  const miopen = found.find(({ file }) => file === MIOPEN.file);
  if (miopen === undefined) {
    found.push({ file: MIOPEN.file, text: own ?? mit("2017-2025 Advanced Micro Devices, Inc.") });
  } else if (own !== null) {
    miopen.text = own;
  }
  if (built !== null) {
    for (const { file, folders, holder } of LIBRARY_SOURCES) {
      found.push({ file, text: (await licenseOf(toolchainRoot, folders)) ?? mit(holder) });
    }
  }
  return [{ file: "rdna1-miopen.txt", text: mit("2026 the rdna1-miopen authors") }, ...found];
}

/** Licence of a rocBLAS overlay. */
export async function rocblasLicense(toolchainRoot: string): Promise<LicenseText> {
  const [found] = await collect(toolchainRoot, [ROCBLAS]);
  return found ?? { file: ROCBLAS.file, text: mit("2015-2025 Advanced Micro Devices, Inc.") };
}

/**
 * What a Debian package's copyright file states for `Files: *`, e.g. `Expat`; null where there is no machine-readable file
 * [DEP-5].
 */
export async function declaredLicense(toolchainRoot: string, packageName: string): Promise<string | null> {
  const text = await readTextIfThere(path.join(toolchainRoot, "usr/share/doc", packageName, "copyright"));
  if (text === null || !/^Format:/m.test(text)) return null;
  const stanza = text.split(/\n\s*\n/).find((part) => /^Files:\s*\*\s*$/m.test(part));
  return /^License:[ \t]*(\S.*)$/m.exec(stanza ?? "")?.[1]?.trim() ?? null;
}

async function collect(toolchainRoot: string, sources: readonly Source[]): Promise<LicenseText[]> {
  const texts: LicenseText[] = [];
  for (const source of sources) {
    const text = await licenseOf(toolchainRoot, source.folders);
    if (text !== null) texts.push({ file: source.file, text });
  }
  return texts;
}

/** Debian keeps `usr/share/doc/<package>/copyright`; AMD keeps `share/doc/<package>/LICENSE*`, alone or in `opt/rocm`. */
async function licenseOf(toolchainRoot: string, folders: RegExp): Promise<string | null> {
  for (const doc of ["usr/share/doc", "share/doc", "opt/rocm/share/doc"]) {
    const parent = path.join(toolchainRoot, doc);
    for (const folder of (await namesIn(parent)).filter((name) => folders.test(name))) {
      const file = (await namesIn(path.join(parent, folder))).find((name) => /^(copyright|LICENSE)/.test(name));
      const text = file === undefined ? null : await readTextIfThere(path.join(parent, folder, file));
      if (text !== null && text !== "") return text;
    }
  }
  return null;
}

/** Sorted, so that the same tree always gives the same text; empty where there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  );
}

/** The MIT licence, which this project and the ROCm libraries it takes from are under. */
function mit(holder: string): string {
  return `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;
}
