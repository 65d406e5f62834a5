import type { Pruned } from "../prune.ts";
import type { ToolchainPaths } from "../toolchain.ts";
import type { AptSource, ArchivePackage } from "./apt.ts";
import type { ArchivePorts } from "./archive.ts";

/** What tells one archive's ROCm from another's: everything that the shared apt machinery has to know about it. */
export interface Recipe {
  kind: "debian" | "amd";
  rocmVersion: string;
  /** Digest of what is fetched and left out. */
  schema: string;
  /** In messages: `Debian's archive`. */
  archive: string;
  /** Packages that define the toolchain; apt adds what they need. */
  wanted: readonly string[];
  /** The wanted package whose versions say which releases there are. */
  probe: string;
  /** ROCm's release in a version of `probe`. */
  releaseOf(version: string): string;
  /** Pattern of the versions that are preferred, whatever their suite [apt_preferences(5)]. */
  pinned: string;
  /** Addresses that the user gave: a download that began with others is not gone on with. */
  asked: string;
  /** The options that give other addresses, for remedies. */
  mirrorOptions: string;
  prunedPackages: readonly Pruned[];
  prunedPaths: readonly Pruned[];
  /** Where the packages are; may fetch keys into the isolated apt's folder. */
  sources(dir: string, ports: ArchivePorts): Promise<{ sources: AptSource[]; hostSettings: string[] }>;
  /** Refuses a set of packages that does not belong together. */
  check(packages: readonly ArchivePackage[]): void;
  /** Does what the scripts of the packages would have done and what the tree needs. */
  finish?(root: string): Promise<void>;
  /** Finds the parts in an unpacked tree. */
  locate(root: string): Promise<ToolchainPaths>;
}
