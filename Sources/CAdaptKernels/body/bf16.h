// Products of numbers rounded to bfloat16, summed in float: twice the rate where the processor
// multiplies pairs (AVX512-BF16), the same numbers everywhere else.
//
// A pair is one 32-bit lane: the elements of terms 2q and 2q + 1 of a sum, the first in the lower half.
// Needs: DOT_PAIRS(sum, a, b), vectors of pairs.

#define PAIRS_DEPTH ((size_t)256)  // pairs of a panel that are worked on at once
#define PAIRS_ROWS ((size_t)64)

// To the nearest bfloat16, halves to even, in the upper half of the lane; a NaN stays one.
INLINE U rounded(V x) {
  U bits = (U)x;
  U near = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  I number = x == x;
  return ((U)number & near) | (~(U)number & (bits | 0x400000u) & 0xffff0000u);
}

INLINE U pair_of(V low, V high) { return (rounded(low) >> 16) | rounded(high); }

INLINE void store_pairs(uint32_t *p, U v) { memcpy(p, &v, sizeof v); }

// Two rows of n numbers, one above the other; without a second row its numbers are 0.
static void pair_rows(const float *low, const float *high, uint32_t *to, size_t n) {
  size_t j = 0;
  for (; j + W <= n; j += W)
    store_pairs(to + j, pair_of(load(low + j), high ? load(high + j) : splat(0)));
  if (j == n) return;
  float rest[2][ADAPT_W] = {{0}};
  uint32_t pairs[ADAPT_W];
  memcpy(rest[0], low + j, (n - j) * sizeof(float));
  if (high) memcpy(rest[1], high + j, (n - j) * sizeof(float));
  store_pairs(pairs, pair_of(load(rest[0]), load(rest[1])));
  memcpy(to + j, pairs, (n - j) * sizeof(uint32_t));
}

typedef uint64_t Both __attribute__((ext_vector_type(ADAPT_W / 2)));
typedef uint32_t Half __attribute__((ext_vector_type(ADAPT_W / 2)));

INLINE void store_neighbours(uint32_t *to, V x) {
  Both both = (Both)rounded(x);
  Half pairs = __builtin_convertvector(((both >> 16) & 0xffffu) | ((both >> 32) & 0xffff0000u), Half);
  memcpy(to, &pairs, sizeof pairs);
}

// A row of k numbers as pairs of neighbours.
static void pair_neighbours(const float *from, uint32_t *to, size_t k) {
  size_t p = 0;
  for (; p + W <= k; p += W) store_neighbours(to + p / 2, load(from + p));
  if (p == k) return;
  float rest[ADAPT_W] = {0};
  uint32_t pairs[ADAPT_W / 2];
  memcpy(rest, from + p, (k - p) * sizeof(float));
  store_neighbours(pairs, load(rest));
  memcpy(to + p / 2, pairs, (k - p + 1) / 2 * sizeof(uint32_t));
}

static size_t packed_pairs_size(size_t n, size_t k) { return packed_size(n, (k + 1) / 2); }

static void pack_pairs_panel(const float *b, size_t b_row, size_t b_column, uint32_t *to, size_t n,
                             size_t k) {
  if (n < PANEL_WIDTH) memset(to, 0, (k + 1) / 2 * PANEL_WIDTH * sizeof(uint32_t));
  if (b_column == 1) {
    for (size_t p = 0; p < k; p += 2)
      pair_rows(b + p * b_row, p + 1 < k ? b + (p + 1) * b_row : NULL, to + p / 2 * PANEL_WIDTH, n);
    return;
  }
  uint32_t column[256];
  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < k; p += 512) {
      size_t depth = k - p < 512 ? k - p : 512;
      pair_neighbours(b + j * b_column + p, column, depth);
      for (size_t q = 0; q < (depth + 1) / 2; q++)
        to[(p / 2 + q) * PANEL_WIDTH + j] = column[q];
    }
}

static void pack_pairs(const float *b, size_t b_row, size_t b_column, uint32_t *to, size_t n,
                       size_t k) {
  for (size_t j = 0; j < n; j += PANEL_WIDTH) {
    size_t width = n - j < PANEL_WIDTH ? n - j : PANEL_WIDTH;
    pack_pairs_panel(b + j * b_column, b_row, b_column, to + j * ((k + 1) / 2), width, k);
  }
}

