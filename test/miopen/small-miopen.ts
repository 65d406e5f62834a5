import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A project of MIOpen's shape that compiles in a second: a library, a driver, a public header, CMake configuration and
 * kernels. `rocm_setup_version` comes from rocm-cmake in the real one.
 */
export const SMALL_MIOPEN: Readonly<Record<string, string>> = {
  "CMakeLists.txt": `cmake_minimum_required(VERSION 3.15)
project ( MIOpen C CXX )
macro(rocm_setup_version)
endmacro()
rocm_setup_version(VERSION 3.4.0)
add_library(MIOpen SHARED src/api.cpp src/solver.cpp)
target_include_directories(MIOpen PUBLIC $<BUILD_INTERFACE:\${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
set_target_properties(MIOpen PROPERTIES VERSION 1.0 SOVERSION 1)
add_executable(MIOpenDriver driver/main.cpp)
target_link_libraries(MIOpenDriver MIOpen)
install(TARGETS MIOpen EXPORT miopen LIBRARY DESTINATION lib)
install(TARGETS MIOpenDriver RUNTIME DESTINATION bin)
install(FILES include/miopen/miopen.h DESTINATION include/miopen)
install(EXPORT miopen FILE miopen-config.cmake DESTINATION lib/cmake/miopen)
file(WRITE \${CMAKE_BINARY_DIR}/gfx906.db.txt "of another card")
install(FILES \${CMAKE_BINARY_DIR}/gfx906.db.txt DESTINATION share/miopen/db)
`,
  "include/miopen/miopen.h": "#pragma once\nint miopenVersion();\n",
  "src/api.cpp": '#include "miopen/miopen.h"\nint solvers();\nint miopenVersion() { return 3400 + solvers(); }\n',
  "src/solver.cpp": [
    "int solvers()",
    "{",
    "    // first",
    "    int found = 0;",
    "    // last",
    "    return found;",
    "}",
    "",
  ].join("\n"),
  "driver/main.cpp":
    '#include "miopen/miopen.h"\n#include <cstdio>\nint main() { std::printf("MIOpen version %d\\n", miopenVersion()); }\n',
  "src/kernels/gfx906.db.bz2": "of another card",
};

/** Writes a tree; `changes` replaces or adds files. */
export function writeTree(folder: string, changes: Readonly<Record<string, string>> = {}, base = SMALL_MIOPEN): string {
  for (const [name, text] of Object.entries({ ...base, ...changes })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Makes a series folder of patches by name, in order. */
export function writeSeries(folder: string, patches: Readonly<Record<string, string>>, head = ""): string {
  return writeTree(folder, { ...patches, series: `${head}${Object.keys(patches).join("\n")}\n` }, {});
}

/** A unified diff of one file, as diff(1) makes it. */
export function diff(folder: string, name: string, before: string, after: string, context = 3): string {
  writeTree(folder, { [`a/${name}`]: before, [`b/${name}`]: after }, {});
  try {
    execFileSync("diff", [`-U${context}`, "-N", `a/${name}`, `b/${name}`], { cwd: folder });
  } catch (error) {
    return (error as { stdout: Buffer }).stdout.toString();
  }
  return "";
}
