// Three libraries and a program, by what is defined: a stand-in for comgr (COMGR), a library that compiles with it
// (under the name that OWNER is), and the program that has two of these compile. Statuses are amd_comgr_status_t: 0 is
// success.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {

int amd_comgr_do_action(uint32_t kind, uint64_t info, uint64_t inputs, uint64_t outputs);

#if defined(COMGR)
int amd_comgr_do_action(uint32_t, uint64_t, uint64_t, uint64_t) { return 0; }
int amd_comgr_action_data_get_data(uint64_t, int, size_t, uint64_t*) { return 1; }
int amd_comgr_action_info_get_option_list_count(uint64_t, size_t*) { return 1; }
#elif defined(OWNER)
int OWNER(uint32_t kind) {
  const int status = amd_comgr_do_action(kind, 0, 0, 0);
  return status; // no tail call: the witness looks where it comes from
}
#else
int compileAsRuntime(uint32_t kind);
int compileAsProgram(uint32_t kind);

int main() {
  // AMD_COMGR_ACTION_COMPILE_SOURCE_TO_RELOCATABLE compiles, AMD_COMGR_ACTION_UNBUNDLE does not
  std::printf("%d %d %d\n", compileAsRuntime(0xD), compileAsProgram(0xD), compileAsProgram(0xF));
}
#endif
}
