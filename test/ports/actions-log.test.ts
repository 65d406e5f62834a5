import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

/** What a log in a job prints: its commands go to standard output, so this is a process of its own. */
function printed(script: string): string {
  const module = join(import.meta.dirname, "../../src/ports/actions-log.ts");
  const code = `import { ActionsLog } from ${JSON.stringify(module)}; const log = new ActionsLog(); ${script}`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
}

test("leaves the tenth annotation to the error that ends the run", () => {
  const text = printed(
    `for (let i = 1; i <= 12; i++) log.error("bad " + i, { file: "a.cpp", line: i }); log.error("the end");`,
  );
  const annotations = text.split("\n").filter((line) => line.startsWith("::error"));
  assert.equal(annotations.length, 10);
  assert.equal(annotations[0], "::error file=a.cpp,line=1::bad 1");
  assert.equal(annotations[9], "::error::the end");
  assert.match(text, /^a\.cpp:12: bad 12$/m);
});

test("opens no group within a group, and closes one whose work fails", () => {
  const text = printed(
    `await log.group("outer", () => log.group("inner", async () => log.info("x")));
     await log.group("failing\\nsecond line", () => Promise.reject(new Error())).catch(() => {});
     await log.group("next", async () => {});`,
  );
  assert.equal(
    text,
    ["::group::outer", "inner", "x", "::endgroup::", "::group::failing", "::endgroup::"].join("\n") +
      "\n::group::next\n::endgroup::\n",
  );
});

test("gives the runner no commands that a program printed", () => {
  const text = printed(
    `log.info("::set-output name=x::y\\n  ##[error]z\\n\\u0085::warning::w\\n in line 3: ##[add-mask]a and ##[group]b");
     log.progress("done ##[endgroup]");
     await log.group("outer", () => log.group("##[inner]", async () => {}));
     log.debug("detail");`,
  );
  const lines = text.split("\n").filter((line) => /^[\s\u0085]*::|##\[/.test(line));
  assert.deepEqual(lines, ["::group::outer", "::endgroup::", "::debug::detail"]);
  assert.match(text, /set-output name=x::y/);
  assert.match(text, /in line 3: ##\u200b\[add-mask\]a and ##\u200b\[group\]b/);
});
