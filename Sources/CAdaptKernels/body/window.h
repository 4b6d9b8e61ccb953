// Windows over channels that do not mix: a weight for each number of a window and channel.

// y[c] = sum over a window of x[c] w[c]; rows and columns of a window lie so many floats apart.
static void window_sum(const float *x, size_t x_row, size_t x_column, const float *w, size_t w_row,
                       size_t w_column, size_t rows, size_t columns, float *y, size_t n) {
  size_t c = 0;
  for (; c + W <= n; c += W) {
    V s = splat(0);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < columns; j++)
        s += load(x + i * x_row + j * x_column + c) * load(w + i * w_row + j * w_column + c);
    store(y + c, s);
  }
  if (c == n) return;
  V s = splat(0);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      s += load_part(x + i * x_row + j * x_column + c, n - c, 0) *
           load_part(w + i * w_row + j * w_column + c, n - c, 0);
  store_part(y + c, s, n - c);
}

// to[c] += y[c] x[c] at each place of a window: a gradient of either operand.
static void window_spread(const float *y, const float *x, size_t x_row, size_t x_column, float *to,
                          size_t to_row, size_t to_column, size_t rows, size_t columns, size_t n) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < columns; j++) {
      const float *from = x + i * x_row + j * x_column;
      float *sum = to + i * to_row + j * to_column;
      size_t c = 0;
      for (; c + W <= n; c += W) store(sum + c, load(sum + c) + load(y + c) * load(from + c));
      if (c < n)
        store_part(sum + c,
                   load_part(sum + c, n - c, 0) +
                       load_part(y + c, n - c, 0) * load_part(from + c, n - c, 0),
                   n - c);
    }
  }
}
