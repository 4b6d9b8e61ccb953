// Attention of one segment and one head, a block of queries at a time: scores of the block
// against the keys it may see, softmax, product with the values. The gradient computes the
// scores again (Dao et al. 2022, FlashAttention, algorithm 4) and so needs only the logarithm
// of each row's sum. Scratch is linear in the number of keys.
//
// Scores lie transposed, [keys, QUERIES]: a lane is a query, so that maxima and sums need no
// steps across lanes, and every operand of every product is read in the order it lies in.

#define QUERIES ((size_t)16)
#define QUERY_VECTORS ((size_t)(16 / ADAPT_W))

// Rows of one head are a few cache lines far apart, often at a power of two, where they fall
// into few sets of the cache. They are copied to rows of a whole number of vectors first.
INLINE size_t padded(size_t n) { return (n + W - 1) / W * W; }

static size_t attention_scratch(size_t keys, size_t head_size, int gradient) {
  size_t copies = gradient ? 4 : 2, scores = gradient ? 2 : 1, blocks = gradient ? 4 : 2;
  return padded(head_size) * (copies * keys + blocks * QUERIES) + scores * QUERIES * keys;
}

// Copies n rows of `size` floats to rows of padded(size), with zeros behind.
INLINE void copy_in(const float *x, size_t stride, float *packed, size_t n, size_t size) {
  size_t whole = size / W * W;
  for (size_t r = 0; r < n; r++, x += stride, packed += padded(size)) {
    // Short runs far apart: the processor does not see that they go on. The address may lie
    // behind the last row, which a prefetch does not mind.
    for (size_t c = 0; c < size; c += 16) 
      __builtin_prefetch((const void *)((uintptr_t)x + (24 * stride + c) * sizeof(float)));
    for (size_t c = 0; c < whole; c += W) store(packed + c, load(x + c));
    if (whole < size) store(packed + whole, load_part(x + whole, size - whole, 0));
  }
}

// The way back, times a factor.
INLINE void copy_out(const float *packed, float *x, size_t stride, size_t n, size_t size,
                     const float *factors) {
  size_t whole = size / W * W;
  for (size_t r = 0; r < n; r++, x += stride, packed += padded(size)) {
    float factor = factors ? factors[r] : 1.0f;
    for (size_t c = 0; c < whole; c += W) store(x + c, load(packed + c) * factor);
    if (whole < size) store_part(x + whole, load(packed + whole) * factor, size - whole);
  }
}

// Zeros for n rows of whom nothing is seen.
INLINE void clear(float *x, size_t stride, size_t n, size_t size) {
  for (size_t r = 0; r < n; r++) memset(x + r * stride, 0, size * sizeof(float));
}

// A block of queries: which they are and what they see.
struct block {
  size_t first, count;
  size_t least, most;      // the fewest and the most keys that a query of the block sees
  int32_t seen[QUERIES];   // how many keys each sees; lanes without a query see `most`
};

// How many keys a query sees, of which it sees `least` at least. Positions ascend, so they are
// the first ones.
INLINE size_t keys_seen(const struct adapt_attention *s, size_t row, size_t least) {
  if (!s->causal) return s->keys;
  size_t low = least, high = s->keys;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->key_positions[middle] <= s->positions[row]) low = middle + 1;
    else high = middle;
  }
  return low;
}

INLINE struct block block_at(const struct adapt_attention *s, size_t first, size_t last) {
  struct block b = {.first = first, .count = last - first < QUERIES ? last - first : QUERIES};
  size_t n = 0;
  for (size_t i = 0; i < b.count; i++) {
    n = keys_seen(s, first + i, n);
    if (i == 0) b.least = n;
    b.seen[i] = (int32_t)n;
  }
  for (size_t i = b.count; i < QUERIES; i++) b.seen[i] = (int32_t)n;
  b.most = n;
  return b;
}

// The block's rows of x [rows, size], transposed to [size, QUERIES], zeros where no row is.
INLINE void pack_block(const float *x, size_t stride, float *packed, size_t count, size_t size) {
  transpose(x, stride, packed, QUERIES, count, size);
  for (size_t d = 0; count < QUERIES && d < size; d++)
    for (size_t i = count; i < QUERIES; i++) packed[d * QUERIES + i] = 0;
}

INLINE I load_seen(const struct block *b, size_t vector) {
  I seen;
  memcpy(&seen, b->seen + vector * W, sizeof seen);
  return seen;
}

// The scores [most, QUERIES] become exp(scale (score - max of its column)), 0 where the query
// does not see the key. total[i] is a column's sum, lse[i] its logarithm with the max put back.
INLINE void weigh(const struct block *b, float *scores, float scale, float *total, float *lse) {
  for (size_t v = 0; v < QUERY_VECTORS; v++) {
    float *column = scores + v * W;
    I seen = load_seen(b, v);
    V top = splat(-INFINITY), sum = splat(0);
    for (size_t j = 0; j < b->least; j++) top = maximum_of(load(column + j * QUERIES), top);
    for (size_t j = b->least; j < b->most; j++) {
      V s = choose((int32_t)j < seen, load(column + j * QUERIES), splat(-INFINITY));
      top = maximum_of(s, top);
    }
    V shift = top * scale;
    for (size_t j = 0; j < b->least; j++) {
      V e = exp_of(load(column + j * QUERIES) * scale - shift);
      store(column + j * QUERIES, e);
      sum += e;
    }
    for (size_t j = b->least; j < b->most; j++) {
      V e = exp_of(load(column + j * QUERIES) * scale - shift);
      e = choose((int32_t)j < seen, e, splat(0));
      store(column + j * QUERIES, e);
      sum += e;
    }
    store(total + v * W, sum);
    store(lse + v * W, shift + log_of(sum));
  }
}

