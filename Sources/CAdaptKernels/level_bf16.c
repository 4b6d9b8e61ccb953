// What AVX512-BF16 does better than x86-64-v4 alone.
#include <stddef.h>
#include "adapt_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ADAPT_W 16
#define ADAPT_TILE 8
#define DOT_PAIRS(sum, a, b) ((V)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b)))
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512bf16"))), apply_to = function)
#pragma clang attribute push(__attribute__((min_vector_width(512))), apply_to = function)
#pragma clang fp contract(fast)
// Of the bodies one function is taken.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#include "body/vector.h"
#include "body/product.h"
#include "body/packed.h"
#include "body/bf16.h"
#pragma clang diagnostic pop
#pragma clang attribute pop
#pragma clang attribute pop

static int has_bf16(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16");
}

int adapt_multiply_pairs(struct adapt_kernels *kernels) {
  if (kernels->level != 2 || !has_bf16()) return 0;
  kernels->product_pairs = product_pairs;
  return 1;
}
#else
int adapt_multiply_pairs(struct adapt_kernels *kernels) {
  (void)kernels;
  return 0;
}
#endif
