// A small kernel for the tests: by-value arguments, 256 bytes of LDS, a global variable. OpenCL 2.0.
__attribute__((visibility("protected"))) __global int counter = 7;

__kernel void add(__global float* a, __global const float* b, int n, short s) {
  __local float block[64];
  const int i = __builtin_amdgcn_workitem_id_x();
  block[i & 63] = b[i];
  __builtin_amdgcn_s_barrier();
  if (i < n) a[i] = block[63 - (i & 63)] + s + counter;
}
