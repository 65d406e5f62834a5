/** Work in the order in which it should start; `group` marks items that share expensive preparation. */
export interface Job {
  group: string;
}

/**
 * Hands out jobs to workers so that a worker stays with the group it began (its own database already holds the
 * group's kernels), groups start largest first, and a worker whose groups are done takes from the fullest one.
 */
export class JobQueue<J extends Job> {
  readonly #groups = new Map<string, J[]>();
  readonly #owners = new Map<string, number>();

  constructor(jobs: readonly J[]) {
    for (const job of jobs) {
      const group = this.#groups.get(job.group);
      if (group === undefined) this.#groups.set(job.group, [job]);
      else group.push(job);
    }
  }

  /** The next job for a worker, or undefined when all are handed out. */
  next(worker: number): J | undefined {
    const left = [...this.#groups].filter(([, jobs]) => jobs.length > 0).sort((a, b) => b[1].length - a[1].length);
    const own = left.find(([group]) => this.#owners.get(group) === worker);
    const free = left.find(([group]) => !this.#owners.has(group));
    const chosen = own ?? free ?? left[0];
    if (chosen === undefined) return undefined;
    const [group, jobs] = chosen;
    if (!this.#owners.has(group)) this.#owners.set(group, worker);
    return jobs.shift();
  }
}

/** Runs `work` for each job with at most `workers` at once; the first error stops the others from taking new jobs. */
export async function runJobs<J extends Job>(
  jobs: readonly J[],
  workers: number,
  work: (job: J, worker: number) => Promise<void>,
): Promise<void> {
  const queue = new JobQueue(jobs);
  let failed = false;
  const loop = async (worker: number) => {
    for (let job = queue.next(worker); job !== undefined && !failed; job = queue.next(worker)) {
      try {
        await work(job, worker);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.max(1, workers) }, (_, i) => loop(i)));
  const rejected = results.find((result) => result.status === "rejected");
  if (rejected !== undefined) throw rejected.reason;
}
