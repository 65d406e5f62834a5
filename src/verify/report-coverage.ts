import type { Target } from "../rdna1/targets.ts";
import { countProofs, type ProofKind, type ProofRow } from "./proofs.ts";
import { count, counted, groupBy, type Html, html } from "./report-html.ts";

const DIRECTIONS: readonly (readonly [ProofRow["direction"], string, string])[] = [
  ["forward", "F", "forward"],
  ["backward", "B", "backward"],
  ["backward-data", "BD", "backward, data"],
  ["backward-weights", "BW", "backward, weights"],
  ["all", "F+B", "all directions in one command"],
];

const TYPES: readonly ProofRow["type"][] = ["fp32", "fp16", "bf16", "int8"];

const KINDS: readonly (readonly [ProofKind, string, string])[] = [
  [
    "completeness",
    "Kernel set is complete",
    "Each row ran with an empty user cache, the kernel set read-only, and every call to the compiler refused.",
  ],
  [
    "numerical",
    "Results are right",
    "The kernels of each row were executed on the virtual device, and the results compared with MIOpen's own CPU reference, or bit by bit with ours where MIOpenDriver cannot show them.",
  ],
];

/** The coverage matrix: operation, family and type down, target and direction across. */
export function coverageSection(rows: readonly ProofRow[], targets: readonly Target[]): Html {
  if (rows.length === 0) return html``;
  const controls = rows.filter(({ kind, result }) => kind === "negative-control" && result !== "skipped");
  const held = controls.filter(({ result }) => result === "passed").length;
  return html`<section id="coverage">
<h2>Coverage</h2>
<p class="legend"><span class="pass">12</span> proven rows <span class="fail">✗2/12</span> 2 of 12 failed <span class="skip">12+3</span> 12 proven, 3 skipped <span class="none">·</span> no row. ${DIRECTIONS.filter(
    ([direction]) => rows.some((row) => row.direction === direction),
  ).map(([, short, long], index) => html`${index === 0 ? "" : ", "}${short}: ${long}`)}.</p>
${KINDS.map(([kind, title, meaning]) => {
  const those = rows.filter((row) => row.kind === kind);
  if (those.length === 0) return null;
  return html`<h3>${title}</h3><p class="note">${meaning}</p>${matrix(those, targets)}`;
})}
${controls.length > 0 && html`<p class="note">Negative controls: ${held} of ${controls.length} runs failed without the kernel set or without executing it, as they must.</p>`}
</section>`;
}

/** What went wrong, before anything else: failed rows by reason, then skipped rows by reason. */
export function trouble(rows: readonly ProofRow[]): Html {
  const list = (result: "failed" | "skipped", title: string) => {
    const those = rows.filter((row) => row.result === result);
    if (those.length === 0) return null;
    const reasons = [...groupBy(those, (row) => row.reason ?? "no reason given")].sort(
      (a, b) => b[1].length - a[1].length,
    );
    return html`<section class="trouble ${result}"><h2>${title}</h2>${reasons.map(
      ([
        reason,
        group,
      ]) => html`<details${{ html: result === "failed" ? " open" : "" }}><summary><b>${counted(group.length, "row")}</b> ${reason}</summary>
<ul>${group.slice(0, 40).map((row) => html`<li><span>${row.target} ${row.family}</span> <code>${row.command}</code></li>`)}${
        group.length > 40 && html`<li>and ${count(group.length - 40)} more, in proofs.json</li>`
      }</ul></details>`,
    )}</section>`;
  };
  return html`${list("failed", "Failed")}${list("skipped", "Skipped")}`;
}

/** One small table a family, so that the whole matrix fits on a page, and on a phone without scrolling sideways. */
function matrix(rows: readonly ProofRow[], targets: readonly Target[]): Html {
  const directions = DIRECTIONS.filter(([direction]) => rows.some((row) => row.direction === direction));
  const several = new Set(rows.map(({ operation }) => operation)).size > 1;
  const width = 3.4 + targets.length * (directions.length * 2.6 + 0.4);
  return html`<div class="families" style="--block:${width.toFixed(1)}rem">${[
    ...groupBy(rows, (row) => `${row.operation}\n${row.family}`).values(),
  ].map((group) => familyTable(group, targets, directions, several))}</div>`;
}

function familyTable(
  rows: readonly ProofRow[],
  targets: readonly Target[],
  directions: typeof DIRECTIONS,
  several: boolean,
): Html {
  const { operation = "", family = "" } = rows[0] ?? {};
  const cells = groupBy(rows, (row) => [row.type, row.target, row.direction].join());
  const columns = targets.flatMap((target) => directions.map((direction, index) => ({ target, direction, index })));
  return html`<table class="matrix"><caption>${several && html`<small>${operation}</small> `}${family} <small>${count(rows.length)}</small></caption>
<thead>${
    targets.length > 1 &&
    html`<tr><td></td>${targets.map((target) => html`<th scope="colgroup" colspan="${directions.length}" class="edge">${target}</th>`)}</tr>`
  }<tr><td></td>${columns.map(
    ({ direction: [, short, long], index }) => html`<th scope="col" title="${long}"${edge(index)}>${short}</th>`,
  )}</tr></thead>
<tbody>${TYPES.filter((type) => rows.some((row) => row.type === type)).map(
    (type) =>
      html`<tr><th scope="row">${type}</th>${columns.map(({ target, direction, index }) =>
        cell(cells.get([type, target, direction[0]].join()) ?? [], index),
      )}</tr>`,
  )}</tbody></table>`;
}

/** Text says all that the colour says. */
function cell(rows: readonly ProofRow[], index: number): Html {
  const { passed, failed, skipped } = countProofs(rows);
  const kind = failed > 0 ? "fail" : skipped > 0 ? "skip" : passed > 0 ? "pass" : "none";
  const left = skipped === 0 ? "" : `+${count(skipped)}`;
  const text =
    rows.length === 0 ? "·" : failed > 0 ? `✗${count(failed)}/${count(rows.length)}` : `${count(passed)}${left}`;
  const title = `${count(passed)} passed, ${count(failed)} failed, ${count(skipped)} skipped`;
  return html`<td class="${kind}${index === 0 ? " edge" : ""}"${rows.length > 0 && html` title="${title}"`}>${text}</td>`;
}

/** The first column of a target stands apart. */
function edge(index: number): Html {
  return index === 0 ? html` class="edge"` : html``;
}
