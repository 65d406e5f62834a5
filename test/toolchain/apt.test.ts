import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  aptConf,
  isDirect,
  networkSettings,
  parseMadison,
  parseUris,
  preferences,
  releaseDates,
  sourcesList,
} from "../../src/toolchain/debian/apt.ts";
import { checkVersions, isRelease } from "../../src/toolchain/debian/archive.ts";
import {
  checkedMirror,
  debianArchive,
  debianSource,
  type HostArchive,
  ubuntuArchive,
} from "../../src/toolchain/debian/mirror.ts";
import { debianPackages } from "../../src/toolchain/debian/packages.ts";
import { hostPolicy, withSha1Keys } from "../../src/toolchain/debian/policy.ts";
import { debianTree } from "../../src/toolchain/debian.ts";
import { isPruned, PRUNED_PACKAGES } from "../../src/toolchain/prune.ts";
import { scratch } from "./helpers.ts";

const SHA = "a".repeat(64);
const host: HostArchive = {
  distribution: "debian",
  release: null,
  mirror: "http://m/debian",
  keyring: "/k.gpg",
  networkSettings: [],
};
const plan = {
  dir: "/c/apt",
  sources: [debianSource(host, ["sid", "experimental"])],
  pinned: "7.2.4*",
  hostSettings: ['Acquire::http::Proxy "http://p:3128";'],
};

