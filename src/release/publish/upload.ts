import { machineError } from "../../errors.ts";
import { size } from "../../units.ts";
import type { Asset, Release, ReleaseApi } from "./api.ts";
import { type FilePlan, flawOf, planAssets } from "./plan.ts";
import { type RetryPorts, TransientError, withRetries } from "./retry.ts";

/** How often bytes that arrive wrong are sent: a second time in case the line was at fault. */
const WRONG_LIMIT = 2;

/**
 * Brings one file into a draft, as planned. Before each further try the assets are listed again and the plan is made
 * anew: an upload whose answer was lost may have arrived, or may have left half an asset behind.
 */
export async function uploadFile(
  api: ReleaseApi,
  release: Release,
  planned: FilePlan,
  ports: RetryPorts,
): Promise<Asset> {
  const { file } = planned;
  let wrong = 0;
  return await withRetries(
    `upload ${file.name}`,
    async (number) => {
      const [plan = planned] = number === 1 ? [planned] : planAssets([file], await api.assets(release));
      for (const damaged of plan.remove) await api.deleteAsset(damaged);
      if (plan.kept !== null) return plan.kept;
      const of = size(file.bytes);
      const onSent = (bytes: number) => ports.log.progress(`${file.name}: ${size(bytes)} of ${of}`);
      const asset = await api.upload(release, file, onSent);
      if (asset.name !== file.name) {
        // GitHub puts a full stop for characters that it does not like
        const remedy = "the release stays a draft; delete that asset, and build with versions in plain characters";
        throw machineError(`GitHub has renamed ${file.name} to ${asset.name}`, remedy);
      }
      const flaw = flawOf(file, asset, true);
      if (flaw === null) return asset;
      wrong += 1;
      const message = `${file.name} did not arrive as it was sent: the asset ${flaw}`;
      if (wrong >= WRONG_LIMIT) {
        throw machineError(
          `${message} (sent ${wrong} times)`,
          "the release stays a draft; check that nobody else publishes to it, then run the same command again, which replaces the asset",
        );
      }
      throw new TransientError(message);
    },
    ports,
  );
}
