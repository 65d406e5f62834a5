import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ORIGIN, type PartOrigin } from "../kernels/part.ts";
import { findPartFiles, type PartHead, refuseOther } from "../kernels/part-files.ts";
import type { Shard } from "../kernels/shard.ts";
import { sha256 } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";

/** What proofs are made from, in words: the kernel set, its bytes, and what executes them. */
const PROOF_ORIGIN = {
  ...ORIGIN,
  database: "kernel database",
  simulator: "virtual device",
  prover: "prover",
  table: "proof table",
} as const;

export type ProofOrigin = PartOrigin & Readonly<Record<keyof typeof PROOF_ORIGIN, string>>;

/** Finished rows of each kind as their ledgers have them (ledger.ts). */
export interface Ledgers {
  numerical: string;
  prover: string;
  completeness: string;
}

/** The rows that one shard has proven of a kernel set. */
export interface ProofPartFacts extends PartHead<keyof typeof PROOF_ORIGIN> {
  ledgers: Ledgers;
}

/** What all shards have proven. */
export interface GivenProofs {
  ledgers: Ledgers;
  /** Changes with every row */
  digest: string;
}

/** Name of the file with a shard's proofs. */
export function proofPartName(target: Target, { number, of }: Shard): string {
  return `${target}-proofs-${number}-of-${of}.json`;
}

/**
 * The proofs of all shards in a folder or below it; null when no shard has left any. Throws a user error when some shards are
 * missing, or one has proven another set or with another device.
 */
export async function givenProofs(folder: string, target: Target, origin: ProofOrigin): Promise<GivenProofs | null> {
  const isWhole = ({ ledgers }: ProofPartFacts) =>
    [ledgers.numerical, ledgers.prover, ledgers.completeness].every((text) => typeof text === "string");
  const found = await findPartFiles<ProofPartFacts>(folder, target, { kind: "proofs", isWhole });
  for (const part of found) refuseOther(part, origin, PROOF_ORIGIN);
  if (found.length === 0) return null;
  const all = (kind: keyof Ledgers) => found.map(({ facts }) => facts.ledgers[kind]).join("");
  const ledgers = { numerical: all("numerical"), prover: all("prover"), completeness: all("completeness") };
  return { ledgers, digest: sha256(JSON.stringify(ledgers)) };
}

/** Adds rows to a ledger before the proof that goes on with it. */
export async function seedLedger(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, text);
}
