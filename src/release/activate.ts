import { type CRuntime, LIBRARY_FOLDERS } from "../c-runtime.ts";

/** What the scripts of a prefix are written for. */
export interface ScriptFacts {
  name: string;
  buildId: string;
  /** Absolute path that the tarball was made for */
  prefix: string;
  /** What the prefix's own MIOpen needs; null: it holds none */
  needs: CRuntime | null;
}

/**
 * Environment variables that `activate` may set, in order. Each name was looked up in libMIOpen.so of 3.5.1 and
 * librocblas.so of 7.2.4; a variable the library does not know would do nothing, silently.
 */
export const ACTIVATED_VARIABLES = [
  "MIOPEN_SYSTEM_DB_PATH",
  "MIOPEN_CUSTOM_CACHE_DIR",
  "MIOPEN_USER_DB_PATH",
  "MIOPEN_DEBUG_CONV_WINOGRAD",
  "MIOPEN_DEBUG_CONV_FFT",
  "MIOPEN_DEBUG_ENABLE_AI_IMMED_MODE_FALLBACK",
  "MIOPEN_FIND_MODE",
  "ROCBLAS_TENSILE_LIBPATH",
  "LD_LIBRARY_PATH",
] as const;

/** The patched library before any other; it is linked with the ROCm of the machine. */
const LIBRARY_PATH = `  _rdna1_miopen_set LD_LIBRARY_PATH "$_rdna1_miopen_prefix/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
`;

/**
 * Refuses a MIOpen that does not start here: first in LD_LIBRARY_PATH, it would keep every program that uses MIOpen from
 * starting. What cannot be told (no `getconf`, no libstdc++ in a usual place) is no reason.
 */
function runtimeCheck({ glibc, glibcxx }: CRuntime): string {
  const [major, minor] = glibc?.split(".") ?? [];
  const end =
    "Programs that use MIOpen would not start. Nothing was changed. Use a package of the distribution's MIOpen, or one that was compiled on a system like this one.";
  const forGlibc = `  _rdna1_miopen_here=$(getconf GNU_LIBC_VERSION 2>/dev/null) || _rdna1_miopen_here=
  case "$_rdna1_miopen_here" in
    'glibc '[0-9]*.[0-9]*)
      _rdna1_miopen_here=\${_rdna1_miopen_here#glibc }
      _rdna1_miopen_rest=\${_rdna1_miopen_here#*.}
      _rdna1_miopen_rest=\${_rdna1_miopen_rest%%[!0-9]*}
      if [ "\${_rdna1_miopen_here%%.*}" -lt ${major} ] || { [ "\${_rdna1_miopen_here%%.*}" -eq ${major} ] && [ "$_rdna1_miopen_rest" -lt ${minor} ]; }; then
        _rdna1_miopen_say "the MIOpen of this prefix needs glibc ${glibc}, and here is $_rdna1_miopen_here. ${end}"
        return 1
      fi ;;
  esac
`;
  const forGlibcxx = `  _rdna1_miopen_rest=\${LD_LIBRARY_PATH-}:${LIBRARY_FOLDERS.join(":")}:
  while [ -n "$_rdna1_miopen_rest" ]; do
    _rdna1_miopen_here=\${_rdna1_miopen_rest%%:*}/libstdc++.so.6
    _rdna1_miopen_rest=\${_rdna1_miopen_rest#*:}
    if [ -r "$_rdna1_miopen_here" ]; then
      if ! grep -q 'GLIBCXX_${glibcxx?.replaceAll(".", "\\.")}' "$_rdna1_miopen_here"; then
        _rdna1_miopen_say "the MIOpen of this prefix needs libstdc++ with GLIBCXX_${glibcxx}, which '$_rdna1_miopen_here' has not. ${end}"
        return 1
      fi
      break
    fi
  done
`;
  return `${glibc === null ? "" : forGlibc}${glibcxx === null ? "" : forGlibcxx}`;
}

/** A text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * `activate`: to be sourced by dash, bash or zsh, also under `set -eu`. The undo function has a name of its own, because
 * a Python environment, where MIOpen is mostly used, owns the name `deactivate`.
 */
