/**
 * Style sheet of the report. Blue says proven and orange says failed, a pair that colour-blind readers can tell apart; the
 * text in each cell says the same.
 */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f4f6f8; --sheet: #ffffff; --ink: #14181d; --soft: #56616d; --line: #d6dce2;
  --pass: #084c6e; --pass-fill: #cfe6f2; --fail: #8a2c00; --fail-fill: #ffdcc7; --skip-fill: #e7eaee; --bar: #2f86ad;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1316; --sheet: #161b20; --ink: #e4e9ee; --soft: #98a4b0; --line: #2a323a;
    --pass: #a9dcf5; --pass-fill: #123b50; --fail: #ffb68c; --fail-fill: #53260f; --skip-fill: #262d35; --bar: #4a9fc4;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0; font-weight: 700; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
h3 { font-size: .95rem; margin: 1.4rem 0 .3rem; }
.kind { margin: 0 0 .4rem; color: var(--soft); }
.what { margin: .5rem 0 1rem; color: var(--soft); }
.cards { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: .4rem 2rem; margin: 0; padding: 0; }
.cards span { display: block; color: var(--soft); font-size: .85rem; }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 6px; padding: 1.2rem 1.3rem; margin: 1rem 0; }
.note { margin: .2rem 0 .7rem; color: var(--soft); max-width: 46rem; }
.verdict { margin: 1.5rem 0 0; padding: 1rem 1.3rem; border-radius: 6px; border-left: .45rem solid var(--bar); background: var(--pass-fill); }
.verdict b { font-size: 1.25rem; }
.verdict.bad { background: var(--fail-fill); border-color: var(--fail); }
.verdict.none { background: var(--skip-fill); border-color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem 2rem; margin: 1.4rem 0; padding: 0 .2rem; }
.figures div { display: flex; flex-direction: column; }
.figures dd { margin: 0; font-size: 1.9rem; font-weight: 650; line-height: 1.15; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.figures dt { color: var(--soft); font-size: .85rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 4px; padding: .8rem 1rem; overflow-x: auto; margin: .2rem 0 .8rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.families { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--block)), 1fr)); gap: 1.1rem 2rem; align-items: start; margin: .8rem 0; }
.matrix { width: 100%; table-layout: fixed; font-size: .84rem; }
.matrix caption { text-align: left; font-weight: 650; font-size: .92rem; padding-bottom: .1rem; overflow-wrap: anywhere; }
.matrix caption small { font-weight: 400; color: var(--soft); }
.matrix th, .matrix td { padding: .12rem .1rem; font-weight: 400; text-align: center; overflow-wrap: anywhere; }
.matrix thead th { color: var(--soft); font-size: .78rem; }
.matrix tr > :first-child { width: 3rem; padding-left: 0; text-align: left; color: var(--soft); }
.matrix td { border: 1px solid var(--sheet); }
.matrix .edge { border-left: .4rem solid var(--sheet); }
.pass { background: var(--pass-fill); color: var(--pass); }
.fail { background: var(--fail-fill); color: var(--fail); font-weight: 700; }
.matrix td.fail { outline: 2px solid var(--fail); outline-offset: -2px; }
.skip { background: repeating-linear-gradient(135deg, var(--skip-fill) 0 5px, var(--sheet) 5px 8px); }
.none { color: var(--soft); }
.legend { font-size: .85rem; color: var(--soft); margin: .2rem 0 0; line-height: 1.9; }
.legend span { padding: .1rem .5rem; margin-left: .4rem; }
.legend span:first-child { margin-left: 0; }
.trouble.failed { border-left: .45rem solid var(--fail); }
.trouble summary { padding: .25rem 0; }
.trouble ul { margin: .2rem 0 .8rem; padding-left: 1.3rem; font-size: .86rem; }
.trouble li span { color: var(--soft); }
.trouble code { overflow-wrap: anywhere; }
summary { cursor: pointer; }
.bars { list-style: none; margin: .4rem 0; padding: 0; display: grid; grid-template-columns: max-content 1fr max-content; gap: .25rem .9rem; }
.bars li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: center; }
.bars small { color: var(--soft); }
.track { background: var(--paper); height: .8rem; border-radius: 2px; overflow: hidden; }
.track i { display: block; height: 100%; min-width: 2px; background: var(--bar); }
.value { text-align: right; font-variant-numeric: tabular-nums; font-size: .9rem; }
.filter input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 4px; padding: .3rem .6rem; width: min(24rem, 70vw); margin-left: .4rem; }
.filter output { color: var(--soft); margin-left: .6rem; }
.files { font-variant-numeric: tabular-nums; font-size: .9rem; }
.filehead, .file > summary { display: grid; grid-template-columns: minmax(0, 1fr) 5rem 9rem 4.5rem 4.5rem 5rem; gap: .6rem; align-items: baseline; padding: .35rem 0; }
.filehead { color: var(--soft); border-bottom: 1px solid var(--line); }
.filehead span:not(:first-child), .file > summary > span:not(:first-child) { text-align: right; }
.file { border-bottom: 1px solid var(--line); }
.file > summary { list-style: none; }
.file > summary::-webkit-details-marker { display: none; }
.file .name::before { content: "+"; display: inline-block; width: 1rem; color: var(--soft); font-weight: 700; }
.file[open] .name::before { content: "\\2212"; }
.file .name { overflow-wrap: anywhere; }
.bar { background: linear-gradient(var(--bar), var(--bar)) left bottom / calc(100% * var(--share)) 3px no-repeat; padding-bottom: .15rem; }
.options { margin: .3rem 0; font-size: .82rem; color: var(--soft); padding-left: 1rem; overflow-wrap: anywhere; }
.variants { font-size: .82rem; margin: .2rem 0 .8rem 1rem; }
.variants th, .variants td { text-align: right; padding: .12rem .7rem; font-weight: 400; white-space: nowrap; }
.variants th { color: var(--soft); }
.variants th:first-child, .variants td:first-child { text-align: left; padding-left: .3rem; white-space: normal; min-width: 15rem; }
.variants small { color: var(--soft); white-space: nowrap; }
.variants code, .options code { display: inline-block; overflow-wrap: anywhere; margin-right: .4rem; }
.variants tbody tr:nth-child(odd) { background: var(--paper); }
.facts { font-size: .85rem; }
.facts th, .facts td { text-align: left; font-weight: 400; padding: .15rem 1.2rem .15rem 0; vertical-align: top; white-space: nowrap; }
.digest { color: var(--soft); overflow-wrap: anywhere; }
#provenance details { margin: .4rem 0; }
footer { color: var(--soft); font-size: .85rem; padding-top: .6rem; padding-bottom: 3rem; }
:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
@media (max-width: 640px) {
  section { padding: 1rem; }
  .bars { grid-template-columns: minmax(0, 1fr) max-content; }
  .bars li { row-gap: .1rem; }
  .bars .track { grid-column: 1 / -1; grid-row: 2; height: .45rem; margin-bottom: .3rem; }
  .bars .label { overflow-wrap: anywhere; }
  .matrix { font-size: .74rem; }
  .matrix tr > :first-child { width: 2.3rem; }
  .filehead { display: none; }
  .bar { background: none; padding: 0; }
  .file > summary { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0 .6rem; }
  .file > summary > .name { grid-column: 1 / -1; }
  .file > summary > span:not(:first-child) { text-align: left; }
  .file > summary > span[data-label]::after { content: " " attr(data-label); color: var(--soft); font-size: .8rem; }
  .facts tr { display: block; padding: .3rem 0; }
  .facts th, .facts td { display: inline; padding-right: .6rem; white-space: normal; overflow-wrap: anywhere; }
  .variants { margin-left: 0; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #bbb; --pass: #084c6e; --pass-fill: #cfe6f2; --fail: #8a2c00; --fail-fill: #ffdcc7; --skip-fill: #e7eaee; --bar: #2f86ad; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header { padding-top: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .8rem 0; }
  .trouble.failed { padding-left: .8rem; }
  .filter { display: none; }
  .matrix, .file, li, pre { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;

/** Filter of the kernel table; without it the table is complete and each file still opens. */
export const REPORT_SCRIPT = `
(() => {
  const box = document.querySelector(".filter");
  if (!box) return;
  box.hidden = false;
  const input = box.querySelector("input");
  const output = box.querySelector("output");
  const files = [...document.querySelectorAll(".file")].map((file) => ({
    file, name: file.dataset.name.toLowerCase(), open: false,
    common: (file.querySelector(".options")?.textContent ?? "").toLowerCase(),
    rows: [...file.querySelectorAll("tbody tr")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const { file, name, common, rows } of files) {
      let here = 0;
      for (const { row, text } of rows) {
        const fits = words.every((word) => name.includes(word) || common.includes(word) || text.includes(word));
        row.hidden = !fits;
        if (fits) here += 1;
      }
      file.hidden = here === 0;
      file.open = words.length > 0 && here > 0 && here <= 40;
      shown += here;
    }
    output.textContent = words.length === 0 ? "" : shown + " rows";
  });
})();
`;
