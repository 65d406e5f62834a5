import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hostCompiler, must, scratch } from "../device/support.ts";
import { addedFile } from "./added-kernel.ts";
import { writeTree } from "./small-miopen.ts";

/*
 * NearestDbBasename of patches/3.5, compiled from the patch against the little of MIOpen that it uses, and asked about folders
 * of databases.
 */

const MIOPEN = {
  "include/miopen/config.h": "",
  "include/miopen/config.hpp": "#define MIOPEN_INTERNALS_EXPORT\n",
  "include/miopen/filesystem.hpp": "#include <filesystem>\nnamespace miopen { namespace fs = std::filesystem; }\n",
  "include/miopen/logger.hpp": "#include <iostream>\n#define MIOPEN_LOG_I(text) std::clog << text << std::endl\n",
  "include/miopen/handle.hpp": `#include <sstream>
#include <string>
namespace miopen {
struct Target { std::string id; std::string DbId() const { return id; } };
struct Handle
{
    Target target;
    std::size_t count;
    Target GetTargetProperties() const { return target; }
    std::size_t GetMaxComputeUnits() const { return count; }
    std::string GetDbBasename() const
    {
        std::ostringstream text;
        if(count <= 64) text << '_' << count; else text << std::hex << count;
        return target.id + text.str();
    }
};
}
`,
  "main.cpp": `#include <miopen/nearest_database.hpp>
#include <iostream>
int main(int, char** a)
{
    const miopen::Handle handle{{a[1]}, std::stoul(a[2])};
    std::cout << miopen::NearestDbBasename(handle, a[3], a[4], a[5]);
}
`,
};

const FIND = ".HIP.fdb.txt";

test("a card without a database of its own takes that of the nearest number of compute units", async (t) => {
  const compiler = await hostCompiler();
  if (compiler === null) return t.skip("no C++ compiler");
  const folder = await scratch(t);
  const added: Record<string, string> = {};
  for (const file of ["src/nearest_database.cpp", "src/include/miopen/nearest_database.hpp"]) {
    const text = await addedFile("3.5", file);
    assert.ok(text !== null, file);
    added[file.replace("src/include/", "include/")] = text;
  }
  writeTree(folder, added, MIOPEN);
  const program = join(folder, "nearest");
  const sources = [join(folder, "main.cpp"), join(folder, "src/nearest_database.cpp")];
  await must(compiler, [
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Werror",
    `-I${join(folder, "include")}`,
    ...sources,
    "-o",
    program,
  ]);

  const databases = join(folder, "databases");
  mkdirSync(databases);
  const files = [
    ...["gfx1010_20", "gfx1010_11", "gfx1012_11", "gfx1030_36", "gfx90a68", "gfx90a6e"].map((name) => `${name}${FIND}`),
    ...["gfx90a_nosramecc_68.HIP.fdb.txt", "gfx1010.HIP.fdb.txt", "gfx1010_18.HIP.fusion.fdb.txt"],
    ...["gfx1010_18.OpenCL.fdb.txt", "batchnorm_gfx1010_18.db.txt", "gfx1010_12.db.txt"],
  ];
  for (const file of files) writeFileSync(join(databases, file), "");
  const nearest = (id: string, count: number, prefix = "", ending = FIND, home = databases) =>
    must(program, [id, String(count), home, prefix, ending]);

  assert.equal(await nearest("gfx1010", 20), "gfx1010_20", "its own");
  assert.equal(await nearest("gfx1010", 18), "gfx1010_20", "not that of another back end or primitive");
  assert.equal(await nearest("gfx1010", 12), "gfx1010_11");
  assert.equal(await nearest("gfx1012", 10), "gfx1012_11", "not that of another chip");
  assert.equal(await nearest("gfx1010", 16, "batchnorm_", ".db.txt"), "gfx1010_18", "with its prefix");
  assert.equal(await nearest("gfx1010", 20, "", ".db.txt"), "gfx1010_12", "without a prefix");
  assert.equal(
    await nearest("gfx90a", 112),
    "gfx90a6e",
    "hexadecimal above 64, and no number in another target's name",
  );
  assert.equal(await nearest("gfx1011", 18), "gfx1011_18", "its own name where there is none");
  assert.equal(await nearest("gfx1010", 20, "", FIND, join(folder, "missing")), "gfx1010_20", "no folder");
});
