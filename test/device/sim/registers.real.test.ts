import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec, toolchainUnderTest } from "../support.ts";
import { Disassemblers, type WaveSize } from "./disassembly.ts";
import type { Architecture } from "./harness.ts";

/** Assembly; what it reads; what it writes. Scalars by their number: VCC 106-107, M0 124, EXEC 126-127. */
type Row = readonly [text: string, reads: string, writes: string];

const SCALAR: readonly Row[] = [
  ["s_add_u32 s4, s6, s2", "s6 s2", "s4"],
  ["s_and_b64 s[4:5], s[6:7], 1", "s6-7", "s4-5"],
  ["s_lshl_b64 s[4:5], s[6:7], s2", "s6-7 s2", "s4-5"],
  ["s_mov_b64 vcc, exec", "s126-127", "s106-107"],
  ["s_mov_b32 m0, 0x12345678", "", "s124"],
  ["s_mov_b32 s4, null", "", "s4"],
  ["s_mov_b32 s4, src_vccz", "s106", "s4"],
  ["s_mov_b32 s4, src_scc", "", "s4"],
  ["s_mov_b64 s[4:5], src_shared_base", "", "s4-5"],
  ["s_cmov_b32 s4, s6", "s4 s6", "s4"],
  ["s_bitset1_b64 s[4:5], s6", "s4-5 s6", "s4-5"],
  ["s_bcnt1_i32_b64 s4, s[6:7]", "s6-7", "s4"],
  ["s_and_saveexec_b32 s4, s6", "s6 s126", "s4 s126"],
  ["s_or_saveexec_b64 s[4:5], s[6:7]", "s6-7 s126-127", "s4-5 s126-127"],
  ["s_andn1_wrexec_b32 s4, s6", "s6 s126", "s4 s126"],
  ["s_getpc_b64 s[4:5]", "", "s4-5"],
  ["s_setpc_b64 s[6:7]", "s6-7", ""],
  ["s_swappc_b64 s[4:5], s[6:7]", "s6-7", "s4-5"],
  ["s_call_b64 s[4:5], 4", "", "s4-5"],
  ["s_cmp_eq_u64 s[6:7], s[2:3]", "s6-7 s2-3", ""],
  ["s_movk_i32 s4, 0x1", "", "s4"],
  ["s_addk_i32 s4, 0x1", "s4", "s4"],
  ["s_cmpk_eq_i32 s4, 0x1", "s4", ""],
  ["s_getreg_b32 s4, hwreg(HW_REG_MODE)", "", "s4"],
  ["s_setreg_b32 hwreg(HW_REG_MODE), s4", "s4", ""],
  ["s_setreg_imm32_b32 hwreg(HW_REG_MODE), 0x12345678", "", ""],
  ["s_waitcnt_vscnt null, 0x0", "", ""],
  ["s_cbranch_vccz 4", "s106", ""],
  ["s_cbranch_execnz 4", "s126", ""],
  ["s_cbranch_scc0 4", "", ""],
  ["s_load_dwordx8 s[16:23], s[4:5], 0x10", "s4-5", "s16-23"],
  ["s_load_dword s16, s[4:5], s2", "s4-5 s2", "s16"],
  ["s_buffer_load_dwordx2 s[16:17], s[4:7], 0x10", "s4-7", "s16-17"],
  ["s_store_dwordx2 s[16:17], s[4:5], 0x10", "s16-17 s4-5", ""],
  ["s_atomic_cmpswap s[16:17], s[4:5], 0x10 glc", "s16-17 s4-5", "s16"],
  ["s_memtime s[16:17]", "", "s16-17"],
];

