import { deepEqual } from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkOnce, onceFor } from "./case-tools.ts";
import { type Contract, contractSource } from "./contract.ts";
import { floatContracts } from "./contracts-float.ts";
import { integerContracts } from "./contracts-integer.ts";
import { mathContracts } from "./contracts-math.ts";
import { type Argument, type Ran, Simulator } from "./harness.ts";
import { bytesOf, close, tuples, valueAt } from "./operands.ts";

const flags = ["-cl-fp32-correctly-rounded-divide-sqrt", "-ffp-contract=off"];
/** Contracts of one run: their operands and results pass through text. */
const together = 12;

for (const waveSize of [32, 64] as const) {
  const wave = waveSize === 64 ? ["-mwavefrontsize64"] : [];

  test(`what the compiler makes of arithmetic is exact in wave${waveSize}`, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    await check(t, simulator, [...floatContracts, ...integerContracts], [...flags, ...wave]);
  });

  test(`the device library's functions are as near as OpenCL asks in wave${waveSize}`, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    const library = await libraryFlags(simulator, waveSize);
    if (library === null) return t.skip("the toolchain's clang has no device libraries in its own folder");
    await check(t, simulator, mathContracts, [...flags, ...wave, ...library]);
  });
}

/** Options that link the device library, as the HIP driver gives them; null when it is not where Debian has it. */
async function libraryFlags(simulator: Simulator, waveSize: 32 | 64): Promise<string[] | null> {
  const version = basename((await simulator.tool("clang", ["-print-resource-dir"])).trim());
  const folder = join(simulator.toolchain.paths.llvmBin, "../lib/clang", version, "amdgcn/bitcode");
  const names = [
    "ocml",
    "oclc_isa_version_1010",
    "oclc_abi_version_600",
    "oclc_correctly_rounded_sqrt_on",
    "oclc_daz_opt_off",
    "oclc_finite_only_off",
    "oclc_unsafe_math_off",
    `oclc_wavefrontsize64_${waveSize === 64 ? "on" : "off"}`,
  ];
  if ((await readdir(folder).catch(() => null)) === null) return null;
  return names.flatMap((name) => ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", join(folder, `${name}.bc`)]);
}

async function check(
  t: TestContext,
  simulator: Simulator,
  contracts: readonly Contract[],
  options: readonly string[],
): Promise<void> {
  const object = await simulator.compile(contractSource(contracts), "cl", "gfx1010", options);
  for (let first = 0; first < contracts.length; first += together) {
    const some = contracts.slice(first, first + together);
    const cases = some.map((contract, index) => casesOf(contract, first + index));
    const launches = some.map((contract, index) => launchOf(contract, first + index));
    const ran: Ran = await simulator.run(object, launches);
    deepEqual(ran.faults, []);
    deepEqual(ran.findings, []);
    for (const [index, contract] of some.entries()) {
      await t.test(contract.name, () => {
        const results = ran.launches[index]?.buffers[0] ?? Buffer.alloc(0);
        deepEqual(
          checkOnce(contract, results, () => wrong(contract, cases[index] ?? [], results)),
          [],
        );
      });
    }
  }
}

const casesOf = onceFor((one, index) => {
  const { in: operands, count = 4096 } = one as Contract;
  return tuples(operands, count, index + 1);
});
const launchOf = onceFor((one, index) => {
  const [contract, cases] = [one as Contract, casesOf(one, index)];
  return { kernel: contract.name, grid: cases.length, block: 256, args: argumentsOf(contract, cases) };
});

function argumentsOf({ out, in: operands }: Contract, cases: readonly bigint[][]): Argument[] {
  const inputs = operands.map(({ type }, index) =>
    bytesOf(
      type,
      cases.map((bits) => bits[index] ?? 0n),
    ),
  );
  return [{ in: bytesOf(out, new Array(cases.length).fill(0n)) }, ...inputs.map((bytes) => ({ in: bytes }))];
}

/** The first results that are not what they must be. */
function wrong({ out, expect, ulps = 0 }: Contract, cases: readonly bigint[][], results: Uint8Array): object[] {
  const found: object[] = [];
  let count = 0;
  for (const [index, bits] of cases.entries()) {
    const expected = expect(...bits);
    const got = valueAt(out, results, index);
    if (close(out, got, expected, ulps)) continue;
    if (found.length < 8) found.push({ operands: bits.map(hex), got: hex(got), expected: hex(expected) });
    count++;
  }
  return count === 0 ? [] : ([`${count} of ${cases.length}`, ...found] as object[]);
}

const hex = (bits: bigint): string => `0x${bits.toString(16)}`;
