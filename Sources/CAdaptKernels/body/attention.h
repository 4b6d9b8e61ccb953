// Attention of one segment and one head, a block of queries at a time: scores of the block
// against the keys it may see, softmax, product with the values. The gradient computes the
// scores again (Dao et al. 2022, FlashAttention, algorithm 4) and so needs only the logarithm
// of each row's sum. Scratch is linear in the number of rows.

#define QUERIES ((size_t)16)

INLINE size_t padded(size_t n) { return (n + W - 1) / W * W; }

static size_t attention_scratch(size_t rows, size_t head_size, int gradient) {
  return (gradient ? 2 : 1) * padded(rows) * (head_size + QUERIES);
}

// seen[i] = how many keys query first + i may see; positions ascend, so they are a prefix.
// Returns the largest of them.
INLINE size_t count_seen(const struct adapt_attention *s, size_t first, size_t queries,
                         size_t *seen) {
  size_t n = 0;
  for (size_t i = 0; i < queries; i++) {
    size_t row = first + i;
    if (!s->causal) {
      n = s->rows;
    } else {
      if (n < row + 1) n = row + 1;
      while (n < s->rows && s->positions[n] <= s->positions[row]) n++;
    }
    seen[i] = n;
  }
  return n;
}

// x [rows, head_size] of one head, transposed, with zeros up to a whole vector.
INLINE void pack_head(const float *x, size_t stride, float *packed, size_t rows, size_t head_size) {
  size_t to = padded(rows);
  transpose(x, stride, packed, to, rows, head_size);
  for (size_t d = 0; d < head_size; d++)
    for (size_t r = rows; r < to; r++) packed[d * to + r] = 0;
}

INLINE I lanes_below(size_t n) {
  I lane;
  for (int l = 0; l < ADAPT_W; l++) lane[l] = l;
  return lane < (int32_t)n;
}

// scores[0..<seen] becomes exp(scale (score - max)), the rest up to `width` 0.
// Returns the sum, and the max in *top.
INLINE float weigh(float *scores, size_t seen, size_t width, float scale, float *top) {
  size_t whole = seen / W * W, i = 0;
  V m = splat(-INFINITY), total = splat(0);
  I last = lanes_below(seen - whole);
  for (; i < whole; i += W) m = maximum_of(load(scores + i), m);
  if (whole < seen) m = maximum_of(choose(last, load(scores + whole), splat(-INFINITY)), m);
  *top = lanes_max(m);
  float shift = *top * scale;
  for (i = 0; i < whole; i += W) {
    V e = exp_of(load(scores + i) * scale - shift);
    store(scores + i, e);
    total += e;
  }
  if (whole < seen) {
    V e = choose(last, exp_of(load(scores + i) * scale - shift), splat(0));
    store(scores + i, e);
    total += e;
    i += W;
  }
  for (; i < width; i += W) store(scores + i, splat(0));
  return lanes_sum(total);
}

static void attention(const struct adapt_attention *s, float *o, float *lse, size_t first,
                      size_t last, float *scratch) {
  size_t stride = s->heads * s->head_size, at = s->head * s->head_size, size = s->head_size;
  size_t seen[QUERIES], length = padded(s->rows);
  float scale = 1.0f / sqrtf((float)size);
  float *keys = scratch, *scores = scratch + length * size;
  pack_head(s->k + at, stride, keys, s->rows, size);
  for (size_t q = first; q < last; q += QUERIES) {
    size_t queries = last - q < QUERIES ? last - q : QUERIES;
    size_t most = count_seen(s, q, queries, seen), width = padded(most);
    float *out = o + q * stride + at;
    product(s->q + q * stride + at, stride, 1, keys, length, scores, length, queries, width, size, 0);
    float total[QUERIES];
    for (size_t i = 0; i < queries; i++) {
      float top;
      total[i] = weigh(scores + i * length, seen[i], width, scale, &top);
      lse[(q + i) * s->heads + s->head] = top * scale + logf(total[i]);
    }
    product(scores, length, 1, s->v + at, stride, out, stride, queries, size, most, 0);
    for (size_t i = 0; i < queries; i++)
      row_scale(out + i * stride, out + i * stride, size, 1.0f / total[i]);
  }
}

// p = exp(scale score - lse) and ds = p (dp - along) scale, in place of scores and dp.
INLINE void weigh_gradient(float *scores, float *dp, size_t seen, size_t width, float scale,
                           float lse, float along) {
  size_t whole = seen / W * W, i = 0;
  for (; i < whole; i += W) {
    V p = exp_of(load(scores + i) * scale - lse);
    store(scores + i, p);
    store(dp + i, p * (load(dp + i) - along) * scale);
  }
  if (whole < seen) {
    I last = lanes_below(seen - whole);
    V p = choose(last, exp_of(load(scores + i) * scale - lse), splat(0));
    store(scores + i, p);
    store(dp + i, choose(last, p * (load(dp + i) - along) * scale, splat(0)));
    i += W;
  }
  for (; i < width; i += W) store(scores + i, splat(0)), store(dp + i, splat(0));
}

static void attention_gradient(const struct adapt_attention *s, const float *d_o, const float *o,
                               const float *lse, float *dq, float *dk, float *dv, float *scratch) {
  size_t stride = s->heads * s->head_size, at = s->head * s->head_size, size = s->head_size;
  size_t seen[QUERIES], length = padded(s->rows), rows = s->rows;
  float scale = 1.0f / sqrtf((float)size);
  float *keys = scratch, *values = keys + length * size;
  float *scores = values + length * size, *dp = scores + length * QUERIES;
  pack_head(s->k + at, stride, keys, rows, size);
  pack_head(s->v + at, stride, values, rows, size);
  for (size_t r = 0; r < rows; r++) {
    memset(dk + r * stride + at, 0, size * sizeof(float));
    memset(dv + r * stride + at, 0, size * sizeof(float));
  }
  for (size_t q = 0; q < rows; q += QUERIES) {
    size_t queries = rows - q < QUERIES ? rows - q : QUERIES, block = q * stride + at;
    size_t most = count_seen(s, q, queries, seen), width = padded(most);
    product(s->q + block, stride, 1, keys, length, scores, length, queries, width, size, 0);
    product(d_o + block, stride, 1, values, length, dp, length, queries, width, size, 0);
    for (size_t i = 0; i < queries; i++) {
      float along = block_dot(d_o + block + i * stride, o + block + i * stride, size);
      weigh_gradient(scores + i * length, dp + i * length, seen[i], width, scale,
                     lse[(q + i) * s->heads + s->head], along);
    }
    product(dp, length, 1, s->k + at, stride, dq + block, stride, queries, size, most, 0);
    product(dp, 1, length, s->q + block, stride, dk + at, stride, most, size, queries, 1);
    product(scores, 1, length, d_o + block, stride, dv + at, stride, most, size, queries, 1);
  }
}
