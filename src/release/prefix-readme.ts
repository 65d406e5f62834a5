import { type CRuntime, NO_RUNTIME } from "../c-runtime.ts";
import { TARGETS } from "../rdna1/targets.ts";
import { overlayName, type PackageInput, packageName } from "./input.ts";

/** Which systems a compiled MIOpen starts on; nothing where there is none. */
function describeNeeds({ glibc, glibcxx }: CRuntime): string {
  const parts = [
    ...(glibc === null ? [] : [`glibc ${glibc} or later (\`getconf GNU_LIBC_VERSION\`)`]),
    ...(glibcxx === null ? [] : [`a libstdc++ with GLIBCXX_${glibcxx}`]),
  ];
  return parts.length === 0
    ? ""
    : `\nThe MIOpen inside needs ${parts.join(" and ")}: it does not start on older systems.\n`;
}

/** The README inside the tarball. */
export function prefixReadme(input: PackageInput): string {
  const cards = input.targets.map((target) => `- ${target}: ${TARGETS[target].cards}`).join("\n");
  const { rocmVersion } = input.toolchain;
  const patched = input.built !== null;
  const library = patched ? "\n| LD_LIBRARY_PATH | the patched MIOpen of this prefix, before any other |" : "";
  const contents = patched
    ? `
    lib/libMIOpen.so.1, bin/MIOpenDriver  MIOpen ${input.miopen.version} with the patches that the manifest lists
    include/miopen, lib/cmake/miopen      for programs that are compiled against it`
    : "";
  const needs = describeNeeds(input.built?.needs ?? NO_RUNTIME);
  return `# ${packageName(input)}

Precompiled kernels for MIOpen ${input.miopen.version} (ROCm ${rocmVersion}) on RDNA1 cards:

${cards}

They belong to this one MIOpen build: a kernel database does not say which build it is for, and MIOpen does not check.
${needs}
## Use

Unpack anywhere (the folder must exist; recorded place: ${input.prefix}):

    tar -C <prefix> -xf ${packageName(input)}.tar.zst
    . <prefix>/activate              # bash, zsh; undo: rdna1_miopen_deactivate
    <prefix>/bin/rdna1-miopen-env PROGRAM ARGUMENTS...
    eval "$(<prefix>/bin/rdna1-miopen-env)"        # sh

In a shell that cannot tell where a sourced file lies (sh, dash): RDNA1_MIOPEN_PREFIX=<prefix>; . <prefix>/activate

\`activate\` sets, for this shell and what it starts:

| variable | to |
|---|---|
| MIOPEN_SYSTEM_DB_PATH | the kernels of this prefix |
| MIOPEN_CUSTOM_CACHE_DIR, MIOPEN_USER_DB_PATH | a folder of this build below \${XDG_CACHE_HOME:-~/.cache}/rdna1-miopen |
| MIOPEN_DEBUG_CONV_WINOGRAD | 0: its hand-written code has an instruction that hangs RDNA1 |
| MIOPEN_DEBUG_CONV_FFT | 0: it is compiled for every shape anew, so no kernel set can hold it |
| MIOPEN_DEBUG_ENABLE_AI_IMMED_MODE_FALLBACK | 0: its model for RDNA1 is another architecture's |
| MIOPEN_FIND_MODE | 2 (never benchmark), unless you have set it |
| ROCBLAS_TENSILE_LIBPATH | only with RDNA1_MIOPEN_ROCBLAS=gfx1011 or gfx1012, see below |${library}

It refuses to work while HSA_OVERRIDE_GFX_VERSION is set${needs === "" ? "" : ", and where the C and C++ libraries are too old"}.

## rocBLAS on gfx1011 and gfx1012

If your rocBLAS has no kernels for the card, unpack ${overlayName("gfx1011", { rocmVersion })}.tar.zst (or gfx1012) into
the same prefix and set RDNA1_MIOPEN_ROCBLAS to the target before activating.

## Contents
${contents}
    share/miopen/db/<target>.kdb          kernels, as MIOpen's system kernel database
    share/rdna1-miopen/manifest.json      what they were made from, with digests
    share/rdna1-miopen/licenses/          licences of what is inside
    activate, bin/rdna1-miopen-env
`;
}
