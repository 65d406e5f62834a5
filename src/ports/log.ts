/** Where the program speaks. One real implementation for each door: a terminal, and a GitHub Actions log. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string, where?: Where): void;
  error(message: string, where?: Where): void;
  /** Runs `work` under a heading that folds in the Actions log. */
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** State of long work: one changing line in a terminal, a line every few seconds elsewhere. */
  progress(message: string): void;
}

/** A place in a file, for annotations. Lines count from 1. */
export interface Where {
  file: string;
  line?: number;
  title?: string;
}
