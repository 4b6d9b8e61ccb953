#include "adapt_kernels.h"

extern const struct adapt_kernels adapt_kernels_baseline;
#if defined(__x86_64__)
extern const struct adapt_kernels adapt_kernels_v3;
extern const struct adapt_kernels adapt_kernels_v4;

// Older compilers do not know the levels by name.
static int has_v3(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static int has_v4(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

const struct adapt_kernels *adapt_kernels_at(int level) {
  if (level == 0) return &adapt_kernels_baseline;
#if defined(__x86_64__)
  if (level == 1 && has_v3()) return &adapt_kernels_v3;
  if (level == 2 && has_v3() && has_v4()) return &adapt_kernels_v4;
#endif
  return NULL;
}
