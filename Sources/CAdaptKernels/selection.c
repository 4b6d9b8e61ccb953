// Selecting the k largest of a row, and listing a column's members.
#include <math.h>
#include <string.h>

#include "adapt_kernels.h"

// An unsigned number that orders like the float; -0 becomes +0 so that the two tie.
static inline uint32_t ordered(float x) {
  uint32_t bits;
  x += 0.0f;
  memcpy(&bits, &x, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

enum { FEW = 16 };

// One pass that keeps the k best so far in order. An equal score does not displace an earlier one.
static void select_few(const float *x, float *mask, size_t n, size_t k) {
  size_t best[FEW], kept = 0;
  for (size_t c = 0; c < n; c++) {
    if (kept == k && !(x[c] > x[best[k - 1]])) continue;
    size_t at = kept < k ? kept++ : k - 1;
    for (; at > 0 && x[c] > x[best[at - 1]]; at--) best[at] = best[at - 1];
    best[at] = c;
  }
  for (size_t i = 0; i < kept; i++) mask[best[i]] = 1;
}

// The k-th largest by its bytes from the top, 256 counts at a time; then one pass marks what is
// above it and the first of those equal to it. Linear in n whatever k is.
static void select_many(const float *x, float *mask, size_t n, size_t k) {
  uint32_t threshold = 0, fixed = 0;
  size_t left = k;
  for (int shift = 24; shift >= 0; shift -= 8) {
    size_t count[256] = {0};
    for (size_t c = 0; c < n; c++) {
      uint32_t key = ordered(x[c]);
      if ((key & fixed) == threshold) count[key >> shift & 255]++;
    }
    uint32_t digit = 255;
    while (count[digit] < left) left -= count[digit--];
    threshold |= digit << shift;
    fixed |= 255u << shift;
  }
  for (size_t c = 0; c < n; c++) {
    uint32_t key = ordered(x[c]);
    if (key > threshold || (key == threshold && left > 0)) {
      mask[c] = 1;
      left -= key == threshold;
    }
  }
}

ptrdiff_t adapt_top_k(const float *scores, float *mask, size_t rows, size_t columns, size_t k) {
  ptrdiff_t bad = -1;
  if (k > columns) k = columns;
  for (size_t r = 0; r < rows; r++, scores += columns, mask += columns) {
    int finite = 1;
    for (size_t c = 0; c < columns; c++) {
      finite &= isfinite(scores[c]) != 0;
      mask[c] = 0;
    }
    if (!finite) {
      if (bad < 0) bad = (ptrdiff_t)r;
    } else if (k > 0 && k <= FEW) {
      select_few(scores, mask, columns, k);
    } else if (k > 0) {
      select_many(scores, mask, columns, k);
    }
  }
  return bad;
}

size_t adapt_members(const float *mask, size_t column, int32_t *out, size_t rows,
                     size_t columns) {
  size_t n = 0;
  for (size_t r = 0; r < rows; r++) {
    out[n] = (int32_t)r;
    n += mask[r * columns + column] != 0;
  }
  return n;
}
