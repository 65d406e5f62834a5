import * as core from "@actions/core";
import type { Log, Where } from "./log.ts";

/** Log of a GitHub Actions job: folding groups, annotations, debug lines that the runner hides by itself. */
export class ActionsLog implements Log {
  #lastProgress = 0;

  debug(message: string): void {
    core.debug(message);
  }

  info(message: string): void {
    core.info(message);
  }

  warning(message: string, where?: Where): void {
    core.warning(message, properties(where));
  }

  error(message: string, where?: Where): void {
    core.error(message, properties(where));
  }

  group<T>(title: string, work: () => Promise<T>): Promise<T> {
    return core.group(title, work);
  }

  progress(message: string): void {
    const now = performance.now();
    if (now - this.#lastProgress < 5000) return;
    this.#lastProgress = now;
    core.info(message);
  }
}

function properties(where: Where | undefined): core.AnnotationProperties {
  if (where === undefined) return {};
  const { file, line, title } = where;
  return { file, ...(line === undefined ? {} : { startLine: line }), ...(title === undefined ? {} : { title }) };
}