const VECTOR: readonly Row[] = [
  ["v_mov_b32_e32 v4, s2", "s2 s126", "v4"],
  ["v_cvt_f64_f32_e32 v[4:5], v2", "v2 s126", "v4-5"],
  ["v_readfirstlane_b32 s4, v2", "v2 s126", "s4"],
  ["v_readlane_b32 s4, v2, s3", "v2 s3", "s4"],
  ["v_writelane_b32 v4, s2, s3", "v4 s2 s3", "v4"],
  ["v_swap_b32 v4, v2", "v4 v2 s126", "v4 v2"],
  ["v_movreld_b32_e32 v4, v2", "v4 v2 s124 s126", "v4"],
  ["v_add_f32_e32 v4, v2, v6", "v2 v6 s126", "v4"],
  ["v_mac_f32_e32 v4, v2, v6", "v4 v2 v6 s126", "v4"],
  ["v_madmk_f32 v4, v2, 0x3f800001, v6", "v2 v6 s126", "v4"],
  ["v_cndmask_b32_e32 v4, v2, v6, vcc_lo", "v2 v6 s106 s126", "v4"],
  ["v_cndmask_b32_e64 v4, v2, v6, s8", "v2 v6 s8 s126", "v4"],
  ["v_add_co_ci_u32_e32 v4, vcc_lo, v2, v6, vcc_lo", "v2 v6 s106 s126", "v4 s106"],
  ["v_add_co_ci_u32_e64 v4, s8, v2, v6, s10", "v2 v6 s10 s126", "v4 s8"],
  ["v_add_co_u32 v4, null, v2, v6", "v2 v6 s126", "v4"],
  ["v_cmp_lt_f64_e32 vcc_lo, v[2:3], v[6:7]", "v2-3 v6-7 s126", "s106"],
  ["v_cmp_lt_f32_e64 s4, v2, v6", "v2 v6 s126", "s4"],
  ["v_cmpx_lt_f32_e32 v2, v6", "v2 v6 s126", "s126"],
  ["v_fma_f64 v[4:5], v[2:3], v[6:7], v[8:9]", "v2-3 v6-7 v8-9 s126", "v4-5"],
  ["v_div_scale_f64 v[4:5], s8, v[2:3], v[6:7], v[8:9]", "v2-3 v6-7 v8-9 s126", "v4-5 s8"],
  ["v_div_fmas_f32 v4, v2, v6, v8", "v2 v6 v8 s126 s106", "v4"],
  ["v_mad_u64_u32 v[4:5], s8, v2, v6, v[8:9]", "v2 v6 v8-9 s126", "v4-5 s8"],
  ["v_lshlrev_b64 v[4:5], v2, v[6:7]", "v2 v6-7 s126", "v4-5"],
  ["v_pk_fma_f16 v4, v2, v6, v8", "v2 v6 v8 s126", "v4"],
  ["v_mov_b32_sdwa v4, v2 dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE src0_sel:DWORD", "v4 v2 s126", "v4"],
  ["v_mov_b32_sdwa v4, v2 dst_sel:WORD_1 dst_unused:UNUSED_PAD src0_sel:DWORD", "v2 s126", "v4"],
  ["v_add_f32_dpp v4, v2, v6 row_shl:1 row_mask:0xf bank_mask:0xf", "v2 v6 s126", "v4"],
];

const MEMORY: readonly Row[] = [
  ["ds_read_b32 v20, v2", "v2 s126", "v20"],
  ["ds_read2_b64 v[20:23], v2 offset1:1", "v2 s126", "v20-23"],
  ["ds_read_u16_d16_hi v20, v2", "v20 v2 s126", "v20"],
  ["ds_write2_b64 v2, v[6:7], v[12:13] offset1:1", "v2 v6-7 v12-13 s126", ""],
  ["ds_write_b128 v2, v[6:9]", "v2 v6-9 s126", ""],
  ["ds_add_u32 v2, v6", "v2 v6 s126", ""],
  ["ds_add_rtn_u64 v[20:21], v2, v[6:7]", "v2 v6-7 s126", "v20-21"],
  ["ds_cmpst_rtn_b32 v20, v2, v6, v12", "v2 v6 v12 s126", "v20"],
  ["ds_bpermute_b32 v20, v2, v6", "v2 v6 s126", "v20"],
  ["buffer_load_dword v6, v2, s[12:15], 0 offen", "v2 s12-15 s126", "v6"],
  ["buffer_load_dwordx4 v[6:9], v[2:3], s[12:15], s3 idxen offen", "v2-3 s12-15 s3 s126", "v6-9"],
  ["buffer_load_dword v6, off, s[12:15], m0", "s12-15 s124 s126", "v6"],
  ["buffer_load_dword v[6:7], off, s[12:15], 0 tfe", "s12-15 s126", "v6-7"],
  ["buffer_load_short_d16 v6, off, s[12:15], 0", "v6 s12-15 s126", "v6"],
  ["buffer_store_dwordx3 v[6:8], off, s[12:15], 0", "v6-8 s12-15 s126", ""],
  ["buffer_atomic_cmpswap v[6:7], v2, s[12:15], 0 offen glc", "v2 v6-7 s12-15 s126", "v6"],
  ["buffer_atomic_cmpswap v[6:7], v2, s[12:15], 0 offen", "v2 v6-7 s12-15 s126", ""],
  ["tbuffer_load_format_xy v[6:7], v2, s[12:15], 0 format:[BUF_FMT_32_32_FLOAT] offen", "v2 s12-15 s126", "v6-7"],
  ["buffer_gl0_inv", "s126", ""],
  ["flat_load_dwordx2 v[20:21], v[2:3]", "v2-3 s126", "v20-21"],
  ["flat_atomic_add_x2 v[20:21], v[2:3], v[6:7] glc", "v2-3 v6-7 s126", "v20-21"],
  ["global_load_dword v20, v[2:3], off", "v2-3 s126", "v20"],
  ["global_load_dword v20, v2, s[4:5]", "v2 s4-5 s126", "v20"],
  ["global_load_ubyte_d16_hi v20, v[2:3], off", "v20 v2-3 s126", "v20"],
  ["global_store_dwordx4 v2, v[6:9], s[4:5]", "v2 v6-9 s4-5 s126", ""],
  ["global_atomic_cmpswap_x2 v[20:21], v[2:3], v[6:9], off glc", "v2-3 v6-9 s126", "v20-21"],
  ["global_atomic_add v[2:3], v6, off", "v2-3 v6 s126", ""],
  ["scratch_load_dword v20, v2, off", "v2 s126", "v20"],
  ["scratch_store_dwordx2 off, v[6:7], s4", "s4 v6-7 s126", ""],
];

