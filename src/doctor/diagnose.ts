import { isTarget, TARGETS, type Target } from "../rdna1/targets.ts";
import type { MachineFacts } from "./machine.ts";

/** One thing that was looked at. */
export interface Check {
  /** A word or two */
  what: string;
  /** `bad` keeps convolutions from working or makes them unsafe; `doubtful` makes them slow, or may be meant */
  state: "good" | "doubtful" | "bad";
  says: string;
  /** What to do; null where nothing is */
  remedy: string | null;
}

/** What is wrong with a machine for RDNA1, worst knowledge first: each check stands on those before it. */
export function diagnose(facts: MachineFacts): Check[] {
  const targets = [...new Set(facts.compute.map(({ architecture }) => architecture).filter(isTarget))];
  return [
    cardCheck(facts, targets),
    ...(facts.hasKfd ? [rightsCheck(facts)] : []),
    spoofCheck(facts),
    ...hiddenChecks(facts),
    rocmCheck(facts),
    ...rocblasChecks(facts, targets),
    kernelsCheck(facts, targets),
    ...searchChecks(facts),
    ...leftoverChecks(facts),
    ...torchChecks(facts, targets),
  ];
}

const good = (what: string, says: string): Check => ({ what, state: "good", says, remedy: null });
const bad = (what: string, says: string, remedy: string): Check => ({ what, state: "bad", says, remedy });
const doubtful = (what: string, says: string, remedy: string): Check => ({ what, state: "doubtful", says, remedy });

function cardCheck({ compute, bus, hasKfd, inContainer }: MachineFacts, targets: readonly Target[]): Check {
  const [seen] = targets;
  if (seen !== undefined) {
    const others = compute.length - compute.filter(({ architecture }) => isTarget(architecture)).length;
    const more = others === 0 ? "" : `, besides ${others} other`;
    return good("card", `${targets.map((target) => `${target} (${TARGETS[target].cards})`).join("; ")}${more}`);
  }
  const [card] = bus;
  if (card === undefined) {
    const others = compute.map(({ architecture }) => architecture).join(", ");
    return others === ""
      ? bad("card", "no AMD card is seen", "plug in an RX 5000 card, or give it to this container or virtual machine")
      : bad(
          "card",
          `no RDNA1 card is seen (${others})`,
          "AMD's own packages serve other cards; this project is for RX 5000",
        );
  }
  const name = `${card.architecture} at ${card.address}`;
  if (inContainer && !hasKfd) {
    return bad(
      "card",
      `${name} is on the bus, but not in this container`,
      "start the container with --device /dev/kfd --device /dev/dri",
    );
  }
  if (card.driver !== "amdgpu") {
    const who = card.driver === null ? "no driver has it" : `the driver ${card.driver} has it`;
    return bad("card", `${name} is on the bus, but ${who}`, "load the kernel's driver: modprobe amdgpu");
  }
  // [Linux, kfd_device.c: Navi 1x need PCIe atomics unless the card's firmware is new enough]
  return bad(
    "card",
    `${name} has its driver, but the driver offers it for no computation`,
    "see `dmesg | grep kfd`: where it says that PCI rejects atomics, use a slot that is wired to the processor, and newer linux-firmware",
  );
}

function rightsCheck({ closed }: MachineFacts): Check {
  if (closed.length === 0) return good("rights", "this user may open the card");
  return bad(
    "rights",
    `this user may not open ${closed.join(", ")}`,
    "sudo usermod -aG render,video $USER, then log in anew; in a container --group-add the group of these files",
  );
}

function spoofCheck({ env, overrides }: MachineFacts): Check {
  const set = Object.keys(env).find((name) => /^HSA_OVERRIDE_GFX_VERSION(_\d+)?$/.test(name) && env[name]);
  const danger =
    "the card then runs machine code of another architecture, without the work-arounds that RDNA1 needs: that is where convolutions hang";
  if (set !== undefined) {
    const where = overrides.length === 0 ? "" : ` and remove it from ${overrides.join(", ")}`;
    return bad("spoof", `${set}=${env[set]} is set: ${danger}`, `unset ${set}${where}`);
  }
  if (overrides.length === 0) return good("spoof", "no process is made to pose as another card");
  return bad(
    "spoof",
    `HSA_OVERRIDE_GFX_VERSION is set for new sessions: ${danger}`,
    `remove it from ${overrides.join(", ")}`,
  );
}

function hiddenChecks({ env }: MachineFacts): Check[] {
  return ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"]
    .filter((name) => env[name] !== undefined)
    .map((name) =>
      doubtful("visible", `${name}=${env[name]} hides cards from programs`, `unset ${name}, unless it is meant`),
    );
}