static void attention(const struct adapt_attention *s, float *o, float *lse, size_t first,
                      size_t last, float *scratch) {
  size_t stride = s->heads * s->head_size, at = s->head * s->head_size, size = s->head_size;
  size_t room = padded(size), keys = block_at(s, last - 1, last).most;
  float scale = 1.0f / sqrtf((float)size);
  float *k = scratch, *v = k + room * keys, *queries = v + room * keys;
  float *out = queries + room * QUERIES, *scores = out + room * QUERIES;
  copy_in(s->k + at, stride, k, keys, size);
  copy_in(s->v + at, stride, v, keys, size);
  for (size_t q = first; q < last; q += QUERIES) {
    struct block b = block_at(s, q, last);
    float total[QUERIES], logs[QUERIES];
    if (b.most == 0) {
      clear(o + q * stride + at, stride, b.count, size);
      clear(lse + q * s->heads + s->head, s->heads, b.count, 1);
      continue;
    }
    pack_block(s->q + q * stride + at, stride, queries, b.count, size);
    product(k, room, 1, queries, QUERIES, scores, QUERIES, b.most, QUERIES, size, 0);
    weigh(&b, scores, scale, total, logs);
    product(scores, 1, QUERIES, v, room, out, room, b.count, room, b.most, 0);
    for (size_t i = 0; i < b.count; i++) {
      // Who sees nothing gets zeros.
      total[i] = b.seen[i] ? 1.0f / total[i] : 0.0f;
      lse[(q + i) * s->heads + s->head] = b.seen[i] ? logs[i] : 0.0f;
    }
    copy_out(out, o + q * stride + at, stride, b.count, size, total);
  }
}

// p = exp(scale score - lse) and ds = p (dp - along) scale, in place of scores and dp.
INLINE void weigh_gradient(const struct block *b, float *scores, float *dp, float scale,
                           const float *lse, const float *along) {
  for (size_t v = 0; v < QUERY_VECTORS; v++) {
    I seen = load_seen(b, v);
    V shift = load(lse + v * W), less = load(along + v * W);
    for (size_t j = 0; j < b->most; j++) {
      size_t i = j * QUERIES + v * W;
      V p = exp_of(load(scores + i) * scale - shift);
      V ds = p * (load(dp + i) - less) * scale;
      if (j >= b->least) {
        p = choose((int32_t)j < seen, p, splat(0));
        ds = choose((int32_t)j < seen, ds, splat(0));
      }
      store(scores + i, p);
      store(dp + i, ds);
    }
  }
}

static void attention_gradient(const struct adapt_attention *s, const float *d_o, const float *o,
                               const float *lse, float *dq, float *dk, float *dv, float *scratch) {
  size_t stride = s->heads * s->head_size, at = s->head * s->head_size, size = s->head_size;
  size_t room = padded(size), keys = s->keys;
  float scale = 1.0f / sqrtf((float)size);
  float *k = scratch, *v = k + room * keys, *sum_k = v + room * keys, *sum_v = sum_k + room * keys;
  float *queries = sum_v + room * keys, *packed = queries + room * QUERIES;
  float *outputs = packed + room * QUERIES, *result = outputs + room * QUERIES;
  float *scores = result + room * QUERIES, *dp = scores + keys * QUERIES;
  copy_in(s->k + at, stride, k, keys, size);
  copy_in(s->v + at, stride, v, keys, size);
  memset(sum_k, 0, 2 * room * keys * sizeof(float));
  for (size_t q = 0; q < s->rows; q += QUERIES) {
    struct block b = block_at(s, q, s->rows);
    size_t block = q * stride + at;
    float logs[QUERIES] = {0}, along[QUERIES] = {0};
    if (b.most == 0) {
      clear(dq + block, stride, b.count, size);
      continue;
    }
    for (size_t i = 0; i < b.count; i++) {
      logs[i] = lse[(q + i) * s->heads + s->head];
      along[i] = block_dot(d_o + block + i * stride, o + block + i * stride, size);
    }
    pack_block(s->q + block, stride, packed, b.count, size);
    product(k, room, 1, packed, QUERIES, scores, QUERIES, b.most, QUERIES, size, 0);
    pack_block(d_o + block, stride, packed, b.count, size);
    product(v, room, 1, packed, QUERIES, dp, QUERIES, b.most, QUERIES, size, 0);
    weigh_gradient(&b, scores, dp, scale, logs, along);
    copy_in(s->q + block, stride, queries, b.count, size);
    copy_in(d_o + block, stride, outputs, b.count, size);
    product(dp, 1, QUERIES, k, room, result, room, b.count, room, b.most, 0);
    product(dp, QUERIES, 1, queries, room, sum_k, room, b.most, room, b.count, 1);
    product(scores, QUERIES, 1, outputs, room, sum_v, room, b.most, room, b.count, 1);
    copy_out(result, dq + block, stride, b.count, size, NULL);
  }
  copy_out(sum_k, dk + at, stride, keys, size, NULL);
  copy_out(sum_v, dv + at, stride, keys, size, NULL);
}
