// One issue, known by its title, says whether the patches apply to MIOpen's newest sources: opened when one does not, kept
// up to date, closed when all do. Where sources could not be had, nothing is known of them: the job fails, and the issue stays.
import { ask } from "./github.mjs";

const TITLE = "The patches no longer apply to MIOpen's newest sources";
const { OUTCOME = "", OUTDATED = "", ROWS = "", GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = process.env;

const run = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
const sound = OUTCOME === "success";
const table = `| source | MIOpen | patch | state |\n|---|---|---|---|\n${ROWS}`;
const body = `${sound ? "All patches apply." : "Not every patch applies, or a version has no series."} Found by [this run](${run}).\n\n${table}\n`;

if (!sound && OUTDATED !== "true") {
  console.error(`not every source could be tried, see ${run}`);
  process.exit(1);
}
const open = await find();
if (sound && open === null) {
  console.log("all patches apply, and no issue says otherwise");
} else if (open === null) {
  const made = await ask("POST", "issues", { title: TITLE, body });
  console.log(`opened ${made.html_url}`);
} else {
  await ask("PATCH", `issues/${open.number}`, sound ? { body, state: "closed", state_reason: "completed" } : { body });
  console.log(`${sound ? "closed" : "updated"} ${open.html_url}`);
}

/** The open issue of this title, or null. */
async function find() {
  for (let page = 1; ; page++) {
    const issues = (await ask("GET", `issues?state=open&per_page=100&page=${page}`)) ?? [];
    const ours = issues.find(({ title, pull_request }) => title === TITLE && pull_request === undefined);
    if (ours !== undefined || issues.length < 100) return ours ?? null;
  }
}
