import * as core from "@actions/core";
import type { Log, Where } from "./log.ts";

/** Annotations of one level that GitHub shows of a step is ten; the tenth place is for the error that ends the run. */
const PLACES = 9;

/** Log of a GitHub Actions job: folding groups, annotations, debug lines that the runner hides by itself. */
export class ActionsLog implements Log {
  #lastProgress = 0;
  #placed = 0;
  #groups = 0;

  debug(message: string): void {
    core.debug(message);
  }

  info(message: string): void {
    core.info(asText(message));
  }

  warning(message: string, where?: Where): void {
    core.warning(message, properties(where));
  }

  error(message: string, where?: Where): void {
    if (where !== undefined && ++this.#placed > PLACES) {
      const { file, line } = where;
      core.info(asText(`${file}${line === undefined ? "" : `:${line}`}: ${message}`));
    } else core.error(message, properties(where));
  }

  /** The runner knows no group within a group: an inner one would end the outer. */
  async group<T>(title: string, work: () => Promise<T>): Promise<T> {
    if (this.#groups > 0) {
      this.info(title);
      return await work();
    }
    this.#groups += 1;
    try {
      return await core.group(title.split("\n", 1)[0] ?? "", work);
    } finally {
      this.#groups -= 1;
    }
  }

  progress(message: string): void {
    const now = performance.now();
    if (now - this.#lastProgress < 5000) return;
    this.#lastProgress = now;
    core.info(asText(message));
  }
}

/**
 * A text that the runner takes for text: what a program printed must not be able to give it commands. It looks for `::` after
 * the blanks that a line begins with, among them U+0085, and for `##[` anywhere [actions/runner, ActionCommand.cs].
 */
export function asText(message: string): string {
  return message.replace(/^([\s\u0085]*)::/gm, "$1\u200b::").replaceAll("##[", "##\u200b[");
}

function properties(where: Where | undefined): core.AnnotationProperties {
  if (where === undefined) return {};
  const { file, line, title } = where;
  return { file, ...(line === undefined ? {} : { startLine: line }), ...(title === undefined ? {} : { title }) };
}
