import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TOKEN } from "./support.ts";

/** A GitHub that no one here wrote: `emulate` 0.12.2 from npm, with the repository maintainer/kernels. */
export interface Emulator {
  address: string;
  stop(): Promise<void>;
}

/** Starts it; `scratch` is a folder for its seed. */
export async function startEmulator(scratch: string): Promise<Emulator> {
  const seed = path.join(scratch, "seed.yaml");
  await writeFile(
    seed,
    `tokens:\n  ${TOKEN}:\n    login: maintainer\n    scopes: [repo]\n` +
      "github:\n  users:\n    - login: maintainer\n  repos:\n    - owner: maintainer\n      name: kernels\n      auto_init: true\n",
  );
  const port = await freePort();
  const program = path.join(import.meta.dirname, "../../../node_modules/emulate/dist/index.js");
  const child = spawn(process.execPath, [program, "--service", "github", "--port", String(port), "--seed", seed], {
    cwd: scratch,
    stdio: "ignore",
  });
  const address = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${address}/repos/maintainer/kernels`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; tries < 300 && !(await answers()); tries++) await sleep(100);
  const stop = async () => {
    child.kill();
    await once(child, "close");
  };
  return { address, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