const WAVE64: readonly Row[] = [
  ["v_mov_b32_e32 v4, s2", "s2 s126-127", "v4"],
  ["v_cndmask_b32_e32 v4, v2, v6, vcc", "v2 v6 s106-107 s126-127", "v4"],
  ["v_add_co_ci_u32_e64 v4, s[8:9], v2, v6, s[10:11]", "v2 v6 s10-11 s126-127", "v4 s8-9"],
  ["v_cmp_lt_f32_e32 vcc, v2, v6", "v2 v6 s126-127", "s106-107"],
  ["v_cmpx_lt_f32_e32 v2, v6", "v2 v6 s126-127", "s126-127"],
  ["v_div_fmas_f32 v4, v2, v6, v8", "v2 v6 v8 s126-127 s106-107", "v4"],
  ["s_cbranch_vccnz 4", "s106-107", ""],
  ["s_cbranch_execz 4", "s126-127", ""],
  ["global_load_dword v20, v[2:3], off", "v2-3 s126-127", "v20"],
];

const toolchain = await toolchainUnderTest();
const started = typeof toolchain === "string" ? toolchain : await Disassemblers.start(toolchain);
const skip = typeof started === "string" ? started : false;

const GROUPS: readonly [title: string, rows: readonly Row[], waveSize: WaveSize][] = [
  ["scalar instructions", SCALAR, 32],
  ["vector arithmetic", VECTOR, 32],
  ["vector memory", MEMORY, 32],
  ["waves of 64 lanes", WAVE64, 64],
];
for (const [title, rows, waveSize] of GROUPS) {
  test(`knows every register that an instruction reads and writes: ${title}`, { skip }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "rdna1-registers-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = await assemble(folder, rows.map(([text]) => `${text}\n`).join(""), "gfx1010", waveSize);
    const found = await (started as Disassemblers).registers(file, "gfx1010", waveSize);
    assert.equal(found.length, rows.length);
    for (const [index, [text, reads, writes]] of rows.entries()) {
      const [, read = "", written = ""] = (found[index] ?? "").split(/ ; (?:reads|writes)/);
      assert.deepEqual([sorted(read), sorted(written)], [sorted(reads), sorted(writes)], text);
    }
  });
}

function sorted(ranges: string): string[] {
  return [...new Set(ranges.split(" ").filter((range) => range !== ""))].sort();
}

async function assemble(folder: string, text: string, architecture: Architecture, waveSize: WaveSize): Promise<string> {
  const rocm = toolchain as Toolchain;
  const source = join(folder, "code.s");
  const object = join(folder, "code.o");
  await writeFile(source, text);
  const wave = waveSize === 64 ? ["-mattr=+wavefrontsize64"] : [];
  const options = [
    "-triple=amdgcn-amd-amdhsa",
    `-mcpu=${architecture}`,
    ...wave,
    "-filetype=obj",
    source,
    "-o",
    object,
  ];
  const command = programCommand(rocm, join(rocm.paths.llvmBin, "llvm-mc"), options);
  const result = await exec.run(command, { timeoutMs: 60_000 });
  if (result.code !== 0) throw new Error(result.stderr);
  return object;
}