test("apt keeps its state in its own folder and the host's proxy", () => {
  const lines = aptConf(plan).split("\n");
  for (const line of [
    'Dir "/c/apt";',
    'Dir::State::status "/c/apt/status";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::http::Proxy "http://p:3128";',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test("a tree to compile MIOpen in is another tree, with all that one to run it has", () => {
  const options = { rocmVersion: "7.2.4", cacheRoot: "/c", mirror: null, offline: false, jobs: 1, env: {} };
  assert.notEqual(debianTree({ ...options, profile: "build" }).name, debianTree(options).name);
  assert.equal(debianTree({ ...options, profile: "run" }).name, debianTree(options).name);
  const build = debianPackages("build");
  for (const name of debianPackages("run")) assert.ok(build.includes(name), name);
  for (const name of ["cmake", "ninja-build", "ccache", "rocm-cmake"]) assert.ok(build.includes(name), name);
});

test("sources name the keys, and only the wanted ROCm is preferred", () => {
  assert.equal(
    sourcesList(plan),
    "deb [arch=amd64 signed-by=/k.gpg] http://m/debian sid main\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian experimental main\n",
  );
  assert.match(preferences("6.4.3*"), /^Pin: version 6\.4\.3\*$/m);
});

test("of the host's apt configuration only the network is taken", () => {
  const dump = [
    'APT::Sandbox::User "_apt";',
    'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";',
    'Acquire "";',
    'Acquire::http "";',
    'Acquire::http::Proxy "http://proxy:3128";',
    'Acquire::http::Timeout "3600";',
    'Acquire::https::CaInfo "/etc/ssl/own.pem";',
    'Acquire::AllowInsecureRepositories "1";',
    'Acquire::ForceIPv4 "true";',
    'Acquire::Check-Date "false";',
    'Dir::Etc "etc/apt";',
  ].join("\n");
  assert.deepEqual(networkSettings(dump), [
    'Acquire::http::Proxy "http://proxy:3128";',
    'Acquire::https::CaInfo "/etc/ssl/own.pem";',
    'Acquire::ForceIPv4 "true";',
    'Acquire::Check-Date "false";',
  ]);
});

test("package files are fetched directly only where no proxy is set", () => {
  const cases: [string[], Record<string, string>, boolean][] = [
    [[], {}, true],
    [['Acquire::Check-Date "false";'], { no_proxy: "localhost" }, true],
    [['Acquire::http::Proxy "http://p";'], {}, false],
    [['Acquire::https::CaInfo "/c.pem";'], {}, false],
    [['Dir::Etc::netrc "/etc/apt/auth.conf";'], {}, false],
    [[], { http_proxy: "http://p" }, false],
    [[], { all_proxy: "socks5h://p" }, false],
    [[], { https_proxy: "" }, true],
  ];
  for (const [settings, env, direct] of cases)
    assert.equal(isDirect(settings, env), direct, JSON.stringify([settings, env]));
});

test("reads the package files that apt prints", () => {
  const text = [
    `'http://m/pool/l/llvm/libllvm22_22.1.8-3_amd64.deb' libllvm22_1%3a22.1.8-3_amd64.deb 29441420 SHA256:${SHA}`,
    `'http://m/pool/h/hipcc_7.2.4%2bdfsg-1%7eexp1_amd64.deb' hipcc_7.2.4+dfsg-1~exp1_amd64.deb 109792 SHA256:${SHA}`,
    "'http://m/pool/w/weak_1_amd64.deb' weak_1_amd64.deb 10 MD5Sum:0123456789abcdef0123456789abcdef",
    "W: something else",
  ].join("\n");
  assert.deepEqual(
    parseUris(text).map(({ name, version, bytes }) => [name, version, bytes]),
    [
      ["hipcc", "7.2.4+dfsg-1~exp1", 109792],
      ["libllvm22", "1:22.1.8-3", 29441420],
    ],
  );
});

test("reads versions and suites, and the dates of a Release file", () => {
  assert.deepEqual(
    parseMadison(" miopen | 7.2.4+dfsg-1 | http://m/debian experimental/main amd64 Packages\nnonsense\n"),
    [{ version: "7.2.4+dfsg-1", suite: "experimental" }],
  );
  const dates = releaseDates("Suite: unstable\nDate: Fri, 30 Oct 2026 08:08:01 UTC\nValid-Until: never\n");
  assert.equal(dates.date?.toISOString(), "2026-10-30T08:08:01.000Z");
  assert.equal(dates.validUntil, null);
});

test("tells a release from one whose number begins alike", () => {
  assert.equal(isRelease("7.2.4+dfsg-1", "7.2.4"), true);
  assert.equal(isRelease("7.2.4-1~exp1", "7.2.4"), true);
  assert.equal(isRelease("7.2.40-1", "7.2.4"), false);
  assert.equal(isRelease("7.2.4.1-1", "7.2.4"), false);
  assert.equal(isRelease("6.4.3-1", "7.2.4"), false);
});

test("refuses a mixture of ROCm releases", () => {
  const of = (name: string, version: string) => [{ name, version, url: "", file: "", bytes: 1, sha256: SHA }];
  checkVersions(
    [...of("libmiopen1", "6.4.3+dfsg-1+b1"), ...of("librocblas4", "6.4.4-4"), ...of("hipcc", "7.0.2-3")],
    "6.4.3",
  );
  assert.throws(
    () => checkVersions(of("libmiopen1", "6.4.4-1"), "6.4.3"),
    /pairs ROCm 6\.4\.3 with libmiopen1 6\.4\.4-1/,
  );
  assert.throws(() => checkVersions(of("libamdhip64-7", "7.0.2-1"), "7.2.4"), { kind: "machine" });
  assert.throws(() => checkVersions(of("librocblas5", "7.1.0-1"), "7.2.4"), { kind: "machine" });
});

test("finds the Debian archive among the host's sources", () => {
  const cases: [string, string | null][] = [
    ["http://d/debian\tbookworm\tmain", "http://d/debian"],
    [
      "http://n/node_20.x\tnodistro\tmain\nhttp://d/debian-security\tbookworm-security\tmain\nhttps://d/debian\tbookworm-updates\tmain",
      "https://d/debian",
    ],
    [
      "http://d/debian\tsid\tcontrib\nmirror+file:/etc/apt/mirrors/debian.list\ttrixie\tmain",
      "mirror+file:/etc/apt/mirrors/debian.list",
    ],
    ["cdrom:[Debian 12]/\tbookworm\tmain", null],
    ["http://u/ubuntu\tnoble\tmain", null],
    ["", null],
  ];
  for (const [targets, mirror] of cases) assert.equal(debianArchive(targets)?.mirror ?? null, mirror, targets);
});

test("finds Ubuntu's archive, and not a private one, among the host's sources", () => {
  const targets = [
    "http://p/someone/ppa/ubuntu\tjammy\tmain",
    "http://s/ubuntu-security\tnoble-security\tuniverse",
    "mirror+file:/etc/apt/apt-mirrors.txt/\tnoble-updates\tmain",
    "mirror+file:/etc/apt/apt-mirrors.txt/\tnoble-updates\tuniverse",
  ];
  const mirror = "mirror+file:/etc/apt/apt-mirrors.txt";
  assert.deepEqual(ubuntuArchive(targets.join("\n")), { distribution: "ubuntu", release: "noble", mirror });
  assert.equal(ubuntuArchive(targets.slice(0, 3).join("\n")), null);
  assert.equal(debianArchive(targets.join("\n")), null);
});

test("takes only addresses that apt can use as they are", () => {
  assert.equal(checkedMirror("https://m/debian"), "https://m/debian");
  assert.equal(checkedMirror("file:///srv/debian"), "file:/srv/debian");
  for (const bad of [
    "m/debian",
    "",
    "ftp://m/debian",
    "cdrom:/x",
    "http://m/debian [trusted=yes]",
    'http://m/"',
    "http://m/a;b",
  ]) {
    assert.throws(() => checkedMirror(bad), { kind: "user" }, bad);
  }
});

test("leaves out packages by name and by beginning of a name", () => {
  for (const name of ["python3", "python3.14-minimal", "libmiopen-tests-data", "lib32gcc-s1"])
    assert.ok(isPruned(name, PRUNED_PACKAGES), name);
  for (const name of ["libmiopen1", "libmiopen1-tests", "clang-22", "libc6-dev", "libstdc++-16-dev"])
    assert.ok(!isPruned(name, PRUNED_PACKAGES), name);
});

test("a policy that takes keys bound by SHA-1 is the host's in all else", async (t) => {
  // apt 3.0.4 of Debian 13 has the first; the others are a policy without this algorithm, and none
  const debian =
    "[asymmetric_algorithms]\nrsa2048  = 2030-02-01\n\n[hash_algorithms]\nsha1.second_preimage_resistance = 2026-02-01  # Extend\nsha224 = 2026-02-01\n";
  const allowed = 'sha1.second_preimage_resistance = "always"';
  assert.equal(withSha1Keys(debian), debian.replace("sha1.second_preimage_resistance = 2026-02-01  # Extend", allowed));
  assert.equal(
    withSha1Keys('[hash_algorithms]\nsha1 = "never"\nsha1.collision_resistance = "never"\n'),
    `[hash_algorithms]\n${allowed}\nsha1.collision_resistance = "never"\n`,
  );
  assert.equal(withSha1Keys("[packets]\n"), `[packets]\n\n[hash_algorithms]\n${allowed}\n`);
  const file = join(await scratch(t), "policy");
  await writeFile(file, debian);
  const places = ["/etc/crypto-policies/back-ends/apt-sequoia.config", "/var/lib/crypto-config/profiles/current"];
  if (!places.some((place) => existsSync(place))) {
    assert.equal(await hostPolicy({ SEQUOIA_CRYPTO_POLICY: file }), debian);
  }
});
