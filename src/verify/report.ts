import { TARGETS } from "../rdna1/targets.ts";
import type { PackagedKernel } from "../release/input.ts";
import type { Manifest } from "../release/manifest.ts";
import { countProofs, type ProofRow, type Proofs, splitControls } from "./proofs.ts";
import { cardSection } from "./report-cards.ts";
import { coverageSection, trouble } from "./report-coverage.ts";
import { count, counted, type Html, html, size } from "./report-html.ts";
import { kernelSection } from "./report-kernels.ts";
import { provenSection } from "./report-proven.ts";
import { installSection, provenanceSection, timingSection } from "./report-sections.ts";
import { REPORT_SCRIPT, REPORT_STYLE } from "./report-style.ts";

/** What a report is written from. */
export interface ReportInput {
  /** Version of this project */
  version: string;
  manifest: Manifest;
  proofs: Pick<Proofs, "rows" | "files" | "unproven" | "cards">;
  /** Code objects of each target */
  kernels: Readonly<Record<string, readonly PackagedKernel[]>>;
}

/**
 * The build for people, as one HTML file: no network, no date, readable without its script, in print, in light and dark and
 * on a phone. The same input gives the same text.
 */
export function reportHtml(input: ReportInput): string {
  const { manifest, proofs, kernels } = input;
  const { rows } = proofs;
  const title = `MIOpen ${manifest.miopen.version} for RDNA1`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}: build report</title>
<style>${{ html: REPORT_STYLE }}</style>
</head>
<body>
<header>
<p class="kind">rdna1-miopen build report</p>
<h1>${title}</h1>
<p class="what">ROCm ${manifest.rocm.version} · ${manifest.miopen.patched ? counted(manifest.miopen.patches.length, "patch").replace("patchs", "patches") : "unpatched library of the toolchain, kernel set only"}</p>
<ul class="cards">${manifest.targets.map(
    (target) => html`<li><b>${target}</b> ${TARGETS[target].chip}<span>${TARGETS[target].cards}</span></li>`,
  )}</ul>
</header>
<main>
${verdict(rows, manifest)}
${figures(input)}
${trouble(rows)}
${coverageSection(rows, manifest.targets)}
${provenSection(proofs)}
${cardSection(proofs.cards ?? [])}
${kernelSection(kernels, manifest.targets)}
${timingSection(manifest.timings)}
${installSection(manifest)}
${provenanceSection(manifest)}
</main>
<footer>Written by rdna1-miopen ${input.version} from manifest.json and proofs.json next to this file; build ${manifest.buildId}.</footer>
<script>${{ html: REPORT_SCRIPT }}</script>
</body>
</html>
`;
  return page.html;
}

/** A few sentences that a reader in a hurry can act on. */
function verdict(rows: readonly ProofRow[], manifest: Manifest): Html {
  const { proofs, controls } = splitControls(rows);
  const { passed, failed, skipped } = countProofs(proofs);
  const { passed: held, failed: idle } = countProofs(controls);
  const device = manifest.proofs.device === "gpu" ? "on a card" : "on the virtual device, without a card";
  if (proofs.length === 0) {
    return html`<p class="verdict none"><b>Not proven.</b> No proof was run in this build.</p>`;
  }
  const rest = skipped === 0 ? "" : ` ${count(skipped)} skipped, with reasons below.`;
  if (failed + idle > 0) {
    const wrong = [
      ...(failed > 0 ? [`${count(failed)} of ${counted(proofs.length, "proof")} failed`] : []),
      ...(idle > 0 ? [`${count(idle)} of ${counted(held + idle, "negative control")} did not fail, as they must`] : []),
    ];
    return html`<p class="verdict bad"><b>✗ ${wrong.join(", ")}</b> ${device}.${rest}</p>`;
  }
  const onCards = (manifest.proofs.cards ?? []).flatMap(({ name, target, standIn }) =>
    standIn === true ? [] : [` The kernels of ${target} ran on ${name}, too.`],
  );
  const apart = held === 0 ? "" : ` Apart from these, ${counted(held, "negative control")} failed, as they must.`;
  return html`<p class="verdict good"><b>✓ ${passed === proofs.length ? "All " : ""}${counted(passed, "proof")} passed</b> ${device}. ${meaning(proofs)}${onCards.join("")}${rest}${apart}</p>`;
}

/** What the rows that passed mean, and whose results they were compared with. */
function meaning(proofs: readonly ProofRow[]): string {
  const compared = proofs.filter(({ kind, result }) => kind === "numerical" && result === "passed");
  if (compared.length === 0) {
    return "No kernel was compiled. Results were not computed: this proves that the set is complete, not that its numbers are right.";
  }
  const [ours, theirs] = (["ours", "miopen-cpu"] as const).map(
    (reference) => compared.filter((row) => row.reference === reference).length,
  );
  const parts = [
    ...(ours ? [`${counted(ours, "row")} with our reference`] : []),
    ...(theirs ? [`${counted(theirs, "row")} with MIOpen's CPU reference`] : []),
  ];
  return `No kernel was compiled, and results agreed where they were compared: ${parts.join(", ")}.`;
}

function figures({ manifest, proofs: { rows, files = [] } }: ReportInput): Html {
  const databases = Object.entries(manifest.kernels);
  const figure = (value: string, name: string) => html`<div><dd>${value}</dd><dt>${name}</dt></div>`;
  const { passed } = countProofs(splitControls(rows).proofs);
  const total = Math.round(Object.values(manifest.timings).reduce((sum, value) => sum + value, 0));
  return html`<dl class="figures">
${databases.map(([target, fact]) => figure(count(fact.rows), `kernels for ${target}, ${size(fact.bytes)}`))}
${figure(count(passed), "proofs passed")}
${files.length > 0 && figure(count(files.reduce((sum, { proven }) => sum + proven, 0)), "kernels with proven results")}
${figure(size(manifest.tarball.bytes), "install tarball")}
${figure(total < 100 ? `${total} s` : `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`, total < 100 ? "this run" : "minutes, this run")}
</dl>`;
}
