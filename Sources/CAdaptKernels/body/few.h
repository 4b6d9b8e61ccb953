// Products of a few rows with a matrix that is read from memory: a step of decoding. The matrix is
// read once, in the order it lies in, FEW rows of it at a time; the sums stay in the nearest cache.

#define FEW ((size_t)8)
// The same for one row of A, which needs fewer registers, while the rows of B are shorter than a page:
// reading ahead ends with a row, and rows a page apart share a place in the cache.
#define FEW_ONE ((size_t)16)
#define FEW_PAGE ((size_t)1024)
// Floats of C that are worked on at once.
#define FEW_SUMS ((size_t)4096)

// One vector of C's columns: adds `depth` rows of B, each times its element of a row of A.
INLINE V few_sum(V s, const size_t depth, const float *a, size_t a_column, const V *row) {
  V odd = splat(0);
#pragma clang loop unroll(full)
  for (size_t p = 0; p < depth; p += 2) {
    s += splat(a[p * a_column]) * row[p];
    if (p + 1 < depth) odd += splat(a[(p + 1) * a_column]) * row[p + 1];
  }
  return s + odd;
}

// Of one row of A, whose elements stay in registers.
INLINE void few_one(const size_t depth, const float *a, size_t a_column, const float *b, size_t b_row,
                    float *sums, size_t n) {
  V x[FEW_ONE];
  size_t j = 0;
#pragma clang loop unroll(full)
  for (size_t p = 0; p < depth; p++) x[p] = splat(a[p * a_column]);
  for (; j + W <= n; j += W) {
    V s = load(sums + j), odd = splat(0);
#pragma clang loop unroll(full)
    for (size_t p = 0; p < depth; p += 2) {
      s += x[p] * load(b + p * b_row + j);
      if (p + 1 < depth) odd += x[p + 1] * load(b + (p + 1) * b_row + j);
    }
    store(sums + j, s + odd);
  }
  for (; j < n; j++)
    for (size_t p = 0; p < depth; p++) sums[j] += a[p * a_column] * b[p * b_row + j];
}

// Of a few rows of A.
INLINE void few_step(const size_t depth, const float *a, size_t a_row, size_t a_column,
                     const float *b, size_t b_row, float *sums, size_t stride, size_t m, size_t n) {
  if (m == 1) return few_one(depth, a, a_column, b, b_row, sums, n);
  size_t j = 0;
  V row[FEW];
  for (; j + W <= n; j += W) {
#pragma clang loop unroll(full)
    for (size_t p = 0; p < depth; p++) {
      row[p] = load(b + p * b_row + j);
      // The rows behind these; the address may lie behind the last, which a prefetch does not mind.
      __builtin_prefetch((const void *)((uintptr_t)b + ((depth + p) * b_row + j) * sizeof(float)));
    }
    for (size_t i = 0; i < m; i++) {
      float *to = sums + i * stride + j;
      store(to, few_sum(load(to), depth, a + i * a_row, a_column, row));
    }
  }
  if (j == n) return;
#pragma clang loop unroll(full)
  for (size_t p = 0; p < depth; p++) row[p] = load_part(b + p * b_row + j, n - j, 0);
  for (size_t i = 0; i < m; i++) {
    float *to = sums + i * stride + j;
    store(to, few_sum(load(to), depth, a + i * a_row, a_column, row));
  }
}

// The columns of one panel: sums stand in rows that do not fall into one another's place in the cache.
static void few_panel(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                      float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  float sums[FEW_SUMS + 2 * 16 * W];
  size_t stride = (n + W - 1) / W * W + W, p = 0;
  for (size_t i = 0; i < m; i++) {
    memset(sums + i * stride, 0, stride * sizeof(float));
    if (accumulate) memcpy(sums + i * stride, c + i * c_row, n * sizeof(float));
  }
  for (; m == 1 && b_row < FEW_PAGE && p + FEW_ONE <= k; p += FEW_ONE)
    few_one(FEW_ONE, a + p * a_column, a_column, b + p * b_row, b_row, sums, n);
  for (; p + FEW <= k; p += FEW)
    few_step(FEW, a + p * a_column, a_row, a_column, b + p * b_row, b_row, sums, stride, m, n);
  for (; p < k; p++)
    few_step(1, a + p * a_column, a_row, a_column, b + p * b_row, b_row, sums, stride, m, n);
  for (size_t i = 0; i < m; i++) memcpy(c + i * c_row, sums + i * stride, n * sizeof(float));
}

static void product_few(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                        float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  size_t width = FEW_SUMS / m / W * W;
  for (size_t j = 0; j < n; j += width)
    few_panel(a, a_row, a_column, b + j, b_row, c + j, c_row, m, n - j < width ? n - j : width, k,
              accumulate);
}
