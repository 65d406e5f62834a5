import type { Target } from "../rdna1/targets.ts";
import type { PackagedKernel } from "../release/input.ts";
import { count, counted, groupBy, type Html, html, size } from "./report-html.ts";

/** Rows of one source file that are written out; the database has them all. */
const SHOWN = 200;

/** One key of the set, for as many targets as have it. */
interface Variant {
  options: readonly string[];
  byTarget: ReadonlyMap<string, PackagedKernel>;
}

/** Code objects by source file, each file's variants told apart by the options that differ. */
export function kernelSection(
  kernels: Readonly<Record<string, readonly PackagedKernel[]>>,
  targets: readonly Target[],
): Html {
  const all = targets.flatMap((target) => (kernels[target] ?? []).map((kernel) => ({ target, kernel })));
  if (all.length === 0) return html``;
  const files = [...groupBy(all, ({ kernel }) => kernel.name)]
    .map(([name, entries]) => ({ name, entries, bytes: sum(entries.map(({ kernel }) => kernel.bytes)) }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const most = Math.max(...files.map(({ bytes }) => bytes));
  return html`<section id="kernels">
<h2>Kernels</h2>
<p class="note">${counted(all.length, "key")} for ${counted(new Set(all.map(({ kernel }) => kernel.hash)).size, "different code object")} of ${counted(files.length, "source file")}, ${size(sum(all.map(({ kernel }) => kernel.bytes)))} unpacked, ${size(sum(all.map(({ kernel }) => kernel.compressedBytes)))} in ${targets.length === 1 ? "the database" : "the databases"}. Registers and LDS are the largest of each file.</p>
<div class="largest"><h3>Largest code objects${targets.length > 1 && ` of ${targets[0]}`}</h3>${largest(kernels[targets[0] ?? ""] ?? [])}</div>
<h3>By source file</h3>
<p class="filter" hidden><label>Filter <input type="search" placeholder="name or option, e.g. FP16" autocomplete="off"></label> <output></output></p>
<div class="files">
<div class="filehead" aria-hidden="true"><span>source</span><span>keys</span><span>size</span><span>VGPRs</span><span>SGPRs</span><span>LDS</span></div>
${files.map(({ name, entries, bytes }) => fileRow(name, entries, bytes / most, targets))}
</div>
</section>`;
}

function fileRow(
  name: string,
  entries: readonly { target: Target; kernel: PackagedKernel }[],
  share: number,
  targets: readonly Target[],
): Html {
  const kernels = entries.map(({ kernel }) => kernel);
  const variants = variantsOf(entries);
  const common = commonOptions(variants);
  // Many keys lead to the same code: one row for each code
  const rows = [
    ...groupBy(variants, ({ byTarget }) => targets.map((target) => byTarget.get(target)?.hash).join()).values(),
  ];
  return html`<details class="file" data-name="${name}"><summary><span class="name"><code>${name}</code></span><span data-label="keys">${count(kernels.length)}</span><span data-label="size" class="bar" style="--share:${share.toFixed(4)}">${size(sum(kernels.map(({ bytes }) => bytes)))}</span><span data-label="VGPRs">${most(kernels, "vgprs")}</span><span data-label="SGPRs">${most(kernels, "sgprs")}</span><span data-label="LDS">${mostBytes(kernels, "lds")}</span></summary>
${common.length > 0 && html`<p class="options">all: ${common.map((option) => html`<code>${option}</code> `)}</p>`}
<div class="scroll"><table class="variants"><thead><tr><th scope="col">differing options</th>${targets.map((target) => html`<th scope="col">${target}</th>`)}<th scope="col">VGPRs</th><th scope="col">LDS</th></tr></thead>
<tbody>${rows.slice(0, SHOWN).map((row) => variantRow(row, common, targets))}</tbody></table></div>
${rows.length > SHOWN && html`<p class="options">and ${counted(rows.length - SHOWN, "more code object")}, in the database</p>`}</details>`;
}

function variantRow(sameCode: readonly Variant[], common: readonly string[], targets: readonly Target[]): Html {
  const { options, byTarget } = sameCode[0] ?? { options: [], byTarget: new Map<string, PackagedKernel>() };
  const kernels = [...byTarget.values()];
  const own = telling(options).filter((option) => !common.includes(option));
  return html`<tr><td>${own.length === 0 ? "none" : own.map((option) => html`<code>${option}</code> `)}${
    sameCode.length > 1 && html`<small>and ${counted(sameCode.length - 1, "more key")} with the same code</small>`
  }</td>${targets.map((target) => {
    const kernel = byTarget.get(target);
    return html`<td${kernel !== undefined && html` title="md5 ${kernel.hash}"`}>${kernel === undefined ? "–" : size(kernel.bytes)}</td>`;
  })}<td>${most(kernels, "vgprs")}</td><td>${mostBytes(kernels, "lds")}</td></tr>`;
}

/** The ten largest objects of one target, one bar each; an object that several keys lead to counts once. */
function largest(kernels: readonly PackagedKernel[]): Html {
  const distinct = [...groupBy(kernels, ({ name, hash }) => `${name} ${hash}`).values()]
    .map((group) => ({ kernel: group[0] as PackagedKernel, types: new Set(group.map(({ args }) => typeOf(args))) }))
    .sort((a, b) => b.kernel.bytes - a.kernel.bytes || (a.kernel.hash < b.kernel.hash ? -1 : 1))
    .slice(0, 10);
  const top = distinct[0]?.kernel.bytes ?? 1;
  return html`<ol class="bars">${distinct.map(({ kernel, types }) => {
    const about = [...types, kernel.vgprs === undefined ? "" : `${kernel.vgprs} VGPRs`].filter(Boolean).join(", ");
    return html`<li><span class="label"><code>${kernel.name}</code> <small>${about}</small></span><span class="track"><i style="width:${((100 * kernel.bytes) / top).toFixed(2)}%"></i></span><span class="value">${size(kernel.bytes)}</span></li>`;
  })}</ol>`;
}

function variantsOf(entries: readonly { target: Target; kernel: PackagedKernel }[]): Variant[] {
  return [...groupBy(entries, ({ kernel }) => optionsOf(kernel.args).join(" "))].map(([, group]) => ({
    options: optionsOf(group[0]?.kernel.args ?? ""),
    byTarget: new Map(group.map(({ target, kernel }) => [target, kernel])),
  }));
}

function commonOptions(variants: readonly Variant[]): string[] {
  const [first, ...rest] = variants;
  return (first?.options ?? []).filter((option) => rest.every(({ options }) => options.includes(option)));
}

/** Options of a key without the target, which has columns of its own. */
function optionsOf(args: string): string[] {
  return args.split(/\s+/).filter((option) => option !== "" && !option.startsWith("-mcpu="));
}

/** Without the data types that a variant is not for, where it says which one it is for. */
function telling(options: readonly string[]): readonly string[] {
  const typed = options.some((option) => /^-DMIOPEN_USE_\w+=1$/.test(option));
  return typed ? options.filter((option) => !/^-DMIOPEN_USE_\w+=0$/.test(option)) : options;
}

/** The data type that a key was compiled for, where it says so. */
function typeOf(args: string): string {
  return /-DMIOPEN_USE_(\w+)=1/.exec(args)?.[1]?.replace("BFP16", "BF16") ?? "";
}

function most(kernels: readonly PackagedKernel[], field: "vgprs" | "sgprs"): string {
  const values = kernels.map((kernel) => kernel[field]).filter((value) => value !== undefined);
  return values.length === 0 ? "–" : String(Math.max(...values));
}

function mostBytes(kernels: readonly PackagedKernel[], field: "lds"): string {
  const values = kernels.map((kernel) => kernel[field]).filter((value) => value !== undefined);
  return values.length === 0 ? "–" : size(Math.max(...values));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
