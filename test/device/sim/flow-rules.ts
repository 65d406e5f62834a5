// Code that breaks the rules of waiting and of GFX10.1's hazards, each next to code that keeps them. The arguments are in
// s[4:7], the byte offset of the lane's word in v0, 1 in v30.

export interface Rule {
  what: string;
  /** Breaks the rule … */
  broken: string;
  /** … as this says … */
  says: RegExp;
  /** … and the same without the mistake. */
  sound: readonly string[];
  waveSize?: 32 | 64;
}

export const LOAD = "global_load_dword v1, v0, s[4:5]\n";
const VM0 = "s_waitcnt vmcnt(0)\n";
const LGKM0 = "s_waitcnt lgkmcnt(0)\n";

export const WAITS: Rule[] = [
  {
    what: "a global load",
    broken: `${LOAD} v_add_nc_u32 v2, v1, v1`,
    says: /^v1 is used before the load at 0x[0-9a-f]+ \(global_load_dword v1, v0, s\[4:5\]\) was waited for .*v_add_nc_u32/,
    sound: [`${LOAD}${VM0} v_add_nc_u32 v2, v1, v1`, `${LOAD} s_waitcnt_vmcnt null, 0x0\n v_add_nc_u32 v2, v1, v1`],
  },
  {
    what: "vscnt does not count loads",
    broken: `${LOAD} s_waitcnt_vscnt null, 0x0\n v_add_nc_u32 v2, v1, v1`,
    says: /^v1 is used before/,
    sound: [],
  },
  {
    what: "the second of two global loads",
    broken: `${LOAD} global_load_dword v2, v0, s[6:7]\n s_waitcnt vmcnt(1)\n v_mov_b32 v3, v2`,
    says: /^v2 is used before the load/,
    sound: [
      `${LOAD} global_load_dword v2, v0, s[6:7]\n s_waitcnt vmcnt(1)\n v_mov_b32 v3, v1`,
      `${LOAD} global_load_dword v2, v0, s[6:7]\n s_waitcnt vmcnt(0)\n v_mov_b32 v3, v2`,
    ],
  },
  {
    what: "a result overwritten by other than a load",
    broken: `${LOAD} v_mov_b32 v1, 0`,
    says: /^v1 is overwritten before the load/,
    sound: [`${LOAD}${VM0} v_mov_b32 v1, 0`, `${LOAD} global_load_dword v1, v0, s[6:7]\n ${VM0} v_mov_b32 v2, v1`],
  },
  {
    what: "one register of several",
    broken: `v_mov_b32 v9, 0\n global_load_dwordx4 v[1:4], v9, s[4:5]\n v_mov_b32 v5, v4`,
    says: /^v4 is used before the load at .*global_load_dwordx4 v\[1:4\]/,
    sound: [`v_mov_b32 v9, 0\n global_load_dwordx4 v[1:4], v9, s[4:5]\n v_mov_b32 v5, v0\n v_mov_b32 v6, v9`],
  },
  {
    what: "a loaded value that is stored, or an address",
    broken: `${LOAD} global_store_dword v0, v1, s[6:7]`,
    says: /^v1 is used before the load/,
    sound: [`${LOAD}${VM0} global_store_dword v0, v1, s[6:7]`],
  },
  {
    what: "halves of a register are loaded in order, other units' results are not",
    broken: `${LOAD} ds_read_b32 v1, v0`,
    says: /^v1 is overwritten before the load/,
    sound: [
      `v_mov_b32 v1, 0\n global_load_short_d16 v1, v0, s[4:5]\n global_load_short_d16_hi v1, v0, s[4:5] offset:2\n ${VM0} v_mov_b32 v2, v1`,
      `v_mov_b32 v1, 0\n ds_read_u16_d16 v1, v0\n ds_read_u16_d16_hi v1, v0 offset:2\n ${LGKM0} v_mov_b32 v2, v1`,
    ],
  },
  {
    what: "the result of an atomic",
    broken: "global_atomic_add v1, v0, v30, s[4:5] glc\n s_waitcnt_vscnt null, 0x0\n v_mov_b32 v2, v1",
    says: /^v1 is used before the load at .*global_atomic_add/,
    sound: [
      `global_atomic_add v1, v0, v30, s[4:5] glc\n ${VM0} v_mov_b32 v2, v1`,
      "global_atomic_add v0, v30, s[4:5]\n v_mov_b32 v2, v30",
    ],
  },
  {
    what: "a scalar load",
    broken: "s_load_dword s8, s[4:5], 0x0\n s_add_u32 s9, s8, 1",
    says: /^s8 is used before the load at .*s_load_dword s8, s\[4:5\]/,
    sound: [
      `s_load_dword s8, s[4:5], 0x0\n ${LGKM0} s_add_u32 s9, s8, 1`,
      "s_load_dword s8, s[4:5], 0x0\n s_waitcnt_lgkmcnt null, 0x0\n s_mov_b32 s9, s8",
    ],
  },
  {
    what: "scalar loads come in any order",
    broken: "s_load_dword s8, s[4:5], 0x0\n s_load_dword s9, s[4:5], 0x4\n s_waitcnt lgkmcnt(1)\n s_mov_b32 s10, s8",
    says: /^s8 is used before the load/,
    sound: [`s_load_dword s8, s[4:5], 0x0\n s_load_dword s9, s[4:5], 0x4\n ${LGKM0} s_mov_b32 s10, s8`],
  },
  {
    what: "a scalar load over another",
    broken: "s_load_dword s8, s[4:5], 0x0\n s_load_dword s8, s[4:5], 0x4\n s_waitcnt lgkmcnt(0)",
    says: /^s8 is overwritten before the load/,
    sound: [],
  },
  {
    what: "VCC as an implicit operand",
    broken: "s_load_dword vcc_lo, s[4:5], 0x0\n v_cndmask_b32 v1, v0, v30",
    says: /^vcc_lo is used before the load/,
    sound: [`s_load_dword vcc_lo, s[4:5], 0x0\n ${LGKM0} v_cndmask_b32 v1, v0, v30`],
  },
  {
    what: "LDS reads come in order",
    broken: "ds_read_b32 v1, v0\n ds_read_b32 v2, v0\n s_waitcnt lgkmcnt(1)\n v_mov_b32 v3, v2",
    says: /^v2 is used before the load at .*ds_read_b32 v2, v0/,
    sound: [
      "ds_read_b32 v1, v0\n ds_read_b32 v2, v0\n s_waitcnt lgkmcnt(1)\n v_mov_b32 v3, v1",
      `ds_read_b32 v1, v0\n ${LGKM0} v_mov_b32 v3, v1`,
    ],
  },
  {
    what: "vmcnt does not count LDS",
    broken: `ds_read_b32 v1, v0\n ${VM0} v_mov_b32 v3, v1`,
    says: /^v1 is used before the load/,
    sound: [],
  },
  {
    what: "with a scalar load under way, lgkmcnt(1) says nothing of a single LDS read",
    broken: "ds_read_b32 v1, v0\n s_load_dword s8, s[4:5], 0x0\n s_waitcnt lgkmcnt(1)\n v_mov_b32 v3, v1",
    says: /^v1 is used before the load/,
    sound: [`ds_read_b32 v1, v0\n s_load_dword s8, s[4:5], 0x0\n ${LGKM0} v_mov_b32 v3, v1`],
  },
  {
    what: "a permutation through LDS",
    broken: "ds_bpermute_b32 v1, v0, v30\n v_mov_b32 v3, v1",
    says: /^v1 is used before the load at .*ds_bpermute_b32/,
    sound: [`ds_bpermute_b32 v1, v0, v30\n ${LGKM0} v_mov_b32 v3, v1`],
  },
  {
    what: "a flat load is on both counters",
    broken: `v_mov_b32 v2, s4\n v_mov_b32 v3, s5\n flat_load_dword v1, v[2:3]\n ${VM0} v_mov_b32 v4, v1`,
    says: /^v1 is used before the load at .*flat_load_dword/,
    sound: [
      "v_mov_b32 v2, s4\n v_mov_b32 v3, s5\n flat_load_dword v1, v[2:3]\n s_waitcnt vmcnt(0) lgkmcnt(0)\n v_mov_b32 v4, v1",
    ],
  },
  {
    what: "what was stored may be overwritten, and so may addresses",
    broken: `v_mov_b32 v9, v0\n global_load_dword v1, v9, s[4:5]\n v_mov_b32 v9, 0\n v_mov_b32 v2, v1`,
    says: /^v1 is used/,
    sound: [
      "v_mov_b32 v9, v0\n global_store_dword v9, v30, s[4:5]\n v_mov_b32 v30, 0\n v_mov_b32 v9, 0",
      `v_mov_b32 v9, v0\n ${LOAD} v_mov_b32 v9, 0`,
    ],
  },
  {
    what: "a load of the loop's iteration before",
    broken: `v_mov_b32 v1, 0\n s_mov_b32 s8, 3\nloop:\n v_add_nc_u32 v2, v1, v1\n s_nop 0\n ${LOAD} s_sub_u32 s8, s8, 1\n s_cmp_lg_u32 s8, 0\n s_cbranch_scc1 loop`,
    says: /^v1 is used before the load/,
    sound: [
      `v_mov_b32 v1, 0\n s_mov_b32 s8, 3\nloop:\n ${VM0} v_add_nc_u32 v2, v1, v1\n ${LOAD} s_sub_u32 s8, s8, 1\n s_cmp_lg_u32 s8, 0\n s_cbranch_scc1 loop`,
    ],
  },
  {
    what: "the path that has no wait",
    broken: `${LOAD} s_cmp_eq_u32 s4, s4\n s_cbranch_scc1 over\n ${VM0} over:\n v_mov_b32 v2, v1`,
    says: /^v1 is used before the load/,
    sound: [`${LOAD} s_cmp_lg_u32 s4, s4\n s_cbranch_scc1 over\n ${VM0} over:\n v_mov_b32 v2, v1`],
  },
  {
    what: "a pair of scalars in a wave of 64 lanes",
    broken: "s_load_dwordx2 s[8:9], s[4:5], 0x0\n v_cndmask_b32 v1, v0, v30, s[8:9]",
    says: /^s\[8:9\] is used before the load/,
    sound: [`s_load_dwordx2 s[8:9], s[4:5], 0x0\n ${LGKM0} v_cndmask_b32 v1, v0, v30, s[8:9]`],
    waveSize: 64,
  },
];

