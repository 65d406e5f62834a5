import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestOptions,
  type Server,
  type ServerResponse,
  request as send,
} from "node:http";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scope } from "../toolchain/helpers.ts";
import { listen } from "./loopback.ts";

/** What goes wrong with one exchange. */
export type Fault =
  /** Answered by the proxy; the server hears nothing of it */
  | { kind: "answer"; status: number }
  /** The server hears of it late */
  | { kind: "late"; milliseconds: number }
  /** The connection ends after this many bytes of the request's body */
  | { kind: "cut request"; after: number }
  /** The connection ends after this many bytes of the answer's body */
  | { kind: "cut"; after: number }
  /** A bit of this byte of the answer's body is turned */
  | { kind: "garble"; at: number }
  /** No byte of the answer's body beyond this many, until the client goes away */
  | { kind: "hang"; after: number }
  /** Done, and never answered */
  | { kind: "silence" };

interface Planned {
  /** `METHOD /path?query` */
  on: RegExp;
  fault: Fault;
  /** How many exchanges it befalls */
  times: number;
}

/** A network that goes wrong on request, in front of a server that does not know of it. */
export class FaultProxy {
  address = "";
  readonly requests: string[] = [];
  readonly #planned: Planned[] = [];
  /** Exchanges that hang: how many, and of how many the client is gone */
  readonly hanging = { begun: 0, ended: 0 };
  readonly #target: RequestOptions;
  readonly #server: Server;

  private constructor(target: RequestOptions) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  /** Ends with the test. The target is a socket of the file system, or host and port. */
  static async start(t: Scope, target: RequestOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.address = await listen(t, proxy.#server);
    return proxy;
  }

  plan(on: RegExp, fault: Fault, times = 1): void {
    this.#planned.push({ on, fault, times });
  }

  /** Nothing goes wrong any more. */
  forget(): void {
    this.#planned.length = 0;
  }

  /** Planned faults that have not come about as often as they were to. */
  get outstanding(): number {
    return this.#planned.filter(({ times }) => times > 0 && Number.isFinite(times)).length;
  }

  /** Whether every client of an exchange that hangs is gone, or goes in the next two seconds. */
  async clientsGone(): Promise<boolean> {
    const gone = () => this.hanging.ended === this.hanging.begun;
    for (let tries = 0; tries < 40 && !gone(); tries++) await sleep(50);
    return gone();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    const fault = this.#next(line);
    if (fault?.kind === "answer") {
      request.resume();
      const body = JSON.stringify({ msg: `the proxy says ${fault.status}` });
      response.writeHead(fault.status, { "content-type": "application/json" }).end(body);
      return;
    }
    if (fault?.kind === "late") await sleep(fault.milliseconds);
    const { method, url: path, headers } = request;
    const outgoing = send({ ...this.#target, method, path, headers });
    const sent = pipeline(request, fault?.kind === "cut request" ? cut(fault.after) : new PassThrough(), outgoing);
    const [[incoming]] = await Promise.all([once(outgoing, "response") as Promise<[IncomingMessage]>, sent]);
    if (fault?.kind === "hang" || fault?.kind === "silence") this.#hang(response);
    if (fault?.kind === "silence") return void incoming.resume();
    response.writeHead(incoming.statusCode ?? 502, incoming.headers);
    await pipeline(incoming, spoilt(fault), response);
  }

  #next(line: string): Fault | undefined {
    const planned = this.#planned.find(({ on, times }) => times > 0 && on.test(line));
    if (planned !== undefined) planned.times -= 1;
    return planned?.fault;
  }

  #hang(response: ServerResponse): void {
    this.hanging.begun += 1;
    response.once("close", () => {
      this.hanging.ended += 1;
    });
  }
}

function spoilt(fault: Fault | undefined): Transform {
  if (fault?.kind === "cut") return cut(fault.after);
  if (fault?.kind === "garble") return garble(fault.at);
  return fault?.kind === "hang" ? upTo(fault.after, () => {}) : new PassThrough();
}

/** Passes so many bytes on, then calls `then`, which may fail the stream or say nothing for ever. */
function upTo(bytes: number, then: (fail: (error: Error) => void) => void): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const rest = bytes - passed;
      passed += chunk.length;
      if (passed <= bytes) return done(null, chunk);
      this.push(chunk.subarray(0, rest));
      then(done);
    },
  });
}

function cut(after: number): Transform {
  return upTo(after, (fail) => fail(new Error("cut")));
}

function garble(at: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const place = at - passed;
      passed += chunk.length;
      const spoilt = Buffer.from(chunk);
      if (place >= 0 && place < chunk.length) spoilt[place] = (spoilt[place] ?? 0) ^ 1;
      done(null, spoilt);
    },
  });
}
