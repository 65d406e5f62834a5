import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { NO_RUNTIME } from "../../src/c-runtime.ts";
import { ACTIVATED_VARIABLES } from "../../src/release/activate.ts";
import { buildId } from "../../src/release/input.ts";
import { stagePrefix } from "../../src/release/prefix.ts";
import { sampleInput } from "./sample.ts";

let scratch = "";
let prefix = "";
let id = "";

before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-activate-"));
  prefix = path.join(scratch, "a pre'fix"); // a path that bad quoting does not survive
  await mkdir(prefix);
  const input = { ...(await sampleInput(path.join(scratch, "in"))), prefix: path.join(scratch, "rec $orded") };
  await stagePrefix(input, prefix);
  await mkdir(path.join(prefix, "share/rocblas-gfx1012/library"), { recursive: true });
  id = buildId(input);
  await machines();
  const compiled = path.join(scratch, "compiled for sid");
  const needy = path.join(scratch, "needs");
  for (const folder of [path.join(compiled, "lib"), needy]) await mkdir(folder, { recursive: true });
  await writeFile(path.join(compiled, "lib/libMIOpen.so.1"), "library");
  const needs = { glibc: "2.43", glibcxx: "3.4.32" };
  await stagePrefix(
    { ...input, built: { prefix: compiled, library: "lib/libMIOpen.so.1", digest: "d", needs } },
    needy,
  );
});
after(() => rm(scratch, { recursive: true, force: true }));

/** Folders with a `getconf` of other systems, and with the libstdc++ of others. */
async function machines(): Promise<void> {
  const put = async (folder: string, name: string, text: string) => {
    await mkdir(path.join(scratch, folder));
    await writeFile(path.join(scratch, folder, name), text, { mode: 0o755 });
  };
  for (const glibc of ["2.36", "2.43", "2.44.9000", "3.0"]) {
    await put(`glibc-${glibc}`, "getconf", `#!/bin/sh\n[ "$1" = GNU_LIBC_VERSION ] && echo "glibc ${glibc}"\n`);
  }
  await put("glibc-musl", "getconf", "#!/bin/sh\necho unknown >&2\nexit 1\n");
  for (const last of [30, 32]) await put(`glibcxx-${last}`, "libstdc++.so.6", `\0GLIBCXX_3.4.3\0GLIBCXX_3.4.${last}\0`);
}

const installed = ["bash", "dash", "zsh", "busybox"].filter((shell) =>
  ["/bin", "/usr/bin"].some((folder) => existsSync(path.join(folder, shell))),
);

interface Run {
  status: number | null;
  stderr: string;
  /** Lines of standard output */
  out: string[];
}

