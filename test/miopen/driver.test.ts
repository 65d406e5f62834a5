import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import { type DriverSetup, driverCommand } from "../../src/miopen/driver.ts";
import { sampleToolchain } from "../release/sample.ts";

test("no command lowers the log level, or moves the device that it runs on", () => {
  const rocm = sampleToolchain("/rocm");
  const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
  const setup: DriverSetup = {
    ...{ toolchain, device: virtualDevice("/device.so"), target: "gfx1010" },
    ...{ compile: "refuse", execute: true, events: false },
    ...{ folder: "/work", systemDatabases: "/system", rocblasLibrary: "/rocblas" },
  };
  const env = { MIOPEN_LOG_LEVEL: "1", RDNA1_DEVICE_TARGET: "gfx1030", MIOPEN_FIND_MODE: "2" };
  const command = driverCommand(setup, ["conv"], env);
  assert.equal(command.env.MIOPEN_LOG_LEVEL, "6");
  assert.equal(command.env.RDNA1_DEVICE_TARGET, "gfx1010");
  assert.equal(command.env.MIOPEN_FIND_MODE, "2");
});
