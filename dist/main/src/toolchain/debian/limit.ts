/**
 * Runs `work` for every item, at most `limit` at once, in order. The first failure aborts the rest; it is thrown when all
 * have ended, so nothing goes on in the background.
 */
export async function eachLimit<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  let next = 0;
  let first: { error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && !stop.aborted) {
      const item = items[next++] as T;
      try {
        await work(item, stop);
      } catch (error) {
        first ??= { error };
        failed.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  signal?.throwIfAborted();
  if (first !== undefined) throw first.error;
}
