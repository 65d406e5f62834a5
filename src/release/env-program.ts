import { ACTIVATED_VARIABLES } from "./activate.ts";

/**
 * `bin/rdna1-miopen-env`: `activate` for shells that cannot source it, for services and for one program at a time.
 * It prints `export` lines, or `false` when it cannot, so that `eval` fails too.
 */
export function envProgram(): string {
  return `#!/bin/sh
# Runs a program with the environment that MIOpen needs for the kernels of this prefix, or prints it for eval.
set -u

usage() {
  cat <<'TEXT'
usage: rdna1-miopen-env [--rocblas TARGET] PROGRAM [ARGUMENT...]   run PROGRAM with the environment
       rdna1-miopen-env [--rocblas TARGET]                         print it: eval "$(rdna1-miopen-env)"

  --rocblas TARGET   use the rocBLAS overlay of gfx1011 or gfx1012 that was unpacked into the same prefix
TEXT
}

while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage; exit 0 ;;
    --rocblas)
      if [ $# -lt 2 ]; then usage >&2; exit 2; fi
      RDNA1_MIOPEN_ROCBLAS=$2; shift 2 ;;
    --rocblas=*) RDNA1_MIOPEN_ROCBLAS=\${1#*=}; shift ;;
    --) shift; break ;;
    -*) echo "rdna1-miopen-env: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) break ;;
  esac
done

case "$0" in
  */*) self=$0 ;;
  *) self=$(command -v -- "$0") ;;
esac
self=$(readlink -f -- "$self")
RDNA1_MIOPEN_PREFIX=\${self%/bin/*}

if ! . "$RDNA1_MIOPEN_PREFIX/activate"; then
  if [ $# -eq 0 ]; then echo false; fi
  exit 1
fi

if [ $# -gt 0 ]; then
  exec "$@"
fi

for name in ${ACTIVATED_VARIABLES.join(" ")}; do
  eval "value=\\\${$name-}"
  if [ -n "$value" ]; then
    printf "export %s='%s'\\n" "$name" "$(printf '%s' "$value" | sed "s/'/'\\\\\\\\''/g")"
  fi
done
`;
}
