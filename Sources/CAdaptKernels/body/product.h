// Small matrix products. Large ones go to a library; these serve attention's blocks, products
// with a few rows or columns, and everything too small to be worth a call out.

// Vectors of a tile of one row; one of two rows has half of them.
#define WIDE (ADAPT_TILE * 2)

// Adds to the sums of a tile; one question for all of them.
INLINE void add_to(const size_t rows, const size_t vectors, V s[ADAPT_TILE][WIDE], const float *add,
                   size_t step) {
  if (!add) return;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++) s[i][j] += load(add + i * step + j * W);
  }
}

// Tiles of ADAPT_TILE rows by two vectors keep their sums in registers. `from`, where it is not NULL,
// holds the sums so far; `add`, where it is not, what is added to them, whose row `at` is the tile's first.
INLINE void tile(const size_t rows, const size_t vectors, const float *a, size_t a_row,
                 size_t a_column, const float *b, size_t b_row, const float *from,
                 size_t from_row, float *c, size_t c_row, size_t k,
                 const struct adapt_addend *add, size_t at) {
  V s[ADAPT_TILE][WIDE];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++)
      s[i][j] = from ? load(from + i * from_row + j * W) : splat(0);
  }
  for (size_t p = 0; p < k; p++) {
    V row[WIDE];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++) row[j] = load(b + p * b_row + j * W);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      V x = splat(a[i * a_row + p * a_column]);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < vectors; j++) s[i][j] += x * row[j];
    }
  }
  if (add) {
    add_to(rows, vectors, s, add->row, 0);
    add_to(rows, vectors, s, add->rows ? add->rows + at * add->step : NULL, add->step);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++) store(c + i * c_row + j * W, s[i][j]);
  }
}

#define TILE_CASE(rows)                                                                    \
  case rows:                                                                               \
    tile(rows, vectors, a, a_row, a_column, b, b_row, from, from_row, c, c_row, k, add, at); \
    break;

// One panel of `vectors` vectors' width, all m rows.
#define PANEL(name, vectors_)                                                              \
  static void name(const float *a, size_t a_row, size_t a_column, const float *b,          \
                   size_t b_row, const float *from, size_t from_row, float *c,             \
                   size_t c_row, size_t m, size_t k, const struct adapt_addend *add) {     \
    enum { vectors = vectors_ };                                                           \
    size_t at = 0;                                                                         \
    for (; m >= ADAPT_TILE; m -= ADAPT_TILE) {                                             \
      tile(ADAPT_TILE, vectors, a, a_row, a_column, b, b_row, from, from_row, c, c_row, k, \
           add, at);                                                                       \
      a += ADAPT_TILE * a_row;                                                             \
      if (from) from += ADAPT_TILE * from_row;                                             \
      c += ADAPT_TILE * c_row;                                                             \
      at += ADAPT_TILE;                                                                    \
    }                                                                                      \
    switch (m) { TILE_REMAINDERS }                                                         \
  }

#if ADAPT_TILE == 8
#define TILE_REMAINDERS \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)
#else
#define TILE_REMAINDERS TILE_CASE(1) TILE_CASE(2) TILE_CASE(3)
#endif

PANEL(panel_two, 2)
PANEL(panel_one, 1)

// One or two rows have too few sums to hide the latency of an addition, and reading a narrow
// panel of B is slow: take wide ones.
static void panel_wide(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                       const float *from, float *c, size_t c_row, size_t m, size_t k) {
  if (m == 1)
    tile(1, WIDE, a, a_row, a_column, b, b_row, from, c_row, c, c_row, k, NULL, 0);
  else
    tile(2, WIDE / 2, a, a_row, a_column, b, b_row, from, c_row, c, c_row, k, NULL, 0);
}

#define DEPTH ((size_t)256)

// The last n < W columns: the columns of B are copied with zeros behind, C goes through a tile.
static void panel_part(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                       float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  float packed[256 * ADAPT_W], result[ADAPT_TILE * ADAPT_W];
  for (size_t p = 0; p < k; p++) store(packed + p * W, load_part(b + p * b_row, n, 0));
  for (size_t i = 0; i < m; i += ADAPT_TILE) {
    size_t rows = m - i < ADAPT_TILE ? m - i : ADAPT_TILE;
    panel_one(a + i * a_row, a_row, a_column, packed, W, NULL, 0, result, W, rows, k,
              NULL);
    for (size_t r = 0; r < rows; r++) {
      V s = load(result + r * W);
      float *to = c + (i + r) * c_row;
      store_part(to, accumulate ? load_part(to, n, 0) + s : s, n);
    }
  }
}

