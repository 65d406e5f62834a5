import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TOKEN } from "./support.ts";

/**
 * A GitHub that no one here wrote: `emulate` 0.12.2 from npm. It keeps releases and assets, but computes no digests and
 * takes two assets of one name, so what depends on those is tested with a server of ours.
 */
export class Emulator {
  readonly #child: ChildProcess;
  readonly address: string;
  readonly repository: string;

  private constructor(child: ChildProcess, address: string, repository: string) {
    this.#child = child;
    this.address = address;
    this.repository = repository;
  }

  /**
   * Starts it with one repository (`owner/name`) that has a first commit. `advertised` is the address in its answers, for
   * one that stands behind a proxy.
   */
  static async start(scratch: string, repository: string, advertised?: string): Promise<Emulator> {
    const [owner, name] = repository.split("/");
    const seed = path.join(scratch, "seed.yaml");
    await writeFile(
      seed,
      `tokens:\n  ${TOKEN}:\n    login: ${owner}\n    scopes: [repo]\n` +
        `github:\n  users:\n    - login: ${owner}\n  repos:\n    - owner: ${owner}\n      name: ${name}\n      auto_init: true\n`,
    );
    const port = await freePort();
    const program = path.join(import.meta.dirname, "../../../node_modules/emulate/dist/index.js");
    const args = [program, "--service", "github", "--port", String(port), "--seed", seed];
    if (advertised !== undefined) args.push("--base-url", advertised);
    const child = spawn(process.execPath, args, { cwd: scratch, stdio: "ignore" });
    const emulator = new Emulator(child, `http://127.0.0.1:${port}`, repository);
    const answers = () =>
      fetch(`${emulator.address}/repos/${repository}`).then(
        ({ ok }) => ok,
        () => false,
      );
    for (let tries = 0; tries < 300 && !(await answers()); tries++) await sleep(100);
    return emulator;
  }

  /** The answer to a GET below the repository, or to another request with a body. */
  async ask<T = Record<string, unknown>[]>(what: string, method = "GET", body?: object): Promise<T> {
    const response = await fetch(`${this.address}/repos/${this.repository}/${what}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as T;
  }

  /** The repository's first commit. */
  async commit(): Promise<string> {
    const [{ sha } = {}] = await this.ask<{ sha?: string }[]>("commits");
    return sha ?? "";
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.kill()) return;
    await once(this.#child, "close");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
