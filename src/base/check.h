// The third kind of error: a bug. NFG_CHECK aborts with file and line. No input may reach one.
#pragma once

#include <cstdio>
#include <cstdlib>

#define NFG_CHECK(condition)                                                                  \
  do {                                                                                        \
    if (!(condition)) [[unlikely]] {                                                          \
      std::fprintf(stderr, "%s:%d: bug: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
