// Products with a matrix that was laid out for them: panels of two vectors' width, one behind the
// other, whose rows follow each other without gaps. What lies far apart in B would fall into the
// same places of a cache.

#define PANEL_WIDTH (2 * W)
// Rows of a panel and of A that are worked on at once: together they stay in the caches.
#define PACKED_DEPTH ((size_t)512)
#define PACKED_ROWS ((size_t)128)

static size_t packed_size(size_t n, size_t k) {
  return (n + PANEL_WIDTH - 1) / PANEL_WIDTH * PANEL_WIDTH * k;
}

static void pack_panel(const float *b, size_t b_row, size_t b_column, float *to, size_t n, size_t k) {
  if (n < PANEL_WIDTH) memset(to, 0, k * PANEL_WIDTH * sizeof(float));
  if (b_column != 1) return transpose(b, b_column, to, PANEL_WIDTH, n, k);
  for (size_t p = 0; p < k; p++) memcpy(to + p * PANEL_WIDTH, b + p * b_row, n * sizeof(float));
}

static void pack(const float *b, size_t b_row, size_t b_column, float *to, size_t n, size_t k) {
  for (size_t j = 0; j < n; j += PANEL_WIDTH) {
    size_t width = n - j < PANEL_WIDTH ? n - j : PANEL_WIDTH;
    pack_panel(b + j * b_column, b_row, b_column, to + j * k, width, k);
  }
}

// A panel of fewer columns: C goes through a tile.
static void packed_part(const float *a, size_t a_row, const float *panel, float *c, size_t c_row,
                        size_t m, size_t n, size_t k, int accumulate) {
  float result[ADAPT_TILE * 2 * ADAPT_W];
  for (size_t i = 0; i < m; i += ADAPT_TILE) {
    size_t rows = m - i < ADAPT_TILE ? m - i : ADAPT_TILE;
    panel_two(a + i * a_row, a_row, 1, panel, PANEL_WIDTH, result, PANEL_WIDTH, rows, k, 0);
    for (size_t r = 0; r < rows; r++) {
      float *to = c + (i + r) * c_row;
      for (size_t j = 0; j < n; j++)
        to[j] = accumulate ? to[j] + result[r * PANEL_WIDTH + j] : result[r * PANEL_WIDTH + j];
    }
  }
}

static void packed_block(const float *a, size_t a_row, const float *b, float *c, size_t c_row,
                         size_t m, size_t n, size_t k, size_t from, size_t depth, int accumulate) {
  size_t j = 0;
  for (; j + PANEL_WIDTH <= n; j += PANEL_WIDTH)
    panel_two(a + from, a_row, 1, b + j * k + from * PANEL_WIDTH, PANEL_WIDTH, c + j, c_row, m,
              depth, accumulate);
  if (j < n)
    packed_part(a + from, a_row, b + j * k + from * PANEL_WIDTH, c + j, c_row, m, n - j, depth,
                accumulate);
}

static void product_packed(const float *a, size_t a_row, const float *b, float *c, size_t c_row,
                           size_t m, size_t n, size_t k, int accumulate) {
  for (size_t i = 0; i < m; i += PACKED_ROWS) {
    size_t rows = m - i < PACKED_ROWS ? m - i : PACKED_ROWS;
    for (size_t p = 0; p < k; p += PACKED_DEPTH)
      packed_block(a + i * a_row, a_row, b, c + i * c_row, c_row, rows, n, k, p,
                   k - p < PACKED_DEPTH ? k - p : PACKED_DEPTH, accumulate || p > 0);
  }
}
