import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A real HTTP server for an archive, which continues files and remembers what it was asked for. */
export class ArchiveServer {
  /** Path and first byte of every request. */
  readonly requests: { path: string; start: number }[] = [];
  /** Bytes after which the connection of a package file is cut (when the client has had time to write them); null: never. */
  cutAfter: number | null = null;
  /** Milliseconds before a package file is answered. */
  delay = 0;
  readonly #server: Server;

  constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? "", "http://here").pathname); // a proxy gets whole addresses
      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      this.requests.push({ path, start });
      const file = join(folder, path);
      const size = statSync(file, { throwIfNoEntry: false })?.size;
      if (size === undefined || path.includes("..")) {
        response.writeHead(404).end();
        return;
      }
      if (start > 0 && start >= size) {
        response.writeHead(416, { "content-range": `bytes */${size}` }).end();
        return;
      }
      const isPackage = /\.(deb|tar\.\w+)$/.test(path);
      const end = isPackage && this.cutAfter !== null ? Math.min(size, start + this.cutAfter) : size;
      const range = start > 0 ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {};
      const answer = () => {
        response.writeHead(start > 0 ? 206 : 200, { "content-length": size - start, ...range });
        const stream = createReadStream(file, { start, end: end - 1 });
        stream.pipe(response, { end: end === size });
        if (end < size) stream.on("end", () => setTimeout(() => response.destroy(), 500));
      };
      setTimeout(answer, isPackage ? this.delay : 0);
    });
  }

  /** The address. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The packages whose files were asked for, sorted. */
  fetched(): string[] {
    const files = this.requests.filter(({ path }) => path.endsWith(".deb"));
    return files.map(({ path }) => path.replace(/.*\/|_.*/g, "")).sort();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