static void product(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                    float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  for (size_t p = 0; p < k; p += DEPTH, accumulate = 1) {
    size_t depth = k - p < DEPTH ? k - p : DEPTH, j = 0;
    const float *ap = a + p * a_column, *bp = b + p * b_row;
    size_t wide = WIDE / m * W;
#define FROM (accumulate ? c + j : NULL)
    if (m <= 2)
      for (; j + wide <= n; j += wide)
        panel_wide(ap, a_row, a_column, bp + j, b_row, FROM, c + j, c_row, m, depth);
    for (; j + 2 * W <= n; j += 2 * W)
      panel_two(ap, a_row, a_column, bp + j, b_row, FROM, c_row, c + j, c_row, m, depth, NULL);
    for (; j + W <= n; j += W)
      panel_one(ap, a_row, a_column, bp + j, b_row, FROM, c_row, c + j, c_row, m, depth, NULL);
#undef FROM
    if (j < n)
      panel_part(ap, a_row, a_column, bp + j, b_row, c + j, c_row, m, n - j, depth, accumulate);
  }
}

// `rows` by `columns` dot products at once share their loads.
INLINE void dots(const size_t rows, const size_t columns, const float *a, size_t a_row,
                 const float *b, size_t b_row, float *c, size_t c_row, size_t k, int accumulate) {
  V s[4][4];
  size_t p = 0;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < columns; j++) s[i][j] = splat(0);
  }
  for (; p < k; p += W) {
    V x[4], y[4];
    size_t left = k - p;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++)
      x[i] = left >= W ? load(a + i * a_row + p) : load_part(a + i * a_row + p, left, 0);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < columns; j++)
      y[j] = left >= W ? load(b + j * b_row + p) : load_part(b + j * b_row + p, left, 0);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
      for (size_t j = 0; j < columns; j++) s[i][j] += x[i] * y[j];
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < columns; j++) {
      float t = lanes_sum(s[i][j]);
      float *to = c + i * c_row + j;
      *to = accumulate ? *to + t : t;
    }
  }
}

#define DOTS(rows, columns)                                                                \
  for (; j + columns <= n; j += columns)                                                   \
    dots(rows, columns, a + i * a_row, a_row, b + j * b_row, b_row, c + i * c_row + j, c_row, \
         k, accumulate);

static void product_dot(const float *a, size_t a_row, const float *b, size_t b_row, float *c,
                        size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    size_t j = 0;
#if ADAPT_TILE == 8
    DOTS(4, 4)
#endif
    DOTS(4, 2)
    DOTS(4, 1)
  }
  for (; i + 2 <= m; i += 2) {
    size_t j = 0;
    DOTS(2, 4)
    DOTS(2, 1)
  }
  for (; i < m; i++) {
    size_t j = 0;
    DOTS(1, 4)
    DOTS(1, 1)
  }
}

typedef float Four __attribute__((ext_vector_type(4)));

INLINE Four load_four(const float *p) {
  Four v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store_four(float *p, Four v) { memcpy(p, &v, sizeof v); }

INLINE void transpose_four(const float *src, size_t from, float *dst, size_t to) {
  Four a = load_four(src), b = load_four(src + from);
  Four c = load_four(src + 2 * from), d = load_four(src + 3 * from);
  Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  Four ef = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  Four gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store_four(dst, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store_four(dst + to, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store_four(dst + 2 * to, __builtin_shufflevector(ef, gh, 0, 1, 4, 5));
  store_four(dst + 3 * to, __builtin_shufflevector(ef, gh, 2, 3, 6, 7));
}

static void transpose(const float *src, size_t src_stride, float *dst, size_t dst_stride,
                      size_t rows, size_t columns) {
  size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (size_t c = 0; c < whole_columns; c += 4)
    for (size_t r = 0; r < whole_rows; r += 4)
      transpose_four(src + r * src_stride + c, src_stride, dst + c * dst_stride + r, dst_stride);
  for (size_t c = whole_columns; c < columns; c++)
    for (size_t r = 0; r < whole_rows; r++) dst[c * dst_stride + r] = src[r * src_stride + c];
  for (size_t r = whole_rows; r < rows; r++)
    for (size_t c = 0; c < columns; c++) dst[c * dst_stride + r] = src[r * src_stride + c];
}
