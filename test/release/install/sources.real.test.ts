import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { asOrdinaryUser } from "../../../src/ports/setpriv.ts";
import { noise, sha256 } from "../sample.ts";
import { PROGRAM, Sandbox } from "./sandbox.ts";
import { attestRelease, PACKAGE } from "./support.ts";

const TOKEN = "ghp_verySecretToken";
const box = Sandbox.use();

test("offline takes what is in the cache, and nothing else", async () => {
  const without = await box.run([...box.release, "--offline"]);
  assert.equal(without.code, 1);
  assert.match(without.text, /offline, and no package in the cache fits/);
  assert.equal((await box.run(box.release)).code, 0);
  box.server.requests.length = 0;
  const { code, text, out } = await box.run([...box.release, "--offline", "--tag", "v1"]);
  assert.equal(code, 0, text);
  assert.match(out, /attested by/);
  assert.equal(box.server.requests.length, 0);
  assert.equal((await box.run([...box.release, "--offline", "--rocm-version", "7.0.2"])).code, 1);
  assert.equal((await box.run([...box.release, "--offline", "--tag", "v2"])).code, 1);
  const stranger = await box.run([...box.release, "--offline", "--repository", "evil/kernels"]);
  assert.match(stranger.text, /its origin is not proven/);
  assert.equal(stranger.code, 1);
});

test("a package that is there already is of the place that it came from this time, proven as this time, also offline", async () => {
  const folder = await box.mirror();
  const local = await box.run(["install", "--source", folder]);
  assert.match(local.out, /from +folder .*mirror\n +origin +not proven/);
  const released = await box.run(box.release);
  assert.match(released.out, /from +release v1 of org\/kernels\n +origin +attested by[\s\S]*was there already/);
  assert.equal((await box.run([...box.release, "--offline", "--tag", "v1"])).code, 0);
  box.server.add("v2", box.files);
  const workflow = "org/kernels/.github/workflows/publish.yml@refs/tags/v2";
  await attestRelease(box.server, box.sigstore, box.digest, { workflow });
  assert.match((await box.run(box.release)).out, /from +release v2 of org\/kernels\n/);
  for (const tag of ["v1", "v2"]) {
    const { code, text, out } = await box.run([...box.release, "--offline", "--tag", tag]);
    assert.equal(code, 0, text);
    assert.match(out, new RegExp(`from +release ${tag} of org/kernels\\n +origin +attested by`));
  }
  const prefix = path.join(box.home, "rdna1");
  assert.match((await box.run([...box.release, "--prefix", prefix])).out, /from +release v2/);
  const there = await box.run(["install", "--source", folder, "--prefix", prefix]);
  assert.match(there.out, /from +folder .*mirror\n[\s\S]*was there already/);
});

test("a cache that this user may not write is used all the same", async () => {
  assert.equal((await box.run(["install", "--source", await box.mirror()])).code, 0);
  const other = path.join(box.home, "other");
  await cp(path.join(box.home, "mirror"), other, { recursive: true });
  const file = path.join(await box.onlyPackage(), "share/rdna1-miopen");
  await chmod(file, 0o555);
  await chmod(path.dirname(await box.onlyPackage()), 0o555);
  const user = asOrdinaryUser({ file: process.execPath, args: [PROGRAM], env: {} });
  const { code, text, out } = await box.start(["install", "--source", other], {}, user).done;
  assert.equal(code, 0, text);
  assert.match(out, /from +folder .*other/);
});

test("a damaged file in the cache is noticed, and the package installed anew", async () => {
  assert.equal((await box.run(box.release)).code, 0);
  const file = path.join(await box.onlyPackage(), "share/miopen/db/gfx1010.kdb");
  await writeFile(file, noise("other", 60_000));
  const { code, text } = await box.run(box.release);
  assert.equal(code, 0, text);
  assert.match(text, /is damaged \(share\/miopen\/db\/gfx1010\.kdb was changed\)/);
  assert.deepEqual(await readFile(file), noise("gfx1010", 60_000));
});

