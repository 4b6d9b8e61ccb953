// x86-64-v4: AVX-512. Without min_vector_width the compiler halves every vector.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "adapt_kernels.h"

#define ADAPT_W 16
#define ADAPT_TILE 8
#define ADAPT_LEVEL 2
#define ADAPT_TABLE adapt_kernels_v4
#define ADAPT_SCALE_BY_POWER(y, n) ((V)_mm512_scalef_ps((__m512)(y), (__m512)(n)))
#define ADAPT_LANES(n) ((__mmask16)((1u << (n)) - 1u))
#define ADAPT_LOAD_PART(p, n, rest) \
  ((V)_mm512_mask_loadu_ps(_mm512_set1_ps(rest), ADAPT_LANES(n), (p)))
#define ADAPT_STORE_PART(p, v, n) _mm512_mask_storeu_ps((p), ADAPT_LANES(n), (__m512)(v))
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#pragma clang attribute push(__attribute__((min_vector_width(512))), apply_to = function)
#include "body/table.h"
#pragma clang attribute pop
#pragma clang attribute pop
#endif