function rocmCheck({ rocm, activated }: MachineFacts): Check {
  if (rocm === null) {
    return doubtful(
      "ROCm",
      "none is installed in /opt/rocm, /usr or ROCM_PATH",
      "a PyTorch wheel brings its own; else install ROCm, or set ROCM_PATH",
    );
  }
  const own = typeof activated === "object" && activated?.manifest.library != null;
  if (rocm.miopen === null && !own) {
    return bad(
      "ROCm",
      `${rocm.version} in ${rocm.folder}, without MIOpen`,
      "install the package miopen-hip (AMD) or libmiopen1 (Debian)",
    );
  }
  return good("ROCm", `${rocm.version} in ${rocm.folder}, ${own ? "MIOpen of the package" : `MIOpen ${rocm.miopen}`}`);
}

/** GEMM aborts the process where rocBLAS has no kernels for the card (facts: MIOpen §7). */
function rocblasChecks({ rocm, env }: MachineFacts, targets: readonly Target[]): Check[] {
  if (rocm?.rocblas == null || env.ROCBLAS_TENSILE_LIBPATH) return [];
  const has = rocm.rocblas;
  const missing = targets.filter((target) => !has.includes(target));
  if (missing.length === 0)
    return targets.length === 0 ? [] : [good("rocBLAS", `has kernels for ${targets.join(", ")}`)];
  const remedy = has.includes("gfx1010")
    ? "install with these targets: the package's overlay of rocBLAS serves them"
    : "use Debian's rocBLAS, or TheRock's for gfx101X: AMD's packages have none for RDNA1";
  return [
    bad("rocBLAS", `has no kernels for ${missing.join(", ")}: GEMM, and what is built on it, ends the program`, remedy),
  ];
}

function kernelsCheck({ activated }: MachineFacts, targets: readonly Target[]): Check {
  const install = "npm start -- install, and the line that it prints; in a job, command: install";
  if (activated === null) {
    return doubtful("kernels", "none are precompiled: MIOpen compiles each at its first use", install);
  }
  if (typeof activated === "string") {
    return doubtful("kernels", `MIOPEN_SYSTEM_DB_PATH: ${activated}`, `unset it, or: ${install}`);
  }
  const { manifest, match } = activated;
  const missing = targets.filter((target) => manifest.kernels[target] === undefined);
  if (missing.length > 0) return bad("kernels", `${manifest.name} has none for ${missing.join(", ")}`, install);
  if (match.kind === "other") {
    return bad(
      "kernels",
      `these ${match.why}: MIOpen does not find most of them, and does not check what it finds`,
      install,
    );
  }
  const count = Object.values(manifest.kernels).reduce((sum, { rows }) => sum + rows, 0);
  return good("kernels", `${count} of ${manifest.name}`);
}

/** Variables of MIOpen that bring the search back, or code that RDNA1 should not run. */
const SEARCHES: readonly { name: string; value: RegExp; says: string }[] = [
  { name: "MIOPEN_FIND_MODE", value: /^(1|NORMAL)$/i, says: "makes MIOpen try every algorithm on the card" },
  { name: "MIOPEN_FIND_ENFORCE", value: /^(?!1$|NONE$)./i, says: "makes MIOpen search and tune on the card" },
  {
    name: "MIOPEN_DISABLE_CACHE",
    value: /^(1|on|yes|true|enabled?)$/i,
    says: "makes MIOpen compile every kernel anew",
  },
  {
    name: "MIOPEN_DEBUG_CONV_WINOGRAD",
    value: /^(1|on|yes|true|enabled?)$/i,
    says: "lets hand-written Winograd code run, which is not safe on RDNA1",
  },
  {
    name: "MIOPEN_RDNA1_WINOGRAD",
    value: /^(1|on|yes|true|enabled?)$/i,
    says: "lets hand-written Winograd code run, which is not safe on RDNA1",
  },
  {
    name: "MIOPEN_RDNA1_ALLOW_SPOOF",
    value: /^(1|on|yes|true|enabled?)$/i,
    says: "lets a process that poses as another card run",
  },
];

function searchChecks({ env }: MachineFacts): Check[] {
  return SEARCHES.filter(({ name, value }) => value.test(env[name] ?? "")).map(({ name, says }) =>
    doubtful("MIOpen", `${name}=${env[name]} ${says}`, `unset ${name}`),
  );
}

function leftoverChecks({ spoofedCaches }: MachineFacts): Check[] {
  if (spoofedCaches.length === 0) return [];
  const [first] = spoofedCaches;
  const more = spoofedCaches.length === 1 ? "" : ` and ${spoofedCaches.length - 1} more`;
  return [
    doubtful(
      "caches",
      `a process that posed as gfx1030 left ${first}${more}; nothing on RDNA1 reads it`,
      "remove it when you like",
    ),
  ];
}

function torchChecks({ torch }: MachineFacts, targets: readonly Target[]): Check[] {
  if (torch === null) return [];
  const missing = targets.filter((target) => !torch.architectures.includes(target));
  if (missing.length === 0)
    return [good("PyTorch", `in ${torch.folder}, with rocBLAS for ${torch.architectures.join(", ")}`)];
  return [
    doubtful(
      "PyTorch",
      `in ${torch.folder} brings libraries of its own without code for ${missing.join(", ")}, as official wheels do`,
      "use a PyTorch that was built for gfx101x: the distribution's, or a wheel of TheRock for gfx101X",
    ),
  ];
}
