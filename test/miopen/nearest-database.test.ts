import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hostCompiler, must, scratch } from "../device/support.ts";
import { addedFile, bundledSeries } from "./added-kernel.ts";
import { writeTree } from "./small-miopen.ts";

/*
 * nearest_database.cpp of 0012, compiled from the patch against the little of MIOpen that it uses, and asked about folders of
 * databases.
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
  "include/miopen/db_path.hpp": `#include <cstdlib>
#include <miopen/filesystem.hpp>
#include <string>
namespace miopen {
inline fs::path GetSystemDbPath() { return std::getenv("DATABASES"); }
inline std::string GetSystemFindDbSuffix() { return "HIP"; }
}
`,
  // find or perf, then cards and primitives by turns, all in one process
  "main.cpp": `#include <miopen/nearest_database.hpp>
#include <iostream>
int main(int count, char** a)
{
    const auto ask = std::string{a[1]} == "find" ? miopen::NearestFindDb : miopen::NearestPerfDb;
    for(int i = 2; i + 2 < count; i += 3)
        std::cout << ask({{a[i]}, std::stoul(a[i + 1])}, a[i + 2]).filename().string() << "\\n";
}
`,
};

/** Id, number of compute units, and the primitive where it is not convolution. */
type Asked = readonly [id: string, count: number, kind?: string];

for (const series of await bundledSeries()) {
  test(`${series}: a card without a database of its own takes that of the nearest number of compute units`, async (t) => {
    const compiler = await hostCompiler();
    if (compiler === null) return t.skip("no C++ compiler");
    const folder = await scratch(t);
    const added: Record<string, string> = {};
    for (const file of ["src/nearest_database.cpp", "src/include/miopen/nearest_database.hpp"]) {
      const text = await addedFile(series, file);
      assert.ok(text !== null, file);
      added[file.replace("src/include/", "include/")] = text;
    }
    writeTree(folder, added, MIOPEN);
    const program = join(folder, "nearest");
    const sources = [join(folder, "main.cpp"), join(folder, "src/nearest_database.cpp")];
    const flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", `-I${join(folder, "include")}`];
    await must(compiler, [...flags, ...sources, "-o", program]);

    const databases = join(folder, "databases");
    mkdirSync(databases);
    const files = [
      ...["gfx1010_20", "gfx1010_11", "gfx1012_11", "gfx1030_36", "gfx90a68", "gfx90a6e"].map(
        (n) => `${n}.HIP.fdb.txt`,
      ),
      ...["gfx90a_nosramecc_68.HIP.fdb.txt", "gfx1010.HIP.fdb.txt", "gfx1010_18.HIP.fusion.fdb.txt"],
      ...["gfx1010_18.OpenCL.fdb.txt", "batchnorm_gfx1010_18.db.txt", "gfx1010_12.db.txt"],
    ];
    for (const file of files) writeFileSync(join(databases, file), "");
    const nearest = async (what: "find" | "perf", asked: readonly Asked[], home = databases) => {
      const args = asked.flatMap(([id, count, kind = ""]) => [id, String(count), kind]);
      return (await must(program, [what, ...args], { DATABASES: home })).split("\n").slice(0, -1);
    };

    const cases = [
      ["find", ["gfx1010", 20], "gfx1010_20.HIP.fdb.txt", "its own"],
      ["find", ["gfx1010", 18], "gfx1010_20.HIP.fdb.txt", "not that of another back end or primitive"],
      ["find", ["gfx1010", 12], "gfx1010_11.HIP.fdb.txt", "the nearest"],
      ["find", ["gfx1010", 20, "fusion"], "gfx1010_18.HIP.fusion.fdb.txt", "that of its primitive"],
      ["find", ["gfx1012", 10], "gfx1012_11.HIP.fdb.txt", "not that of another chip"],
      ["find", ["gfx90a", 112], "gfx90a6e.HIP.fdb.txt", "hexadecimal above 64, and no number in another target's name"],
      ["find", ["gfx1011", 18], "", "none"],
      ["perf", ["gfx1010", 16, "batchnorm"], "batchnorm_gfx1010_18.db.txt", "with its prefix"],
      ["perf", ["gfx1010", 20], "gfx1010_12.db.txt", "without a prefix"],
      ["perf", ["gfx1030", 36, "batchnorm"], "", "not that of another primitive"],
    ] as const;
    for (const [what, asked, wanted, why] of cases) assert.deepEqual(await nearest(what, [asked]), [wanted], why);
    for (const what of ["find", "perf"] as const) {
      const all = cases.filter(([kind]) => kind === what);
      const got = await nearest(
        what,
        all.map(([, asked]) => asked),
      );
      assert.deepEqual(
        got,
        all.map(([, , wanted]) => wanted),
        "several cards and primitives in one process",
      );
    }
    assert.deepEqual(await nearest("find", [["gfx1010", 20]], join(folder, "missing")), [""], "no folder");
  });
}