function run(shell: string, script: string, env: Record<string, string> = {}): Run {
  const args = shell === "busybox" ? ["sh", "-euc", script] : ["-euc", script];
  const all = { PATH: "/usr/bin:/bin", HOME: path.join(scratch, "home"), P: prefix, ...env };
  const { status, stdout, stderr } = spawnSync(shell, args, {
    env: all,
    cwd: scratch,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, stderr, out: stdout.split("\n").filter((line) => line !== "") };
}

const SHOW = "env | grep -E '^(MIOPEN_|ROCBLAS_)' | sort";

function expected(home = path.join(scratch, "home/.cache")): string[] {
  const cache = path.join(home, "rdna1-miopen", id);
  return [
    `MIOPEN_CUSTOM_CACHE_DIR=${cache}`,
    "MIOPEN_DEBUG_CONV_FFT=0",
    "MIOPEN_DEBUG_CONV_WINOGRAD=0",
    "MIOPEN_DEBUG_ENABLE_AI_IMMED_MODE_FALLBACK=0",
    "MIOPEN_FIND_MODE=2",
    `MIOPEN_SYSTEM_DB_PATH=${prefix}/share/miopen/db`,
    `MIOPEN_USER_DB_PATH=${cache}`,
  ];
}

for (const shell of installed) {
  describe(`activate in ${shell}`, () => {
    const knowsItself = shell === "bash" || shell === "zsh";
    const where: Record<string, string> = knowsItself ? {} : { RDNA1_MIOPEN_PREFIX: "" };
    const env = () => (knowsItself ? where : { RDNA1_MIOPEN_PREFIX: prefix });

    test("sets what MIOpen needs and makes the user cache folder", () => {
      const { out, stderr } = run(shell, `. "$P/activate"; ${SHOW}`, env());
      assert.deepEqual(out, expected());
      assert.equal(stderr, "");
      assert.ok(existsSync(path.join(scratch, "home/.cache/rdna1-miopen", id)));
    });

    test("undo restores every variable, also after activating twice", () => {
      const script = `. "$P/activate"; . "$P/activate"; rdna1_miopen_deactivate; ${SHOW}; set | grep -a '_rdna1_miopen\\|rdna1_miopen_' | grep -v 'EXECUTION_STRING\\|^_=' || true`;
      const set = { MIOPEN_SYSTEM_DB_PATH: "/of the user's", MIOPEN_CUSTOM_CACHE_DIR: "" };
      const { out } = run(shell, script, { ...env(), ...set });
      assert.deepEqual(out, ["MIOPEN_CUSTOM_CACHE_DIR=", "MIOPEN_SYSTEM_DB_PATH=/of the user's"]);
    });

    test("keeps a find mode that the user has set", () => {
      const { out } = run(shell, `. "$P/activate"; echo "$MIOPEN_FIND_MODE"`, { ...env(), MIOPEN_FIND_MODE: "1" });
      assert.deepEqual(out, ["1"]);
    });

    test("refuses while HSA_OVERRIDE_GFX_VERSION is set, and changes nothing", () => {
      const script = `if . "$P/activate"; then echo activated; else echo refused; fi; ${SHOW} || true`;
      const { out, stderr } = run(shell, script, { ...env(), HSA_OVERRIDE_GFX_VERSION: "10.3.0" });
      assert.deepEqual(out, ["refused"]);
      assert.match(stderr, /HSA_OVERRIDE_GFX_VERSION is set \(10\.3\.0\).*unset HSA_OVERRIDE_GFX_VERSION/s);
    });

    test("a failure ends a script under set -e only where nobody looks at it", () => {
      const refused = { ...env(), HSA_OVERRIDE_GFX_VERSION: "10.3.0" };
      assert.deepEqual(run(shell, '. "$P/activate" || true; echo on', refused).out, ["on"]);
      const unchecked = run(shell, '. "$P/activate"; echo on', refused);
      assert.deepEqual([unchecked.out, unchecked.status], [[], 1]);
    });

    test("refuses a MIOpen that needs newer C and C++ libraries, and changes nothing", async () => {
      const own = path.join(scratch, "needs");
      const script = `if . "$P/activate"; then echo activated; else echo refused; fi; env | grep -E '^(MIOPEN_|LD_LIBRARY_PATH)' || true`;
      const on = (glibc: string, libraries: string) => {
        const more = {
          P: own,
          PATH: `${path.join(scratch, `glibc-${glibc}`)}:/usr/bin:/bin`,
          LD_LIBRARY_PATH: libraries,
        };
        const { out, stderr } = run(
          shell,
          `${script}; set | grep -a '_rdna1_miopen' | grep -v 'EXECUTION_STRING\\|_had_\\|_old_\\|^_=' || true`,
          {
            ...env(),
            ...(knowsItself ? {} : { RDNA1_MIOPEN_PREFIX: own }),
            ...more,
          },
        );
        return { out, stderr };
      };
      const libraries = path.join(scratch, "glibcxx-32");
      const old = on("2.36", libraries);
      assert.deepEqual(old.out, ["refused", `LD_LIBRARY_PATH=${libraries}`]);
      assert.match(old.stderr, /needs glibc 2\.43, and here is 2\.36\. .*Nothing was changed\. Use a package/);
      const oldSymbols = on("2.43", path.join(scratch, "glibcxx-30"));
      assert.deepEqual(oldSymbols.out.slice(0, 1), ["refused"]);
      assert.match(oldSymbols.stderr, /needs libstdc\+\+ with GLIBCXX_3\.4\.32, which '.*glibcxx-30\/libstdc/);
      for (const enough of ["2.43", "2.44.9000", "3.0", "musl"]) {
        const { out, stderr } = on(enough, libraries);
        assert.deepEqual([out[0], stderr], ["activated", ""], enough);
        assert.ok(out.includes(`LD_LIBRARY_PATH=${own}/lib:${libraries}`), enough);
      }
    });

    test("uses a rocBLAS overlay only when asked, and says when it is not there", () => {
      const there = run(shell, `. "$P/activate"; echo "$ROCBLAS_TENSILE_LIBPATH"`, {
        ...env(),
        RDNA1_MIOPEN_ROCBLAS: "gfx1012",
      });
      assert.deepEqual(there.out, [`${prefix}/share/rocblas-gfx1012/library`]);
      const missing = run(shell, '. "$P/activate" || echo refused', { ...env(), RDNA1_MIOPEN_ROCBLAS: "gfx1011" });
      assert.deepEqual(missing.out, ["refused"]);
      assert.match(missing.stderr, /rdna1-rocblas-gfx1011-rocm\*\.tar\.zst/);
    });

    test("says what to do when the user cache cannot be made", () => {
      const { out, stderr } = run(shell, '. "$P/activate" || echo refused', { ...env(), XDG_CACHE_HOME: "/dev/null" });
      assert.deepEqual(out, ["refused"]);
      assert.match(stderr, /cannot write '\/dev\/null\/rdna1-miopen\/.*Set XDG_CACHE_HOME/s);
    });

    test("honours XDG_CACHE_HOME", () => {
      const { out } = run(shell, `. "$P/activate"; ${SHOW}`, { ...env(), XDG_CACHE_HOME: path.join(scratch, "x") });
      assert.deepEqual(out, expected(path.join(scratch, "x")));
    });

    if (knowsItself) {
      test("finds its folder by a relative path, whatever RDNA1_MIOPEN_PREFIX says", () => {
        const { out } = run(
          shell,
          `cd "$P/bin"; . ../activate; echo "$MIOPEN_SYSTEM_DB_PATH"; cd ..; . ./activate; echo "$MIOPEN_SYSTEM_DB_PATH"`,
          { RDNA1_MIOPEN_PREFIX: "/elsewhere" },
        );
        assert.deepEqual(out, [`${prefix}/bin/../share/miopen/db`, `${prefix}/share/miopen/db`]);
      });
    } else {
      test("without RDNA1_MIOPEN_PREFIX takes the recorded prefix, or says what to set", async () => {
        const lost = run(shell, '. "$P/activate" || echo refused');
        assert.deepEqual(lost.out, ["refused"]);
        assert.match(lost.stderr, /not in '.*rec \$orded'\. Set RDNA1_MIOPEN_PREFIX/s);
        await cp(prefix, path.join(scratch, "rec $orded"), { recursive: true });
        const found = run(shell, '. "$P/activate"; echo "$MIOPEN_SYSTEM_DB_PATH"');
        assert.deepEqual(found.out, [`${scratch}/rec $orded/share/miopen/db`]);
        await rm(path.join(scratch, "rec $orded"), { recursive: true });
      });
    }
  });
}

describe("rdna1-miopen-env", () => {
  const program = () => path.join(prefix, "bin/rdna1-miopen-env");
  const clean = (more: Record<string, string> = {}) => ({
    PATH: "/usr/bin:/bin",
    HOME: path.join(scratch, "home"),
    ...more,
  });

  test("runs a program with the environment and passes its arguments and exit code on", () => {
    const { status, stdout } = spawnSync(program(), ["sh", "-c", 'echo "$1 $MIOPEN_FIND_MODE"; exit 7', "-", "a  b"], {
      env: clean(),
      encoding: "utf8",
    });
    assert.equal(stdout, "a  b 2\n");
    assert.equal(status, 7);
  });

  test("prints lines that eval takes, started through a link", async () => {
    await symlink(program(), path.join(scratch, "link"));
    const out = execFileSync("dash", ["-euc", `eval "$(${path.join(scratch, "link")})"; ${SHOW}`], {
      env: clean(),
      encoding: "utf8",
    });
    assert.deepEqual(out.trimEnd().split("\n"), expected());
  });

  test("makes eval fail when it refuses", () => {
    const script = 'eval "$("$P/bin/rdna1-miopen-env")"';
    assert.equal(run("bash", script, { HSA_OVERRIDE_GFX_VERSION: "" }).status, 1);
  });

  test("takes a rocBLAS overlay by option and refuses options it does not know", () => {
    const args = ["--rocblas", "gfx1012", "sh", "-c", 'echo "$ROCBLAS_TENSILE_LIBPATH"'];
    assert.equal(
      execFileSync(program(), args, { env: clean(), encoding: "utf8" }),
      `${prefix}/share/rocblas-gfx1012/library\n`,
    );
    const { status, stderr } = spawnSync(program(), ["--frobnicate"], { env: clean(), encoding: "utf8" });
    assert.equal(status, 2);
    assert.match(stderr, /unknown option --frobnicate/);
  });
});

test("each variable that is set is named in the README and in the script", async () => {
  const whole = path.join(scratch, "patched");
  const compiled = path.join(scratch, "compiled");
  await mkdir(path.join(compiled, "lib"), { recursive: true });
  await writeFile(path.join(compiled, "lib/libMIOpen.so.1.0"), "library");
  await symlink("libMIOpen.so.1.0", path.join(compiled, "lib/libMIOpen.so.1"));
  await mkdir(whole);
  const input = await sampleInput(path.join(scratch, "in"));
  const built = { prefix: compiled, library: "lib/libMIOpen.so.1", digest: "d", needs: NO_RUNTIME };
  const { library } = await stagePrefix({ ...input, built }, whole);
  assert.deepEqual([library?.file, library?.bytes], ["lib/libMIOpen.so.1.0", 7]);
  const readme = await readFile(path.join(whole, "share/rdna1-miopen/README.md"), "utf8");
  const script = await readFile(path.join(whole, "activate"), "utf8");
  for (const name of ACTIVATED_VARIABLES) {
    assert.ok(readme.includes(name), name);
    assert.match(script, new RegExp(`_rdna1_miopen_set ${name} `));
  }
  assert.doesNotMatch(await readFile(path.join(prefix, "activate"), "utf8"), /_set LD_LIBRARY_PATH/);
  const shell = spawnSync(
    "bash",
    ["-euc", '. "$P/activate"; echo $LD_LIBRARY_PATH; rdna1_miopen_deactivate; echo $LD_LIBRARY_PATH'],
    {
      env: { PATH: "/usr/bin:/bin", HOME: path.join(scratch, "home"), P: whole, LD_LIBRARY_PATH: "/mine" },
      encoding: "utf8",
    },
  );
  assert.deepEqual(shell.stdout.split("\n").slice(0, 2), [`${whole}/lib:/mine`, "/mine"], shell.stderr);
});
