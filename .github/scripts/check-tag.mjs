// Refuses before a build what `publish` would refuse after it, as far as a right to read can tell: drafts it cannot see. Writes the
// output `published`: the tag has its release already, which IF_PUBLISHED=skip takes for done.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { ask } from "./github.mjs";

const { TAG = "", IF_PUBLISHED = "", GITHUB_SHA = "", GITHUB_OUTPUT = "" } = process.env;

const { error, status } = spawnSync("git", ["check-ref-format", `refs/tags/${TAG}`]);
if (error) throw error;
if (status !== 0 || /^(-|refs\/)/.test(TAG)) {
  refuse(`${JSON.stringify(TAG)} is not allowed as the name of a tag; write the bare name, as in v1.2.3`);
}
const name = TAG.split("/").map(encodeURIComponent).join("/");
let object = (await ask("GET", `git/ref/tags/${name}`))?.object;
// An annotated tag is an object of its own
while (object?.type === "tag") ({ object } = await ask("GET", `git/tags/${object.sha}`));
if (object !== undefined && object.sha !== GITHUB_SHA) {
  refuse(`tag ${TAG} is commit ${object.sha}, but this run is of ${GITHUB_SHA}; run it for the tag, or take another tag`);
}
const release = await ask("GET", `releases/tags/${name}`);
const published = release?.draft === false;
if (published && IF_PUBLISHED !== "skip") {
  refuse(`release ${TAG} is published already, and what people may have downloaded is not replaced; take another tag`);
}
if (published && !release.assets.some((asset) => asset.name === "SHA256SUMS")) {
  refuse(`release ${TAG} is published, but without the files of a build; delete it, but not its tag, and run this again`);
}
console.log(
  published ? `::notice::release ${TAG} is published already: nothing is built` : `nothing is published as ${TAG} yet`,
);
appendFileSync(GITHUB_OUTPUT, `published=${published}\n`);

/** @param {string} why */
function refuse(why) {
  console.log(`::error::${why}`);
  process.exit(1);
}