test("a folder with SHA256SUMS, and a single tarball with its digest beside it, need no network", async () => {
  const folder = await box.mirror();
  const whole = await box.run(["install", "--offline", "--source", folder]);
  assert.equal(whole.code, 0, whole.text);
  assert.match(whole.out, /origin +not proven/);
  const alone = path.join(box.home, "alone");
  await mkdir(alone);
  await cp(path.join(folder, PACKAGE), path.join(alone, PACKAGE));
  const source = path.join(alone, PACKAGE);
  const naked = await box.run(["install", "--source", source]);
  assert.equal(naked.code, 2);
  assert.match(naked.text, /no .*\.sha256 and no SHA256SUMS that lists/);
  await rm(path.join(box.home, "tools"), { recursive: true });
  await writeFile(`${source}.sha256`, `${box.digest}  ${PACKAGE}\n`);
  const { code, text } = await box.run(["install", "--source", source]);
  assert.equal(code, 0, text);
  await box.usable(await box.onlyPackage());
  assert.equal(box.server.requests.length, 0);
});

test("an attestation in a file beside the tarball is checked, also offline", async () => {
  const bundle = JSON.stringify(await box.sigstore.attest({ sha256: box.digest }));
  const folder = await box.mirror({ [`${PACKAGE}.sigstore.json`]: bundle });
  const args = ["install", "--source", folder, "--trusted-root", box.roots, "--offline"];
  const good = await box.run([...args, "--repository", "org/kernels"]);
  assert.equal(good.code, 0, good.text);
  assert.match(good.out, /origin +attested by/);
  await rm(path.join(box.home, "tools"), { recursive: true });
  const stranger = await box.run([...args, "--repository", "org/other"]);
  assert.equal(stranger.code, 1);
  assert.match(
    stranger.text,
    /made for https:\/\/github\.com\/org\/kernels, not for https:\/\/github\.com\/org\/other/,
  );
  await box.nothingInstalled();
});

test("attestations from a file of one's own, as gh downloads them", async () => {
  box.server.attestations.clear();
  const file = path.join(box.home, "attestations.jsonl");
  const other = JSON.stringify(await box.sigstore.attest({ sha256: sha256("other") }));
  await writeFile(file, `${other}\n${JSON.stringify(await box.sigstore.attest({ sha256: box.digest }))}\n`);
  const { code, text, out } = await box.run([...box.release, "--attestation", file]);
  assert.equal(code, 0, text);
  assert.match(out, /attested by/);
});

test("an Enterprise Server without attestations and digests: only where that is allowed", async () => {
  box.server.base = "/api/v3";
  box.server.token = TOKEN;
  box.server.attestations.clear();
  for (const asset of box.server.releases[0]?.assets ?? []) asset.digest = null;
  const env = { GITHUB_TOKEN: TOKEN, GITHUB_SERVER_URL: "https://github.corp.example" };
  const demanded = await box.run(box.release, env);
  assert.equal(demanded.code, 2);
  assert.match(demanded.text, /has no attestation for .*set attestation 'off'/s);
  const unproven = ["install", "--repository", "org/kernels", "--attestation", "off"];
  const { code, text, out } = await box.run(unproven, env);
  assert.equal(code, 0, text);
  assert.match(out, /origin +not proven/);
  assert.equal(text.includes(TOKEN), false);
  assert.deepEqual(box.server.leaked, []);
  const stranger = await box.run(box.release);
  assert.equal(stranger.code, 2);
  assert.match(stranger.text, /404.*check the repository's name/s);
});

/** A plain web server over a folder. */
async function webServer(folder: string): Promise<{ address: string; close: () => void }> {
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(path.basename(request.url ?? ""));
    const content = await readFile(path.join(folder, name)).catch(() => null);
    response.writeHead(content === null ? 404 : 200).end(content ?? "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/kernels`, close };
}

test("a mirror in the network has to be attested, because its SHA256SUMS can be changed with the rest", async () => {
  const folder = await box.mirror();
  const web = await webServer(folder);
  try {
    const args = ["install", "--source", web.address, "--repository", "org/kernels", "--trusted-root", box.roots];
    const refused = await box.run(args);
    assert.equal(refused.code, 2);
    assert.match(refused.text, /the mirror http:\/\/127\.0\.0\.1:\d+\/kernels has no attestation/);
    const offline = await box.run([...args, "--offline"]);
    assert.equal(offline.code, 1);
    const bundle = await box.sigstore.attest({ sha256: box.digest });
    await writeFile(path.join(folder, `${PACKAGE}.sigstore.json`), JSON.stringify(bundle));
    const { code, text, out } = await box.run(args);
    assert.equal(code, 0, text);
    assert.match(out, /attested by/);
    await box.usable(await box.onlyPackage());
  } finally {
    web.close();
  }
});
