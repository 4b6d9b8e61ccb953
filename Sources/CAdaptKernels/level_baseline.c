// What every processor of the build's architecture has: SSE2, or NEON.
#include <math.h>
#include <string.h>

#include "adapt_kernels.h"

#define ADAPT_W 4
#if defined(__aarch64__)
#define ADAPT_TILE 8
#else
#define ADAPT_TILE 4
#endif
#define ADAPT_LEVEL 0
#define ADAPT_TABLE adapt_kernels_baseline
#include "body/table.h"
