// x86-64-v3: AVX2 and FMA.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "adapt_kernels.h"

#define ADAPT_W 8
#define ADAPT_TILE 4
#define ADAPT_LEVEL 1
#define ADAPT_TABLE adapt_kernels_v3
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#include "body/table.h"
#pragma clang attribute pop
#endif
