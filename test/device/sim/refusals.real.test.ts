// Vector instructions that decode but name what the kernel does not have.
import { match } from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";

const refused: [string, RegExp][] = [
  ["v_mov_b32 v200, v0", /v200 is not among the 64 VGPRs that the kernel allocates/],
  ["v_add_nc_u32 v0, v64, v0", /v64 is not among the 64 VGPRs/],
  ["v_fma_f64 v[63:64], v[0:1], v[2:3], v[4:5]", /v64 is not among the 64 VGPRs/],
];

test("refuses vector registers that the kernel does not allocate", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const kernels = refused.map(([body], index) => ({ name: `case${index}`, body }));
  const object = await simulator.assemble(objectText(kernels));
  for (const [index, [code, why]] of refused.entries()) {
    await t.test(code, async () => {
      const launch = { kernel: `case${index}`, args: [{ new: 4 }, { new: 4 }] };
      const ran = await simulator.run(object, [launch]);
      match(`${ran.launches[0]?.result} ${ran.faults[0]?.problem}`, why);
    });
  }
});