export const HAZARDS: Rule[] = [
  {
    what: "a scalar that a memory instruction may still read",
    broken: `${LOAD} s_mov_b32 s5, 0`,
    says: /^VMEMtoScalarWriteHazard: s5 is written/,
    sound: [
      `${LOAD} v_nop\n s_mov_b32 s5, 0`,
      `${LOAD} s_waitcnt_depctr 0xffe3\n s_mov_b32 s5, 0`,
      `${LOAD} s_waitcnt 0\n s_mov_b32 s5, 0`,
      `${LOAD} s_mov_b32 s8, 0`,
    ],
  },
  {
    what: "EXEC that an LDS instruction may still read",
    broken: "ds_read_b32 v1, v0\n s_mov_b32 exec_lo, -1",
    says: /^VMEMtoScalarWriteHazard: exec_lo is written/,
    sound: ["ds_read_b32 v1, v0\n s_waitcnt_depctr 0xffe3\n s_mov_b32 exec_lo, -1"],
  },
  {
    what: "a scalar load over a scalar that a memory instruction may still read",
    broken: `${LOAD} s_load_dword s4, s[6:7], 0x0`,
    says: /^VMEMtoScalarWriteHazard: s4/,
    sound: [`${LOAD} v_mov_b32 v9, 0\n s_load_dword s4, s[6:7], 0x0`],
  },
  {
    what: "a scalar that a scalar load may still read",
    broken: "s_load_dword s8, s[4:5], 0x0\n v_readfirstlane_b32 s4, v0",
    says: /^SMEMtoVectorWriteHazard: s4 is written/,
    sound: [
      "s_load_dword s8, s[4:5], 0x0\n s_mov_b32 null, 0\n v_readfirstlane_b32 s4, v0",
      `s_load_dword s8, s[4:5], 0x0\n ${LGKM0} v_readfirstlane_b32 s4, v0`,
      "s_load_dword s8, s[4:5], 0x0\n v_readfirstlane_b32 s10, v0",
    ],
  },
  {
    what: "VCC by a comparison",
    broken: "s_mov_b64 vcc, s[4:5]\n s_load_dword s8, vcc, 0x0\n s_nop 0\n v_cmp_eq_u32 vcc_lo, v0, v0",
    says: /^SMEMtoVectorWriteHazard: vcc_lo/,
    sound: ["s_mov_b64 vcc, s[4:5]\n s_load_dword s8, vcc, 0x0\n s_mov_b32 s20, 0\n v_cmp_eq_u32 vcc_lo, v0, v0"],
  },
  {
    what: "v_permlane behind v_cmpx",
    broken: "v_cmpx_eq_u32 v0, v0\n v_nop\n v_permlane16_b32 v30, v30, s4, s5",
    says: /^VcmpxPermlaneHazard/,
    sound: ["v_cmpx_eq_u32 v0, v0\n v_mov_b32 v30, v30\n v_permlane16_b32 v30, v30, s4, s5"],
  },
  {
    what: "v_cmpx behind what reads EXEC",
    broken: "s_mov_b32 s8, exec_lo\n v_cmpx_eq_u32 v0, v0",
    says: /^VcmpxExecWARHazard/,
    sound: [
      "s_mov_b32 s8, exec_lo\n s_waitcnt_depctr 0xfffe\n v_cmpx_eq_u32 v0, v0",
      "s_mov_b32 s8, exec_lo\n v_cmp_eq_u32 vcc_lo, v0, v0\n v_cmpx_eq_u32 v0, v0",
    ],
  },
  {
    what: "memory behind LDS with a branch between",
    broken: `ds_read_b32 v2, v0\n s_branch on\non:\n ${LOAD}`,
    says: /^LdsBranchVmemWARHazard: memory behind LDS/,
    sound: [
      `ds_read_b32 v2, v0\n s_branch on\non:\n s_waitcnt_vscnt null, 0x0\n ${LOAD}`,
      `ds_read_b32 v2, v0\n ${LOAD}`,
    ],
  },
  {
    what: "LDS behind memory with a branch between",
    broken: `s_waitcnt_vscnt null, 0x0\n ${LOAD} s_cbranch_scc0 on\non:\n ds_read_b32 v2, v0`,
    says: /^LdsBranchVmemWARHazard: LDS behind/,
    sound: [
      `s_waitcnt_vscnt null, 0x0\n ${LOAD} s_waitcnt_vscnt null, 0x0\n s_cbranch_scc0 on\non:\n ds_read_b32 v2, v0`,
    ],
  },
  {
    what: "a branch by 0x3f words",
    broken: `s_cmp_eq_u32 s4, s4\n .long 0xbf84003f\n${"s_nop 0\n".repeat(63)}`,
    says: /^Offset3fBug/,
    sound: [`s_cmp_eq_u32 s4, s4\n .long 0xbf84003e\n${"s_nop 0\n".repeat(63)}`],
  },
  {
    what: "s_inst_prefetch",
    broken: "s_inst_prefetch 0x3",
    says: /^InstFwdPrefetchBug/,
    sound: [],
  },
];
