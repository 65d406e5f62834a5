// The definition of a function behind the one of a preloaded library of ours.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

namespace rdna1 {

/// Ends the process when there is none: whoever calls it cannot go on.
template <typename F> F* next(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    std::fprintf(stderr, "rdna1: %s: the real function is not loaded\n", name);
    std::abort();
  }
  return reinterpret_cast<F*>(found);
}

} // namespace rdna1
