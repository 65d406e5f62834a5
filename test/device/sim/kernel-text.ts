/** An assembly kernel whose arguments are buffer addresses; s[0:1] points to them, s2 is the work-group, v0 the work-item. */
export interface KernelSource {
  name: string;
  /** Without s_endpgm at the end */
  body: string;
  /** Default 2 */
  pointers?: number;
  /** Default 64 */
  vgprs?: number;
  /** Static LDS bytes */
  lds?: number;
}

/** The text of an object that holds these kernels. */
export function objectText(kernels: readonly KernelSource[], waveSize: 32 | 64 = 32): string {
  const code = kernels.map(
    ({ name, body, pointers = 2, vgprs = 64, lds = 0 }) => `
.text
.globl ${name}
.p2align 8
.type ${name},@function
${name}:
${body}
s_endpgm
.rodata
.p2align 6
.amdhsa_kernel ${name}
  .amdhsa_group_segment_fixed_size ${lds}
  .amdhsa_kernarg_size ${pointers * 8}
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_next_free_vgpr ${vgprs}
  .amdhsa_next_free_sgpr 96
  .amdhsa_float_denorm_mode_32 3
  .amdhsa_wavefront_size32 ${waveSize === 32 ? 1 : 0}
.end_amdhsa_kernel
`,
  );
  const metadata = kernels.map(
    ({ name, pointers = 2, vgprs = 64, lds = 0 }) => `
  - .name: ${name}
    .symbol: ${name}.kd
    .kernarg_segment_size: ${pointers * 8}
    .group_segment_fixed_size: ${lds}
    .private_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .wavefront_size: ${waveSize}
    .sgpr_count: 96
    .vgpr_count: ${vgprs}
    .max_flat_workgroup_size: 1024
    .args:${Array.from({ length: pointers }, (_, i) => `\n      - { .offset: ${i * 8}, .size: 8, .value_kind: global_buffer, .address_space: global }`).join("")}`,
  );
  return `${code.join("")}
.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.kernels:${metadata.join("")}
...
.end_amdgpu_metadata
`;
}
