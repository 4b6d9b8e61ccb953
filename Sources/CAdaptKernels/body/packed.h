// Products with a matrix that was laid out for them: panels of two vectors' width, one behind the
// other, whose rows follow each other without gaps. What lies far apart in B would fall into the
// same places of a cache.

#define PANEL_WIDTH ((size_t)(2 * ADAPT_W))
// Rows of a panel and of A that are worked on at once: together they stay in the caches.
#define PACKED_DEPTH ((size_t)512)
#define PACKED_ROWS 128

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

// What is added to a block of C further on.
INLINE struct adapt_addend addend_at(struct adapt_addend add, size_t row, size_t column) {
  if (add.row) add.row += column;
  if (add.rows) add.rows += row * add.step + column;
  return add;
}

// The columns of one panel. Sums that are not complete stay near, so that what is added may lie in C.
static void packed_panel(const float *a, size_t a_row, const float *panel, float *c, size_t c_row,
                         size_t m, size_t n, size_t k, const struct adapt_addend *add) {
  float sums[PACKED_ROWS * PANEL_WIDTH];
  for (size_t p = 0; p < k; p += PACKED_DEPTH) {
    size_t depth = k - p < PACKED_DEPTH ? k - p : PACKED_DEPTH;
    const float *from = p > 0 ? sums : NULL, *b = panel + p * PANEL_WIDTH;
    if (p + depth == k && n == PANEL_WIDTH)
      panel_two(a + p, a_row, 1, b, PANEL_WIDTH, from, PANEL_WIDTH, c, c_row, m, depth, add);
    else
      panel_two(a + p, a_row, 1, b, PANEL_WIDTH, from, PANEL_WIDTH, sums, PANEL_WIDTH, m, depth,
                NULL);
  }
  if (n == PANEL_WIDTH) return;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      float sum = sums[i * PANEL_WIDTH + j];
      if (add->row) sum += add->row[j];
      c[i * c_row + j] = add->rows ? sum + add->rows[i * add->step + j] : sum;
    }
}

static void product_packed(const float *a, size_t a_row, const float *b, float *c, size_t c_row,
                           size_t m, size_t n, size_t k, struct adapt_addend add) {
  for (size_t i = 0; i < m; i += PACKED_ROWS) {
    size_t rows = m - i < PACKED_ROWS ? m - i : PACKED_ROWS;
    for (size_t j = 0; j < n; j += PANEL_WIDTH) {
      const struct adapt_addend here = addend_at(add, i, j);
      packed_panel(a + i * a_row, a_row, b + j * k, c + i * c_row + j, c_row, rows,
                   n - j < PANEL_WIDTH ? n - j : PANEL_WIDTH, k, &here);
    }
  }
}
