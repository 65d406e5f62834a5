import type { Manifest } from "../release/manifest.ts";
import { count, type Html, html, seconds, size } from "./report-html.ts";

/** Seconds of each stage as bars. */
export function timingSection(timings: Manifest["timings"]): Html {
  const stages = Object.entries(timings);
  if (stages.length === 0) return html``;
  const longest = Math.max(...stages.map(([, value]) => value), 0.001);
  return html`<section id="timings">
<h2>Time</h2>
<ol class="bars">${stages.map(
    ([stage, value]) =>
      html`<li><span class="label">${stage}</span><span class="track"><i style="width:${((100 * value) / longest).toFixed(2)}%"></i></span><span class="value">${value === 0 ? "not run, unchanged" : seconds(value)}</span></li>`,
  )}</ol>
</section>`;
}

/** Commands to copy. */
export function installSection(manifest: Manifest): Html {
  const { prefix, tarball } = manifest;
  return html`<section id="install">
<h2>Install</h2>
<pre><code>sha256sum --check SHA256SUMS
mkdir -p ${prefix}
tar -C ${prefix} -xf ${tarball.file}
. ${prefix}/activate</code></pre>
<p class="note">Any other folder will do as well. <code>activate</code> works in bash and zsh; elsewhere use <code>eval "$(${prefix}/bin/rdna1-miopen-env)"</code>. It refuses to work while <code>HSA_OVERRIDE_GFX_VERSION</code> is set. ${
    manifest.overlays.length > 0 &&
    html`For a rocBLAS without kernels for the card, unpack the overlay into the same folder and set <code>RDNA1_MIOPEN_ROCBLAS</code> to the target first.`
  }</p>
<table class="facts"><tbody>${[tarball, ...manifest.overlays].map(
    ({ file, bytes, sha256 }) =>
      html`<tr><th scope="row">${file}</th><td>${size(bytes)}</td><td><code class="digest">${sha256}</code></td></tr>`,
  )}</tbody></table>
</section>`;
}

/** What the build was made from, folded away. */
export function provenanceSection(manifest: Manifest): Html {
  const { rocm, miopen } = manifest;
  const digest = (sha256: string | null) => html`<code class="digest">${sha256 ?? "no digest"}</code>`;
  return html`<section id="provenance">
<h2>Made from</h2>
<p class="note">MIOpen ${miopen.version}, ${miopen.source === "distribution" ? "as the toolchain has it" : miopen.source}. Toolchain: ${rocm.toolchain}, ROCm ${rocm.version}, digest ${digest(rocm.digest)}.</p>
${
  miopen.patches.length > 0 &&
  html`<details><summary>${count(miopen.patches.length)} patches</summary><div class="scroll"><table class="facts"><tbody>${miopen.patches.map(
    ({ name, sha256 }) => html`<tr><th scope="row">${name}</th><td>${digest(sha256)}</td></tr>`,
  )}</tbody></table></div></details>`
}
<details><summary>${count(rocm.packages.length)} packages of the toolchain</summary><div class="scroll"><table class="facts"><tbody>${rocm.packages.map(
    ({ name, version, bytes, license, sha256 }) =>
      html`<tr><th scope="row">${name}</th><td>${version}</td><td>${bytes === null ? "" : size(bytes)}</td><td>${license}</td><td>${digest(sha256)}</td></tr>`,
  )}</tbody></table></div></details>
<details><summary>${count(manifest.files.length)} files in the tarball</summary><div class="scroll"><table class="facts"><tbody>${manifest.files.map(
    ({ file, bytes, sha256 }) =>
      html`<tr><th scope="row">${file}</th><td>${size(bytes)}</td><td>${digest(sha256)}</td></tr>`,
  )}</tbody></table></div></details>
<details><summary>Options of this run</summary><div class="scroll"><table class="facts"><tbody>${Object.entries(
    manifest.options,
  ).map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table></div></details>
</section>`;
}
