import { type CardProof, countProofs, splitControls } from "./proofs.ts";
import { count, type Html, html, seconds } from "./report-html.ts";

/** What cards of the building machine made of the kernels; nothing where no card was asked. */
export function cardSection(cards: readonly CardProof[]): Html {
  if (cards.length === 0) return html``;
  return html`<section id="cards">
<h2>On a card</h2>
<p class="note">After the virtual device, the rows with results ran on these cards of the machine that built this, with compilation refused.</p>
<div class="scroll"><table class="facts"><thead><tr><th scope="col">target</th><th scope="col">card</th><th scope="col">driver</th><th scope="col">passed</th><th scope="col">failed</th><th scope="col">skipped</th><th scope="col">negative controls</th><th scope="col">time</th></tr></thead><tbody>${cards.map(cardRow)}</tbody></table></div>
</section>`;
}

function cardRow({ target, name, driver, standIn, rows }: CardProof): Html {
  const { proofs, controls } = splitControls(rows);
  const { passed, failed, skipped } = countProofs(proofs);
  const time = rows.reduce((sum, row) => sum + row.seconds, 0);
  const held = countProofs(controls).passed;
  return html`<tr><th scope="row">${target}</th><td>${name}${standIn && " (a stand-in in a test: no card)"}</td><td>${driver}</td><td>${count(passed)}</td><td>${count(failed)}</td><td>${count(skipped)}</td><td>${count(held)} of ${count(controls.length)} failed, as they must</td><td>${seconds(time)}</td></tr>`;
}
