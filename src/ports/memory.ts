import { freemem } from "node:os";

/**
 * Bytes of memory that this process may still take: a container's limit (cgroup) counts, which the machine's free memory
 * does not know. In one of 4 GiB `freemem` said 23.9 GB, `availableMemory` 4.29 GB.
 */
export function freeMemory(machine = freemem(), allowed = process.availableMemory()): number {
  return Math.min(machine, allowed);
}
