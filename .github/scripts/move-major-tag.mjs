// Moves the tag that users name (v1) to the release that has just been published (v1.2.3), unless a later one has it.
import { ask } from "./github.mjs";

const { GITHUB_REF_NAME = "", GITHUB_SHA = "" } = process.env;
const version = parse(GITHUB_REF_NAME);
if (version === null) throw new Error(`${GITHUB_REF_NAME} is not a tag like v1.2.3`);

const major = `v${version[0]}`;
const refs = (await ask("GET", `git/matching-refs/tags/${major}.`)) ?? [];
const tags = refs.map(({ ref }) => ref.replace("refs/tags/", ""));
let later;
for (const tag of tags.filter((tag) => compare(parse(tag) ?? [0, 0, 0], version) > 0)) {
  // A tag whose build has failed has no release, or a draft: nobody can have that version
  if ((await ask("GET", `releases/tags/${tag}`))?.draft === false) later = tag;
}
if (later !== undefined) {
  console.log(`::notice::${major} stays where it is: ${later} is later than ${GITHUB_REF_NAME}`);
} else if ((await ask("GET", `git/ref/tags/${major}`)) === null) {
  await ask("POST", "git/refs", { ref: `refs/tags/${major}`, sha: GITHUB_SHA });
  console.log(`made ${major} at ${GITHUB_SHA}`);
} else {
  await ask("PATCH", `git/refs/tags/${major}`, { sha: GITHUB_SHA, force: true });
  console.log(`moved ${major} to ${GITHUB_SHA}`);
}

/** @param {string} tag @returns {number[] | null} the three numbers of a release; null for anything else */
function parse(tag) {
  const match = /^v(\d+)\.(\d+)\.(\d+)$/.exec(tag);
  return match === null ? null : match.slice(1).map(Number);
}

/** @param {number[]} a @param {number[]} b */
function compare(a, b) {
  const place = a.findIndex((number, index) => number !== b[index]);
  return place < 0 ? 0 : (a[place] ?? 0) - (b[place] ?? 0);
}
