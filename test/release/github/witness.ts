import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text as textOf } from "node:stream/consumers";
import type { Contract } from "./contract.ts";

const API = "https://api.github.com";
const UPLOADS = "https://uploads.github.com";

/**
 * Stands between the program and a server that plays GitHub, and has the contract judge every request and every answer.
 * Like GitHub it has a host for the API and one for uploads, whatever the server behind it has: it puts its own into each
 * `upload_url`, so that a request to the wrong one of them is found.
 */
export class Witness {
  /** Operation → how often it was asked for */
  readonly operations = new Map<string, number>();
  /** What was wrong, with the request in front */
  readonly problems: string[] = [];
  readonly #contract: Contract;
  readonly #servers: Server[] = [];
  /** Where the API is served, and where uploads are, as the server's first release has told */
  readonly #behind: Record<string, string> = {};
  api = "";
  #uploads = "";

  private constructor(contract: Contract) {
    this.#contract = contract;
  }

  static async start(contract: Contract): Promise<Witness> {
    const witness = new Witness(contract);
    witness.api = await witness.#listen(API);
    witness.#uploads = await witness.#listen(UPLOADS);
    return witness;
  }

  /** Sends what comes on to this server. */
  watch(target: string): void {
    this.#behind[API] = target;
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #listen(origin: string): Promise<string> {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      if (request.headers.expect !== undefined) response.writeContinue();
      this.#pass(origin, request, response).catch(() => response.destroy());
    };
    const server = createServer(handle).on("checkContinue", handle).listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #pass(origin: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = request;
    const body = await buffer(request);
    const { operation, problems } = this.#contract.judge({ origin, method, path, headers, body });
    const note = (found: readonly string[]) => this.problems.push(...found.map((one) => `${method} ${path}: ${one}`));
    note(problems);
    if (operation !== null) this.operations.set(operation, (this.operations.get(operation) ?? 0) + 1);

    const onward = { method, headers: without(headers, "host", "expect", "connection") };
    const outgoing = send(`${this.#behind[origin]}${path}`, onward);
    outgoing.end(body);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const status = incoming.statusCode ?? 0;
    const text = await textOf(incoming);
    const isJson = /json/.test(incoming.headers["content-type"] ?? "");
    if (operation !== null) note(this.#contract.judgeAnswer(operation, status, isJson ? text : ""));
    const told = without(incoming.headers, "content-length", "transfer-encoding", "connection");
    response.writeHead(status, told).end(this.#withOwnUploads(text));
  }

  #withOwnUploads(text: string): string {
    return text.replace(/("upload_url":\s*")([^"]*?)(\/repos\/)/g, (_, name: string, base: string, rest: string) => {
      this.#behind[UPLOADS] = base;
      return `${name}${this.#uploads}${rest}`;
    });
  }
}

function without(headers: IncomingHttpHeaders, ...names: string[]): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
