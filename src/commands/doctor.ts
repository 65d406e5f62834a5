import { cardRoot } from "../card/find.ts";
import type { Context } from "../context.ts";
import { type Check, diagnose } from "../doctor/diagnose.ts";
import { machineFacts } from "../doctor/machine.ts";

/** What `doctor` has to say. */
export interface DoctorResult {
  checks: readonly Check[];
}

/** Looks at the machine and its environment, changes nothing, and says what keeps RDNA1 from working and what to do. */
export async function doctor({ env, exec }: Context): Promise<DoctorResult> {
  return { checks: diagnose(await machineFacts(env, exec, cardRoot(env))) };
}
