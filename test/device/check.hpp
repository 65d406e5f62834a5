// The least a C++ test needs: say what failed and where, go on, and end with 1.
#pragma once

#include <cstdio>

inline int failures = 0;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                              \
      ++failures;                                                                                                      \
    }                                                                                                                  \
  } while (false)
