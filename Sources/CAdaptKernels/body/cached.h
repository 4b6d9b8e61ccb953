// Attention of one query over keys and values that lie row behind row: what a step of decoding does.
// Nothing is packed, since every key is read once.

// The scores become exp(scale (score - max)); returns their sum, and the shift in `shift`.
INLINE float weigh_cached(float *scores, size_t keys, float scale, float *shift) {
  size_t whole = keys / W * W, rest = keys - whole;
  V top = splat(-INFINITY), total = splat(0);
  for (size_t j = 0; j < whole; j += W) top = maximum_of(load(scores + j), top);
  if (rest) top = maximum_of(load_part(scores + whole, rest, -INFINITY), top);
  float most = lanes_max(top) * scale;
  for (size_t j = 0; j < whole; j += W) {
    V e = exp_of(load(scores + j) * scale - most);
    store(scores + j, e);
    total += e;
  }
  if (rest) {
    V e = exp_of(load_part(scores + whole, rest, -INFINITY) * scale - most);
    store_part(scores + whole, e, rest);
    total += load_part(scores + whole, rest, 0);
  }
  *shift = most;
  return lanes_sum(total);
}

static void attention_cached(const float *q, const float *k, const float *v, float *o, float *lse,
                             float *scores, size_t keys, size_t size) {
  float shift;
  product_dot(q, size, k, size, scores, keys, 1, keys, size, 0);
  float total = weigh_cached(scores, keys, 1.0f / sqrtf((float)size), &shift);
  product(scores, keys, 1, v, size, o, size, 1, size, keys, 0);
  for (size_t d = 0; d < size; d++) o[d] *= 1.0f / total;
  *lse = shift + logf(total);
}
