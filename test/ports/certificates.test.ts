import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer as createProxy } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isUntrusted } from "../../src/ports/certificates.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { scratch } from "../toolchain/helpers.ts";

const skip = existsSync("/usr/bin/openssl") ? false : "openssl is not on this machine";
const DATA = Buffer.from("a package file");

/** An https server with the certificate of an authority that only the file `ca` knows. */
async function companyServer(t: TestContext) {
  const folder = await scratch(t);
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const key = (name: string, subject: string) => [
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at(name), "-subj", subject],
  ];
  openssl("req", "-x509", "-days", "2", ...key("ca.key", "/CN=Company"), "-out", at("ca"));
  openssl("req", ...key("key", "/CN=127.0.0.1"), "-out", at("request"));
  await writeFile(at("names"), "subjectAltName=IP:127.0.0.1\n");
  const signed = ["-CA", at("ca"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("names"), "-days", "2"];
  openssl("x509", "-req", "-in", at("request"), ...signed, "-out", at("certificate"));
  const options = { key: await readFile(at("key")), cert: await readFile(at("certificate")) };
  const server = createServer(options, (_, response) => response.end(DATA));
  return { folder, ca: at("ca"), origin: `https://${await listen(t, server)}` };
}

async function listen(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs lines of a program that imports from src, in a process with this environment only. */
async function run(env: Record<string, string>, ...lines: string[]): Promise<string> {
  const src = join(import.meta.dirname, "../../src");
  const modules = { "ports/http.ts": "NodeHttp", "toolchain/debian/download.ts": "fetchPatiently, downloadPackages" };
  const imports = Object.entries(modules).map(([file, name]) => `import { ${name} } from "${src}/${file}";`);
  const args = ["--input-type=module", "--eval", [...imports, ...lines].join("\n")];
  const { stdout, stderr } = await new NodeExec().run({ file: process.execPath, args, env }, { timeoutMs: 60_000 });
  return `${stdout}${stderr}`.trim();
}

const download = (file: object, log = "{ warning: console.log }") =>
  `console.log(await fetchPatiently(${JSON.stringify(file)}, ${log}, new AbortController().signal).catch((e) => e.code));`;
const sha256 = createHash("sha256").update(DATA).digest("hex");

test("trusts what this machine trusts, for downloads and for interfaces", { skip }, async (t) => {
  const { folder, ca, origin } = await companyServer(t);
  const file = { url: `${origin}/a.deb`, target: join(folder, "a.deb"), bytes: DATA.length, sha256 };
  const env = { SSL_CERT_FILE: ca };
  assert.equal(await run(env, download(file)), sha256);
  assert.deepEqual(await readFile(file.target), DATA);
  const call = `console.log((await new NodeHttp({}).send({ method: "GET", url: "${origin}/", headers: {} })).text);`;
  assert.equal(await run(env, call), DATA.toString());
});

test("trusts it also behind a proxy", { skip }, async (t) => {
  const { folder, ca, origin } = await companyServer(t);
  const asked: string[] = [];
  const proxy = createProxy();
  proxy.on("connect", ({ url = "" }, socket) => {
    asked.push(url);
    const to = connect(Number(url.replace(/.*:/, "")), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      to.pipe(socket).pipe(to);
    });
    for (const end of [to, socket]) end.on("error", () => {});
  });
  const proxyEnv = { HTTPS_PROXY: `http://${await listen(t, proxy)}` };
  const file = { url: `${origin}/a.deb`, target: join(folder, "a.deb"), bytes: DATA.length, sha256, proxyEnv };
  assert.equal(await run({ SSL_CERT_FILE: ca }, download(file)), sha256);
  assert.deepEqual(asked, [origin.replace("https://", "")]);
});

test("does not try a server again whose certificate nobody knows", { skip }, async (t) => {
  const { folder, origin } = await companyServer(t);
  const file = { url: `${origin}/a.deb`, target: join(folder, "a.deb"), bytes: DATA.length, sha256 };
  assert.equal(await run({}, download(file)), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const { url, target, bytes } = file;
  const plan = { packages: [{ name: "a", version: "1", file: "a.deb", url, bytes, sha256 }], folder: `${target}s` };
  const whole = { ...plan, apt: folder, direct: true, offline: false, mirrorOptions: "debian-mirror" };
  const ports = "{ env: {}, log: { info() {}, progress() {}, warning: console.log } }";
  const call = `await downloadPackages(${JSON.stringify(whole)}, ${ports}).catch((e) => console.log(e.message, e.remedy));`;
  assert.match(await run({}, call), /^cannot fetch the toolchain: .*certificate.* name its file with SSL_CERT_FILE$/);
});

test("tells a certificate from a network that fails", () => {
  for (const code of ["SELF_SIGNED_CERT_IN_CHAIN", "CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID", "INVALID_CA"])
    assert.equal(isUntrusted(code), true, code);
  for (const code of ["ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", undefined]) assert.equal(isUntrusted(code), false);
});
