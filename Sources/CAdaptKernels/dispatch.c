#include "adapt_kernels.h"

extern const struct adapt_kernels adapt_kernels_baseline;
#if defined(__x86_64__)
extern const struct adapt_kernels adapt_kernels_v3;
extern const struct adapt_kernels adapt_kernels_v4;
#endif

const struct adapt_kernels *adapt_kernels_at(int level) {
  if (level == 0) return &adapt_kernels_baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (level == 1 && __builtin_cpu_supports("x86-64-v3")) return &adapt_kernels_v3;
  if (level == 2 && __builtin_cpu_supports("x86-64-v4")) return &adapt_kernels_v4;
#endif
  return NULL;
}
