import { machineError } from "../../errors.ts";
import type { Asset, NewDraft, Release, ReleaseApi } from "./api.ts";
import type { LocalFile } from "./local.ts";
import {
  type Choice,
  type Commits,
  chooseRelease,
  type FilePlan,
  planAssets,
  refusalOf,
  refuseForeignTarballs,
} from "./plan.ts";
import { type RetryPorts, withRetries } from "./retry.ts";
import { uploadFile } from "./upload.ts";

export interface PublishRequest {
  draft: NewDraft;
  commits: Commits;
  /** In the order of upload */
  files: readonly LocalFile[];
  /** Whether the release stays a draft */
  stayDraft: boolean;
}

export interface Published {
  release: Release;
  /** Names of the files that this run sent */
  uploaded: readonly string[];
  /** Names of the files whose whole copy was there already */
  kept: readonly string[];
}

/**
 * Brings files into the release of a tag: finds or makes a draft, uploads what is missing or damaged, lists everything
 * once more, and publishes when every file is there with its digest. Whatever stops it leaves a draft, which the next run
 * goes on with; run again when all is done, it changes nothing.
 */
export async function publishRelease(request: PublishRequest, api: ReleaseApi, ports: RetryPorts): Promise<Published> {
  const { files } = request;
  const { log } = ports;
  const release = await findOrMakeDraft(request, api, ports);
  const before = await listAssets(release, api, ports);
  const plans = planAssets(files, before);
  const kept = plans.filter((plan) => plan.kept !== null).map(({ file }) => file.name);
  if (!release.draft) {
    const refusal = refusalOf(release, plans);
    if (refusal !== null) throw refusal;
    log.info(`release ${release.tag} is published already, with exactly these files`);
    return { release, uploaded: [], kept };
  }
  refuseForeignTarballs(release, files, before);
  const sent = await uploadAll(release, plans, api, ports);
  await verifyAssets(release, files, new Set(sent.map(({ id }) => id)), api, ports);
  const result = { uploaded: sent.map(({ name }) => name), kept };
  if (request.stayDraft) {
    log.info("every file is there and verified; the release stays a draft, as asked");
    return { release, ...result };
  }
  return { release: await makePublic(release, api, ports), ...result };
}

/** Between a lost answer and the next try the releases are listed again, so that no second draft is made. */
async function findOrMakeDraft(
  { draft, commits }: PublishRequest,
  api: ReleaseApi,
  ports: RetryPorts,
): Promise<Release> {
  const choice = await withRetries(
    `find the release of ${draft.tag}`,
    async (): Promise<Choice> => {
      const found = chooseRelease(await api.releases(), draft.tag, commits);
      if (found.release !== null) return found;
      const made = await api.createDraft(draft);
      // Another run may have made one at the same moment: both then go on with the older
      const others = (await api.releases()).filter(({ id }) => id !== made.id);
      return chooseRelease([...others, made], draft.tag, commits);
    },
    ports,
  );
  for (const { url } of choice.others) ports.log.warning(`another draft of ${draft.tag} is left as it is: ${url}`);
  const release = choice.release as Release;
  ports.log.info(`release ${draft.tag}: ${release.draft ? "draft" : "published"}, ${release.url}`);
  return release;
}

/** One after the other, in order: bill of materials and checksums only when what they describe is there. */
async function uploadAll(
  release: Release,
  plans: readonly FilePlan[],
  api: ReleaseApi,
  ports: RetryPorts,
): Promise<Asset[]> {
  const { log } = ports;
  const sent: Asset[] = [];
  for (const plan of plans) {
    const { name } = plan.file;
    if (plan.kept !== null && plan.remove.length === 0) {
      log.info(`${name}: there already`);
      continue;
    }
    log.info(`${name}: ${plan.why || "there already, beside a damaged one"}`);
    const asset = await uploadFile(api, release, plan, ports);
    if (plan.kept !== null) continue;
    if (asset.digest === null) log.warning(`${name}: GitHub tells no digest; only its size was compared`);
    sent.push(asset);
  }
  return sent;
}

/** What counts is what GitHub lists in the end, not what it answered on the way. */
async function verifyAssets(
  release: Release,
  files: readonly LocalFile[],
  sent: ReadonlySet<number>,
  api: ReleaseApi,
  ports: RetryPorts,
): Promise<void> {
  const plans = planAssets(files, await listAssets(release, api, ports), sent);
  const wrong = plans.filter((plan) => plan.kept === null || plan.remove.length > 0);
  if (wrong.length === 0) return;
  const names = wrong.map(({ file, why }) => `${file.name} (${why || "there twice"})`).join(", ");
  throw machineError(
    `not published: the draft of ${release.tag} does not hold what was sent: ${names}`,
    "the release stays a draft; run the same command again, which repairs it",
  );
}

async function listAssets(release: Release, api: ReleaseApi, ports: RetryPorts): Promise<Asset[]> {
  return await withRetries(`list the assets of ${release.tag}`, () => api.assets(release), ports);
}

async function makePublic(release: Release, api: ReleaseApi, ports: RetryPorts): Promise<Release> {
  const published = await withRetries(
    `publish ${release.tag}`,
    async (number) => {
      // The answer that was lost may have been a yes
      const now = number === 1 ? release : await api.release(release.id);
      return now.draft ? await api.publish(release) : now;
    },
    ports,
  );
  if (published.draft) {
    throw machineError(
      `GitHub still calls ${release.tag} a draft after publishing it`,
      "every file is verified; run the same command again, or publish the draft on its page",
    );
  }
  ports.log.info(`published: ${published.url}`);
  return published;
}
