// Writes drift.json as outputs: `rows`, one line of a Markdown table for each patch, and `outdated`, whether a source was had
// to which not every patch applies, or for whose version there is no series. Everything in it came from outside, so only plain characters are taken over.
import { existsSync, readFileSync } from "node:fs";

const file = process.argv[2] ?? "";
const { drift } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { drift: [] };
const rows = drift.flatMap(({ source, version, instead = null, reason, patches }) =>
  reason === null
    ? [
        ...(instead === null ? [] : [[source, version, "-", `there is no series for it; ${instead} is tried`]]),
        ...patches.map(({ name, status }) => [source, version, name, status]),
      ]
    : [[source, version ?? "?", "-", reason.split("\n")[0]]],
);
for (const row of rows.slice(0, 200)) row.splice(0, row.length, ...row.map(plain));
const table = rows.slice(0, 200).map((row) => `| ${row.join(" | ")} |`);
const outdated = drift.some(
  ({ version, instead = null, reason, patches }) =>
    version !== null && (reason !== null || instead !== null || patches.some(({ status }) => status === "rejected")),
);
process.stdout.write(`outdated=${outdated}\nrows<<END-OF-ROWS\n${table.join("\n")}\nEND-OF-ROWS\n`);

/** @param {string} text */
function plain(text) {
  return text.replace(/[^\w .,:;#/+()'=-]/g, "?").slice(0, 200);
}
