import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, machineError, messageOf, userError } from "../../errors.ts";
import { type ArchivePorts, aptCommand } from "../debian/archive.ts";

/** The packets of an OpenPGP file: as they are, or out of their ASCII armor [RFC 9580, 6.2]. */
export function dearmored(file: Buffer): Buffer {
  if (((file[0] ?? 0) & 0x80) !== 0) return file;
  const text = file.toString("latin1").replaceAll("\r", "");
  const block = /-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:\S.*\n)*\s*\n([A-Za-z0-9+/=\n]+?)(?:\n=.{4})?\n-----END/.exec(
    text,
  );
  if (block?.[1] === undefined) throw new Error("this is no OpenPGP key");
  return Buffer.from(block[1], "base64");
}

/** The fingerprints of all primary keys in a binary OpenPGP file, upper-case hex [RFC 9580, 4.2, 5.5.2, 5.5.4]. */
export function keyFingerprints(packets: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < packets.length; ) {
    const { tag, start, end } = packetAt(packets, at);
    if (end > packets.length) throw new Error("the key is cut off");
    const body = packets.subarray(start, end);
    if (tag === 6) {
      if (body[0] !== 4) throw new Error(`the key is of version ${body[0]}, and only version 4 is known`);
      const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
      found.push(createHash("sha1").update(head).update(body).digest("hex").toUpperCase());
    }
    at = end;
  }
  return found;
}

function packetAt(data: Buffer, at: number): { tag: number; start: number; end: number } {
  const first = data.readUInt8(at);
  if ((first & 0x80) === 0) throw new Error("this is no OpenPGP key");
  if ((first & 0x40) === 0) {
    const size = [1, 2, 4][first & 3]; // 3 is "to the end of the file", which a key has no use for
    if (size === undefined) throw new Error("the key has a packet without length");
    const start = at + 1 + size;
    return { tag: (first >> 2) & 15, start, end: start + data.readUIntBE(at + 1, size) };
  }
  const length = data.readUInt8(at + 1);
  const packet = (head: number, bytes: number) => ({ tag: first & 63, start: at + head, end: at + head + bytes });
  if (length < 192) return packet(2, length);
  if (length < 224) return packet(3, ((length - 192) << 8) + data.readUInt8(at + 2) + 192);
  if (length === 255) return packet(6, data.readUInt32BE(at + 2));
  throw new Error("the key has a packet in parts");
}

/**
 * Fetches a key with apt's own downloader (it knows the proxies and certificates) and writes it as a keyring. The address
 * need not be trusted: a file with any other key than `allowed` is refused.
 */
export async function fetchKey(
  address: string,
  keyring: string,
  allowed: readonly string[],
  dir: string,
  ports: ArchivePorts,
): Promise<void> {
  const file = `${keyring}.fetched`;
  await mkdir(dirname(file), { recursive: true });
  await rm(file, { force: true });
  const command = aptCommand({ dir }, ports.env, "/usr/lib/apt/apt-helper", "download-file", address, file);
  const result = await ports.exec.run(command, { timeoutMs: 60_000, ...(ports.signal && { signal: ports.signal }) });
  ports.signal?.throwIfAborted();
  if (result.code !== 0) {
    const why = result.stderr.split("\n").find((line) => line.startsWith("E: ")) ?? "no answer in a minute";
    throw machineError(
      `cannot fetch the key of AMD's repository: ${why}`,
      "check the network, or give the key as a file with the amd-keyring option",
    );
  }
  const remedy = "give a file with the right key with the amd-keyring option, if you have it from AMD";
  const packets = await readFile(file).then(dearmored).catch(unusable(address, remedy));
  const found = fingerprintsOf(packets, address, remedy);
  const other = found.find((fingerprint) => !allowed.includes(fingerprint));
  if (other !== undefined || found.length === 0) {
    throw machineError(
      `${address} is not the key of AMD's repository: its fingerprint is ${other ?? "missing"}, not ${allowed.join(" or ")}`,
      remedy,
    );
  }
  await writeFile(keyring, packets);
}

/** The file that the user gave. */
export async function readKeyring(file: string): Promise<Buffer> {
  return readFile(file).catch((error) => {
    throw userError(`amd-keyring: ${file} cannot be read (${codeOf(error)})`, "give a file with an OpenPGP key");
  });
}

/** Writes the key that the user gave as a keyring; who gives a key vouches for it. */
export async function givenKey(file: string, keyring: string): Promise<void> {
  const data = await readKeyring(file);
  await mkdir(dirname(keyring), { recursive: true });
  try {
    const packets = dearmored(data);
    if (keyFingerprints(packets).length === 0) throw new Error("it has no key");
    await writeFile(keyring, packets);
  } catch (error) {
    if (codeOf(error) === "ENOSPC") throw error;
    throw userError(`amd-keyring: ${file}: ${messageOf(error)}`, "give a file with an OpenPGP key", error);
  }
}

function fingerprintsOf(packets: Buffer, address: string, remedy: string): string[] {
  try {
    return keyFingerprints(packets);
  } catch (error) {
    return unusable(address, remedy)(error);
  }
}

function unusable(address: string, remedy: string): (error: unknown) => never {
  return (error) => {
    throw machineError(`${address} is not the key of AMD's repository: ${messageOf(error)}`, remedy, error);
  };
}
