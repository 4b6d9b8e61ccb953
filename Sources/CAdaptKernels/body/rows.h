// Loops over whole rows: sums, softmax, normalisation, the loss.
//
// Sums run in single precision over blocks of at most BLOCK elements, four vectors wide, and in
// double precision across blocks, so the error does not grow with the length.

#define BLOCK ((size_t)1024)

#define SUM_BLOCK(expression, whole, part)                    \
  V s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;                 \
  size_t i = 0;                                               \
  for (; i + 4 * W <= n; i += 4 * W) {                        \
    { size_t at = i; V x = whole; s0 += expression; }         \
    { size_t at = i + W; V x = whole; s1 += expression; }     \
    { size_t at = i + 2 * W; V x = whole; s2 += expression; } \
    { size_t at = i + 3 * W; V x = whole; s3 += expression; } \
  }                                                           \
  for (; i + W <= n; i += W) {                                \
    size_t at = i;                                            \
    V x = whole;                                              \
    s0 += expression;                                         \
  }                                                           \
  if (i < n) {                                                \
    size_t at = i, left = n - i;                              \
    V x = part;                                               \
    s1 += expression;                                         \
  }                                                           \
  return lanes_sum((s0 + s1) + (s2 + s3));

INLINE float block_sum(const float *p, size_t n) {
  SUM_BLOCK(x, load(p + at), load_part(p + at, left, 0))
}

// The sum of (p - mean)^2. The rest of the last vector is filled with the mean.
INLINE float block_square(const float *p, size_t n, float mean) {
  SUM_BLOCK(x *x, load(p + at) - mean, load_part(p + at, left, mean) - mean)
}

INLINE float block_dot(const float *p, const float *q, size_t n) {
  SUM_BLOCK(x, load(p + at) * load(q + at), load_part(p + at, left, 0) * load_part(q + at, left, 0))
}

#define BY_BLOCKS(call)                                    \
  double total = 0;                                        \
  for (size_t b = 0; b < n; b += BLOCK) {                  \
    size_t m = n - b < BLOCK ? n - b : BLOCK;              \
    total += call;                                         \
  }                                                        \
  return total;

static double sum(const float *x, size_t n) { BY_BLOCKS(block_sum(x + b, m)) }
static double row_square(const float *x, size_t n, float mean) {
  BY_BLOCKS(block_square(x + b, m, mean))
}
static double row_dot(const float *x, const float *y, size_t n) {
  BY_BLOCKS(block_dot(x + b, y + b, m))
}

// Squares are taken in double precision: they overflow a float from 1.8e19 on.
static double sum_of_squares(const float *x, size_t n) {
  D s0 = (D)(0), s1 = s0;
  size_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    D a = __builtin_convertvector(load(x + i), D), b = __builtin_convertvector(load(x + i + W), D);
    s0 += a * a;
    s1 += b * b;
  }
  double rest = 0;
  for (; i < n; i++) rest += (double)x[i] * x[i];
  s0 += s1;
  for (size_t l = 0; l < W; l++) rest += s0[l];
  return rest;
}

static ptrdiff_t first_non_finite(const float *x, size_t n) {
  for (size_t b = 0; b < n; b += BLOCK) {
    size_t m = n - b < BLOCK ? n - b : BLOCK, i = 0;
    I bad = (I)(0);
    for (; i + W <= m; i += W) bad |= ((U)load(x + b + i) & 0x7f800000u) == 0x7f800000u;
    int any = 0;
    for (size_t l = 0; l < W; l++) any |= bad[l];
    for (; i < m; i++) any |= !isfinite(x[b + i]);
    if (!any) continue;
    for (i = 0; i < m; i++)
      if (!isfinite(x[b + i])) return (ptrdiff_t)(b + i);
  }
  return -1;
}

// Four rows are added in pairs before they reach the accumulator, 64 rows before that reaches
// the total in double precision.
static void sum_rows(const float *x, size_t stride, float *out, size_t rows, size_t columns,
                     float scale) {
  enum { SLAB = 512, GROUP = 64 };
  float part[SLAB];
  double total[SLAB];
  for (size_t c0 = 0; c0 < columns; c0 += SLAB) {
    size_t n = columns - c0 < SLAB ? columns - c0 : SLAB;
    for (size_t c = 0; c < n; c++) total[c] = 0;
    for (size_t r0 = 0; r0 < rows; r0 += GROUP) {
      size_t end = rows - r0 < GROUP ? rows : r0 + GROUP, r = r0;
      for (size_t c = 0; c < n; c++) part[c] = 0;
      for (; r + 4 <= end; r += 4) {
        const float *p = x + r * stride + c0, *q = p + stride, *s = q + stride, *t = s + stride;
        size_t c = 0;
        for (; c + W <= n; c += W) {
          V four = (load(p + c) + load(q + c)) + (load(s + c) + load(t + c));
          store(part + c, load(part + c) + four);
        }
        for (; c < n; c++) part[c] += (p[c] + q[c]) + (s[c] + t[c]);
      }
      for (; r < end; r++) add_into(x + r * stride + c0, part, n);
      for (size_t c = 0; c < n; c++) total[c] += part[c];
    }
    for (size_t c = 0; c < n; c++) out[c0 + c] = (float)(scale * total[c]);
  }
}