export function activateScript(facts: ScriptFacts): string {
  return `# ${facts.name}
# To be sourced:  . <prefix>/activate      Undo:  rdna1_miopen_deactivate
# Makes MIOpen use the precompiled kernels of this prefix, with a user cache of its own, and never search for a solver
# by benchmarking. Variables that change what it does:
#   RDNA1_MIOPEN_PREFIX   where this file lies, for shells that cannot tell (dash, busybox)
#   RDNA1_MIOPEN_ROCBLAS  gfx1011 or gfx1012: use that target's rocBLAS overlay, if it was unpacked here
#   MIOPEN_FIND_MODE      kept if you have set it

_rdna1_miopen_activate() {
  if [ -n "\${HSA_OVERRIDE_GFX_VERSION+set}" ]; then
    _rdna1_miopen_say "HSA_OVERRIDE_GFX_VERSION is set ($HSA_OVERRIDE_GFX_VERSION). It makes the card pose as another one: code for RDNA2 can hang an RDNA1 card, and these kernels are not found. Nothing was changed. Run 'unset HSA_OVERRIDE_GFX_VERSION' and activate again."
    return 1
  fi

  _rdna1_miopen_prefix=
  if [ -n "\${BASH_VERSION-}" ]; then
    _rdna1_miopen_prefix=$BASH_SOURCE
  elif [ -n "\${ZSH_VERSION-}" ]; then
    eval '_rdna1_miopen_prefix=\${(%):-%x}'
  fi
  case "$_rdna1_miopen_prefix" in
    '') ;;
    */*) _rdna1_miopen_prefix=\${_rdna1_miopen_prefix%/*} ;;
    *) _rdna1_miopen_prefix=$PWD ;;
  esac
  if [ -z "$_rdna1_miopen_prefix" ]; then
    _rdna1_miopen_prefix=\${RDNA1_MIOPEN_PREFIX:-${scriptPath(facts.prefix)}}
  fi
  case "$_rdna1_miopen_prefix" in
    .) _rdna1_miopen_prefix=$PWD ;;
    /*) ;;
    *) _rdna1_miopen_prefix=$PWD/$_rdna1_miopen_prefix ;;
  esac
  if ! grep -q '"buildId": "${facts.buildId}"' "$_rdna1_miopen_prefix/share/rdna1-miopen/manifest.json" 2>/dev/null; then
    _rdna1_miopen_say "the files that belong to this script are not in '$_rdna1_miopen_prefix'. Set RDNA1_MIOPEN_PREFIX to the folder of the script (sh cannot tell where a sourced file lies), or use: eval \\"\\$(<folder>/bin/rdna1-miopen-env)\\""
    return 1
  fi

${facts.needs === null ? "" : runtimeCheck(facts.needs)}
  _rdna1_miopen_rocblas=
  if [ -n "\${RDNA1_MIOPEN_ROCBLAS-}" ]; then
    _rdna1_miopen_rocblas=$_rdna1_miopen_prefix/share/rocblas-$RDNA1_MIOPEN_ROCBLAS/library
    if [ ! -d "$_rdna1_miopen_rocblas" ]; then
      _rdna1_miopen_say "RDNA1_MIOPEN_ROCBLAS is '$RDNA1_MIOPEN_ROCBLAS', but there is no '$_rdna1_miopen_rocblas'. Unpack rdna1-rocblas-$RDNA1_MIOPEN_ROCBLAS-rocm*.tar.zst into the prefix, or unset the variable."
      return 1
    fi
  fi

  case "\${XDG_CACHE_HOME-}" in
    /*) _rdna1_miopen_cache=$XDG_CACHE_HOME ;;
    *) _rdna1_miopen_cache=\${HOME-}/.cache ;;
  esac
  _rdna1_miopen_cache=$_rdna1_miopen_cache/rdna1-miopen/${facts.buildId}
  if ! mkdir -p "$_rdna1_miopen_cache" 2>/dev/null || [ ! -w "$_rdna1_miopen_cache" ]; then
    _rdna1_miopen_say "cannot write '$_rdna1_miopen_cache'. MIOpen fails without a user cache it can write, even when it compiles nothing. Set XDG_CACHE_HOME to a folder you may write."
    return 1
  fi

  if command -v rdna1_miopen_deactivate >/dev/null 2>&1; then
    rdna1_miopen_deactivate
  fi
  _rdna1_miopen_set MIOPEN_SYSTEM_DB_PATH "$_rdna1_miopen_prefix/share/miopen/db"
  # A row in the user's database wins over the kernel set: only a folder of this build holds no stale ones
  _rdna1_miopen_set MIOPEN_CUSTOM_CACHE_DIR "$_rdna1_miopen_cache"
  _rdna1_miopen_set MIOPEN_USER_DB_PATH "$_rdna1_miopen_cache"
  # Hand-written gfx10 Winograd code has an instruction that hangs RDNA1
  _rdna1_miopen_set MIOPEN_DEBUG_CONV_WINOGRAD 0
  # Compiled anew for every shape that it fits, so it is in no kernel set
  _rdna1_miopen_set MIOPEN_DEBUG_CONV_FFT 0
  # Its model for this card is the one of another architecture
  _rdna1_miopen_set MIOPEN_DEBUG_ENABLE_AI_IMMED_MODE_FALLBACK 0
  if [ -z "\${MIOPEN_FIND_MODE-}" ]; then
    _rdna1_miopen_set MIOPEN_FIND_MODE 2
  fi
${facts.needs === null ? "" : LIBRARY_PATH}  if [ -n "$_rdna1_miopen_rocblas" ]; then
    _rdna1_miopen_set ROCBLAS_TENSILE_LIBPATH "$_rdna1_miopen_rocblas"
  fi

  rdna1_miopen_deactivate() {
    for _rdna1_miopen_name in ${ACTIVATED_VARIABLES.join(" ")}; do
      eval "_rdna1_miopen_had=\\\${_rdna1_miopen_had_$_rdna1_miopen_name-untouched}"
      case "$_rdna1_miopen_had" in
        set) eval "$_rdna1_miopen_name=\\$_rdna1_miopen_old_$_rdna1_miopen_name; export $_rdna1_miopen_name" ;;
        '') unset "$_rdna1_miopen_name" ;;
      esac
      unset "_rdna1_miopen_had_$_rdna1_miopen_name" "_rdna1_miopen_old_$_rdna1_miopen_name"
    done
    unset _rdna1_miopen_name _rdna1_miopen_had
    unset -f rdna1_miopen_deactivate
  }

  case "\${MIOPEN_DISABLE_CACHE-0}" in
    ''|0) ;;
    *) _rdna1_miopen_say "note: MIOPEN_DISABLE_CACHE is set: MIOpen will ignore these kernels and compile." ;;
  esac
  case "\${MIOPEN_FIND_ENFORCE-1}" in
    ''|1|NONE|none) ;;
    *) _rdna1_miopen_say "note: MIOPEN_FIND_ENFORCE is set: MIOpen will search by benchmarking, whatever MIOPEN_FIND_MODE says." ;;
  esac
}

_rdna1_miopen_set() {
  eval "_rdna1_miopen_had_$1=\\\${$1+set}; _rdna1_miopen_old_$1=\\\${$1-}; $1=\\$2; export $1"
}

_rdna1_miopen_say() {
  printf 'rdna1-miopen: %s\\n' "$1" >&2
}

_rdna1_miopen_status=0
_rdna1_miopen_activate || _rdna1_miopen_status=1
unset _rdna1_miopen_prefix _rdna1_miopen_rocblas _rdna1_miopen_cache _rdna1_miopen_here _rdna1_miopen_rest
unset -f _rdna1_miopen_activate _rdna1_miopen_set _rdna1_miopen_say
# How this fails matters under 'set -e': dash ends even in 'if . activate' when the file itself returns 1, and zsh goes on
# after an unchecked '. activate' when the file ends in '! :'
case "$_rdna1_miopen_status" in
  0) unset _rdna1_miopen_status ;;
  *)
    unset _rdna1_miopen_status
    if [ -n "\${BASH_VERSION-}\${ZSH_VERSION-}" ]; then return 1; fi
    ! : ;;
esac
`;
}

/** A path for the right side of `${NAME:-…}` inside an unquoted assignment. */
function scriptPath(path: string): string {
  return path.replace(/[^A-Za-z0-9/._-]/g, "\\$&");
}
