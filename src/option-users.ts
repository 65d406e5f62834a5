import type { CommandName } from "./inputs.ts";

/** A command, or what `install` makes with `fallback: build` where nothing fits. */
export type OptionUser = CommandName | "fallback";

const MAKERS = ["build", "kernels", "verify"] as const;

/** Options that mean something to some commands only; what is not here (cache, offline, …) means something to all. */
const USERS: readonly { users: readonly OptionUser[]; names: readonly string[] }[] = [
  { users: [...MAKERS, "install"], names: ["targets", "miopen"] },
  { users: [...MAKERS, "drift", "install"], names: ["rocm-version"] },
  {
    users: [...MAKERS, "fallback"],
    names: ["toolchain", "debian-mirror", "amd-mirror", "amd-keyring", "miopen-source", "kernel-set"],
  },
  { users: [...MAKERS, "drift", "fallback"], names: ["patches"] },
  { users: ["drift"], names: ["sources"] },
  { users: ["build", "kernels"], names: ["shard", "parts"] },
  { users: ["build", "kernels", "fallback"], names: ["verify"] },
  { users: ["verify"], names: ["device", "commands", "kernel-database"] },
  { users: ["build", "kernels", "install"], names: ["prefix"] },
  { users: ["install"], names: ["source", "attestation", "signer-workflow", "trusted-root", "fallback"] },
  { users: ["publish", "install"], names: ["tag", "repository", "token"] },
  { users: ["publish"], names: ["commit", "draft"] },
  { users: [...MAKERS, "drift", "publish", "fallback"], names: ["output"] },
];

/** Who an option means something to; null: every command. */
export function usersOf(option: string): readonly OptionUser[] | null {
  return USERS.find(({ names }) => names.includes(option))?.users ?? null;
}