static float row_max(const float *x, size_t n) {
  V m = splat(-INFINITY);
  size_t i = 0;
  for (; i + W <= n; i += W) m = maximum_of(load(x + i), m);
  if (i < n) m = maximum_of(load_part(x + i, n - i, -INFINITY), m);
  return lanes_max(m);
}

// y = exp(x * scale - shift); returns the sum. A NaN in x reaches the sum through exp.
INLINE double row_exp(const float *x, float *y, size_t n, float scale, float shift) {
  double total = 0;
  for (size_t b = 0; b < n; b += BLOCK) {
    size_t end = n - b < BLOCK ? n : b + BLOCK, i = b;
    V s0 = splat(0), s1 = s0;
    for (; i + 2 * W <= end; i += 2 * W) {
      V e = exp_of(load(x + i) * scale - shift), f = exp_of(load(x + i + W) * scale - shift);
      if (y) store(y + i, e), store(y + i + W, f);
      s0 += e;
      s1 += f;
    }
    for (; i < end; i += W) {
      size_t left = end - i < W ? end - i : W;
      V e = left < W ? load_part(x + i, left, -INFINITY) : load(x + i);
      e = exp_of(e * scale - shift);
      if (y && left < W) store_part(y + i, e, left);
      if (y && left == W) store(y + i, e);
      for (size_t l = left; l < W; l++) e[l] = 0;  // infinity - infinity in a padded lane
      s0 += e;
    }
    total += lanes_sum(s0 + s1);
  }
  return total;
}

// y = x * factor for a whole row. y may be x.
INLINE void row_scale(const float *x, float *y, size_t n, float factor) {
  size_t i = 0;
  for (; i + W <= n; i += W) store(y + i, load(x + i) * factor);
  for (; i < n; i++) y[i] = x[i] * factor;
}

static void softmax(const float *x, float *y, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    double s = row_exp(x, y, columns, 1.0f, row_max(x, columns));
    row_scale(y, y, columns, (float)(1.0 / s));
  }
}

static void softmax_gradient(const float *dy, const float *y, float *dx, size_t rows,
                             size_t columns) {
  for (size_t r = 0; r < rows; r++, dy += columns, y += columns, dx += columns) {
    float d = (float)row_dot(dy, y, columns);
    size_t i = 0;
    for (; i + W <= columns; i += W) store(dx + i, load(y + i) * (load(dy + i) - d));
    for (; i < columns; i++) dx[i] = y[i] * (dy[i] - d);
  }
}

static void normalize(int rms, const float *x, float *y, float *rstd, size_t rows, size_t columns,
                      float epsilon) {
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    float mean = rms ? 0 : (float)(sum(x, columns) / (double)columns);
    double variance = row_square(x, columns, mean) / (double)columns;
    float scale = (float)(1.0 / sqrt(variance + epsilon));
    rstd[r] = scale;
    size_t i = 0;
    for (; i + W <= columns; i += W) store(y + i, (load(x + i) - mean) * scale);
    for (; i < columns; i++) y[i] = (x[i] - mean) * scale;
  }
}

// dx = rstd (dy - mean(dy) - y mean(dy y)), without mean(dy) for rms.
static void normalize_gradient(int rms, const float *dy, const float *y, const float *rstd,
                               float *dx, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, dy += columns, y += columns, dx += columns) {
    float mean = rms ? 0 : (float)(sum(dy, columns) / (double)columns);
    float along = (float)(row_dot(dy, y, columns) / (double)columns), scale = rstd[r];
    size_t i = 0;
    for (; i + W <= columns; i += W)
      store(dx + i, (load(dy + i) - mean - load(y + i) * along) * scale);
    for (; i < columns; i++) dx[i] = (dy[i] - mean - y[i] * along) * scale;
  }
}

// A target outside the row gives NaN: there is no honest number for it.
static void log_loss(const float *logits, const int32_t *targets, float *loss, float *lse,
                     size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, logits += columns) {
    float m = row_max(logits, columns);
    lse[r] = (float)((double)m + log(row_exp(logits, NULL, columns, 1.0f, m)));
    int known = targets[r] >= 0 && (size_t)targets[r] < columns;
    loss[r] = known ? lse[r] - logits[targets[r]] : NAN;
  }
}

static void log_loss_gradient(const float *dloss, const float *logits, const int32_t *targets,
                              const float *lse, float *dlogits, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, logits += columns, dlogits += columns) {
    int known = targets[r] >= 0 && (size_t)targets[r] < columns;
    float d = known ? dloss[r] : NAN;
    size_t i = 0;
    for (; i + W <= columns; i += W) store(dlogits + i, exp_of(load(logits + i) - lse[r]) * d);
    if (i < columns) {
      V p = exp_of(load_part(logits + i, columns - i, 0) - lse[r]);
      store_part(dlogits + i, p * d, columns - i);
    }
    if (known) dlogits[targets[r]] -= d;
  }
}
