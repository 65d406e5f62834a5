import type { FileProof, ProofRow, Proofs, UnprovenKernel } from "./proofs.ts";
import { count, counted, groupBy, type Html, html } from "./report-html.ts";

/** Keys that are written out for each reason; proofs.json has them all. */
const SHOWN = 40;

/** Which kernels' results are proven, by source file, and by name those that are not. */
export function provenSection({ rows, files = [], unproven = [] }: Pick<Proofs, "rows" | "files" | "unproven">): Html {
  if (files.length === 0) return html``;
  const single = files.some(({ name, once }) => once > 0 && name.startsWith("MIOpenIm2d2Col"));
  const keys = files.reduce((sum, file) => sum + file.keys, 0);
  return html`<section id="proven">
<h2>Kernels with proven results</h2>
<p class="note">${count(keys - unproven.length)} of ${counted(keys, "key")}: each of their code objects was executed and agreed with a reference.${single && " Im2d2Col objects that ran with one problem only have a key that fits no other."}</p>
<div class="scroll"><table class="facts"><thead><tr><th scope="col">source</th><th scope="col">target</th><th scope="col">proven</th><th scope="col">objects</th><th scope="col">problems</th><th scope="col">functions</th><th scope="col">compared with</th></tr></thead>
<tbody>${files.map(fileRow)}</tbody></table></div>
${unreachedList(files)}
${findingList(rows)}
${unprovenList(unproven)}
</section>`;
}

function fileRow(file: FileProof): Html {
  const { name, target, keys, proven, objects, once, problems, executed, unreached, references } = file;
  const functions = executed + unreached.reduce((sum, group) => sum + group.functions.length, 0);
  const compared = references.map((one) => (one === "ours" ? "our reference" : "MIOpen's CPU reference"));
  return html`<tr><th scope="row"><code>${name}</code></th><td>${target}</td><td class="${proven === keys ? "pass" : "fail"}">${proven === keys ? count(proven) : `${count(proven)} of ${count(keys)}`}</td><td>${count(objects)}</td><td>${count(problems)}${once > 0 && ` (${count(once)} with one)`}</td><td>${executed === functions ? count(functions) : `${count(executed)} of ${count(functions)}`}</td><td>${compared.join(", ") || "nothing"}</td></tr>`;
}

/** Functions that lie in proven objects and that no row executes, once for all targets. */
function unreachedList(files: readonly FileProof[]): Html {
  const groups = files.flatMap(({ name, unreached }) => unreached.map((group) => ({ name, ...group })));
  const different = [...groupBy(groups, ({ name, reason }) => `${name}\n${reason}`).values()].flatMap(
    (same) => same[0] ?? [],
  );
  if (different.length === 0) return html``;
  return html`<details><summary>Functions of these objects that no row executes</summary><ul>${different.map(
    ({ name, functions, reason }) =>
      html`<li><code>${name}</code>: ${counted(functions.length, "function")}: ${reason} (<code>${functions[0]}</code>${functions.length > 1 && ", …"})</li>`,
  )}</ul></details>`;
}

/** What the device saw in rows that passed all the same. */
function findingList(rows: readonly ProofRow[]): Html {
  const all = rows.flatMap((row) => (row.findings ?? []).map((finding) => ({ finding, row })));
  if (all.length === 0) return html``;
  return html`<details><summary>Doubtful things that the device saw and a card lets pass</summary><ul>${[
    ...groupBy(all, ({ finding }) => finding),
  ]
    .slice(0, SHOWN)
    .map(
      ([finding, those]) => html`<li><code>${finding}</code> (${counted(those.length, "row")})</li>`,
    )}</ul></details>`;
}

function unprovenList(unproven: readonly UnprovenKernel[]): Html {
  if (unproven.length === 0) return html``;
  const groups = [...groupBy(unproven, ({ target, name, reason }) => `${target} ${name}: ${reason}`)];
  return html`<h3>Not proven</h3>${groups.map(
    ([title, kernels]) =>
      html`<details><summary><b>${counted(kernels.length, "key")}</b> ${title}</summary><ul>${kernels
        .slice(0, SHOWN)
        .map(({ args }) => html`<li><code>${args.trim()}</code></li>`)}${
        kernels.length > SHOWN && html`<li>and ${count(kernels.length - SHOWN)} more, in proofs.json</li>`
      }</ul></details>`,
  )}`;
}
