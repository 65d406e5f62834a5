import { RdnaError } from "../errors.ts";

/** An archive is sound and does not have the wanted ROCm, or the host has no such archive: `auto` goes on to the next. */
export class NoSuchRelease extends RdnaError {}
