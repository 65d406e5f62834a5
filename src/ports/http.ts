import { once } from "node:events";
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { machineError, messageOf } from "../errors.ts";
import { trustSystem } from "./certificates.ts";

export interface HttpRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: HttpBody;
}

/** A body of known length that is read while it is sent. */
export interface HttpBody {
  bytes: number;
  open(): Readable;
  /** Called with the bytes handed to the connection so far. */
  onSent?: (bytes: number) => void;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case */
  headers: Readonly<Record<string, string | undefined>>;
  text: string;
}

/** Sends one request and takes its answer, whatever its status; redirects are not followed. */
export interface Http {
  /** Rejects when no whole answer came; with a machine error when the body is at fault, so that trying again is no use. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpLimits {
  /** Milliseconds without a byte in either direction after which a connection counts as dead */
  silence: number;
  /** Milliseconds that a server may take to answer once it has the whole of a large body; any other answer is silence */
  answer: number;
}

/**
 * A server that stores 2 GB may take longer to answer than the 300 s that `fetch` waits for headers (measured: it gives
 * up at 301 s, softprops/action-gh-release#549 is the same), so the wait after the body has a limit of its own.
 */
const LIMITS: HttpLimits = { silence: 60_000, answer: 1_800_000 };

/** Bytes read from a file at once; what is in memory of a body is a few times this. */
export const CHUNK = 256 << 10;

/** Largest answer that is read: a page of 100 releases with all their assets is a few megabytes. */
const LONGEST_ANSWER = 64 << 20;

/** Bodies from this size on are sent only when the server wants them, as curl does (RFC 9110 10.1.1). */
const LARGE = 1 << 20;
/** Milliseconds after which a server that does not know this is taken to want the body */
const CONTINUE_WAIT = 1_000;

const AGAIN = "let nothing else write to it, and run the same command again";

/** A value as the JSON body of a request. */
export function jsonBody(content: unknown): Required<Pick<HttpRequest, "body">> {
  const bytes = Buffer.from(JSON.stringify(content));
  return { body: { bytes: bytes.length, open: () => Readable.from([bytes]) } };
}

/** `node:http` and `node:https`, through the proxy that the environment names. */
export class NodeHttp implements Http {
  readonly #limits: HttpLimits;
  readonly #agents: { "http:": HttpAgent; "https:": HttpsAgent };

  constructor(env: NodeJS.ProcessEnv, limits: HttpLimits = LIMITS) {
    this.#limits = limits;
    this.#agents = { "http:": new HttpAgent({ proxyEnv: env }), "https:": new HttpsAgent({ proxyEnv: env }) };
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const large = (request.body?.bytes ?? 0) >= LARGE;
    const response = await this.#once(request, large);
    return large && response.status === 417 ? await this.#once(request, large, false) : response;
  }

  async #once({ method, url, headers, body }: HttpRequest, large: boolean, ask = large): Promise<HttpResponse> {
    const { protocol, host } = new URL(url);
    const { silence, answer } = this.#limits;
    // Given here it counts from the first packet on; setTimeout alone would begin when the connection stands
    const options = { method, timeout: silence };
    if (protocol === "https:") trustSystem();
    const call =
      protocol === "https:"
        ? httpsRequest(url, { ...options, agent: this.#agents["https:"] })
        : httpRequest(url, { ...options, agent: this.#agents["http:"] });
    for (const [name, value] of Object.entries(headers)) call.setHeader(name, value);
    if (ask) call.setHeader("expect", "100-continue");
    if (large) call.once("finish", () => call.setTimeout(answer));
    call.on("timeout", () => call.destroy(new Error(`${host} is silent`)));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      call.once("response", resolve);
      call.on("error", reject);
    });
    try {
      const [response] = await Promise.all([answered, sendBody(call, body, ask)]);
      call.setTimeout(silence);
      return { status: response.statusCode ?? 0, headers: flat(response), text: await textOf(response) };
    } finally {
      call.destroy();
    }
  }
}

/**
 * Writes the body as fast as the connection takes it, and stops as soon as the server has answered or gone. A server that
 * refuses a large body at once (a rate limit) closes the connection, and bytes under way would then destroy its answer:
 * so such a body is announced first.
 */
async function sendBody(call: ClientRequest, body: HttpBody | undefined, ask: boolean): Promise<void> {
  if (body === undefined) {
    call.end();
    return;
  }
  call.setHeader("content-length", body.bytes);
  const over = new AbortController();
  for (const event of ["response", "error", "close"]) call.once(event, () => over.abort());
  if (ask) {
    call.flushHeaders();
    const wait = AbortSignal.any([over.signal, AbortSignal.timeout(CONTINUE_WAIT)]);
    await once(call, "continue", { signal: wait }).catch(() => {});
    if (over.signal.aborted) return;
  }
  let sent = 0;
  try {
    for await (const chunk of body.open() as AsyncIterable<Buffer>) {
      if (over.signal.aborted) return;
      sent += chunk.length;
      if (sent > body.bytes) break;
      if (!call.write(chunk)) await once(call, "drain", { signal: over.signal }).catch(() => {});
      body.onSent?.(sent);
    }
  } catch (error) {
    throw machineError(`what is to be sent cannot be read: ${messageOf(error)}`, AGAIN, error);
  }
  if (over.signal.aborted) return;
  if (sent !== body.bytes) throw machineError(`what is sent does not have ${body.bytes} bytes any more`, AGAIN);
  call.end();
}

function flat({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) throw new Error(`the answer is longer than ${LONGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