// A block of A as pairs: rows behind one another, or, of a transposed A, pairs of its rows.
struct pairs_block {
  uint32_t pairs[64 * 256];
  size_t row, column;
};

static void take_block(struct pairs_block *block, const float *a, size_t a_row, size_t a_column,
                       size_t rows, size_t k) {
  size_t pairs = (k + 1) / 2;
  block->row = a_column == 1 ? pairs : 1;
  block->column = a_column == 1 ? 1 : rows;
  if (a_column == 1)
    for (size_t i = 0; i < rows; i++) pair_neighbours(a + i * a_row, block->pairs + i * pairs, k);
  else
    for (size_t p = 0; p < k; p += 2)
      pair_rows(a + p * a_column, p + 1 < k ? a + (p + 1) * a_column : NULL,
                block->pairs + p / 2 * rows, rows);
}

INLINE void pairs_tile(const size_t rows, const uint32_t *a, size_t a_row, size_t a_column,
                       const uint32_t *b, float *c, size_t c_row, size_t pairs, int accumulate) {
  V s[ADAPT_TILE][2];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 2; j++) s[i][j] = accumulate ? load(c + i * c_row + j * W) : splat(0);
  }
  for (size_t q = 0; q < pairs; q++) {
    U row[2];
    memcpy(row, b + q * PANEL_WIDTH, sizeof row);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      U x = (U)(a[i * a_row + q * a_column]);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < 2; j++) s[i][j] = DOT_PAIRS(s[i][j], x, row[j]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 2; j++) store(c + i * c_row + j * W, s[i][j]);
  }
}

// Rows of a panel; of fewer columns C goes through a tile.
static void pairs_panel(const struct pairs_block *a, const uint32_t *b, float *c, size_t c_row,
                        size_t m, size_t n, size_t pairs, int accumulate) {
  for (size_t i = 0; i < m;) {
    const uint32_t *from = a->pairs + i * a->row;
    size_t rows = m - i < ADAPT_TILE ? 1 : ADAPT_TILE;
    float result[ADAPT_TILE * 2 * ADAPT_W], *to = c + i * c_row;
    size_t to_row = c_row;
    if (n < PANEL_WIDTH) {
      for (size_t r = 0; r < rows; r++) memcpy(result + r * PANEL_WIDTH, to + r * c_row, n * 4);
      (to = result), (to_row = PANEL_WIDTH);
    }
    if (rows == 1)
      pairs_tile(1, from, a->row, a->column, b, to, to_row, pairs, accumulate);
    else
      pairs_tile(ADAPT_TILE, from, a->row, a->column, b, to, to_row, pairs, accumulate);
    if (n < PANEL_WIDTH)
      for (size_t r = 0; r < rows; r++)
        memcpy(c + (i + r) * c_row, result + r * PANEL_WIDTH, n * 4);
    i += rows;
  }
}

static void product_pairs(const float *a, size_t a_row, size_t a_column, const uint32_t *b, float *c,
                          size_t c_row, size_t m, size_t n, size_t k, int accumulate) {
  struct pairs_block block;
  for (size_t i = 0; i < m; i += PAIRS_ROWS) {
    size_t rows = m - i < PAIRS_ROWS ? m - i : PAIRS_ROWS;
    for (size_t p = 0; p < k; p += 2 * PAIRS_DEPTH) {
      size_t depth = k - p < 2 * PAIRS_DEPTH ? k - p : 2 * PAIRS_DEPTH;
      take_block(&block, a + i * a_row + p * a_column, a_row, a_column, rows, depth);
      for (size_t j = 0; j < n; j += PANEL_WIDTH)
        pairs_panel(&block, b + j * ((k + 1) / 2) + p / 2 * PANEL_WIDTH, c + i * c_row + j, c_row,
                    rows, n - j < PANEL_WIDTH ? n - j : PANEL_WIDTH, (depth + 1) / 2,
                    accumulate || p > 0);
    }
  }
}
