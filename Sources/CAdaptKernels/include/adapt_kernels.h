// The numeric loops of the CPU backend. Every loop is compiled once per instruction set level
// from the same body; a table of function pointers stands for one level.
//
// All matrices are row-major float32. No function keeps state, allocates or starts threads:
// the callers split the work. Input and output may overlap only where that is said.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The order is that of Swift's UnaryKernel.
enum adapt_unary {
  ADAPT_NEGATE,
  ADAPT_EXP,
  ADAPT_LOG,
  ADAPT_SQRT,
  ADAPT_RECIPROCAL,
  ADAPT_TANH,
  ADAPT_SIGMOID,
  ADAPT_RELU,
  ADAPT_GELU,
  ADAPT_SILU,
  ADAPT_SQUARE,
  ADAPT_ABSOLUTE,
  ADAPT_SIGN,
  ADAPT_SIN,
  ADAPT_COS,
  ADAPT_ERF,
  ADAPT_FLOOR,
  ADAPT_CEIL,
  ADAPT_ROUND,
  ADAPT_COPY,
  ADAPT_UNARY_COUNT
};

// The order is that of Swift's BinaryKernel.
enum adapt_binary {
  ADAPT_ADD,
  ADAPT_SUBTRACT,
  ADAPT_MULTIPLY,
  ADAPT_DIVIDE,
  ADAPT_MAXIMUM,
  ADAPT_MINIMUM,
  ADAPT_POWER,
  ADAPT_LESS,
  ADAPT_LESS_OR_EQUAL,
  ADAPT_GREATER,
  ADAPT_GREATER_OR_EQUAL,
  ADAPT_EQUAL,
  ADAPT_NOT_EQUAL,
  ADAPT_BINARY_COUNT
};

// One operand of a binary kernel: element (r, c) is p[r * row_step + c * column_step], where
// column_step is 0 or 1.
struct adapt_operand {
  const float *p;
  size_t row_step;
  size_t column_step;
};

// One of a chain of elementwise kernels. Its operands and its result are numbers of places; a step of
// 0 repeats the first element of an operand, otherwise it is 1. A unary kernel reads `a` alone, as a
// whole.
struct adapt_step {
  int kind;        // of adapt_binary or adapt_unary
  int is_binary;
  size_t a, b, into;
  size_t a_step, b_step;
};

// What one attention task works on: the queries of one segment, the keys and values that they
// look at, and one head. The pointers are at the segment's first query and first key; a row is
// heads * head_size floats.
struct adapt_attention {
  const float *q, *k, *v;
  const int32_t *positions, *key_positions;   // both ascend
  size_t rows, keys, heads, head, head_size;
  int causal;
};

// What is added to a product: one row to all, and then rows that lie so many floats apart. Either may be
// NULL; the rows may be C's own.
struct adapt_addend {
  const float *row, *rows;
  size_t step;
};

struct adapt_kernels {
  int level;   // 0 baseline, 1 x86-64-v3, 2 x86-64-v4
  int width;   // floats in a vector

  void (*fill)(float *y, float value, size_t n);
  void (*unary)(int kind, const float *x, float *y, size_t n);  // y may be x
  void (*unary_gradient)(int kind, const float *dy, const float *x, const float *y, float *dx,
                         size_t n);
  void (*binary)(int kind, struct adapt_operand a, struct adapt_operand b, float *out,
                 size_t rows, size_t columns);  // out may be a full operand
  // All steps of a chain, one behind the other, on n elements at each place.
  void (*steps)(const struct adapt_step *chain, size_t count, float *const *places, size_t n);

  double (*sum)(const float *x, size_t n);
  double (*sum_of_squares)(const float *x, size_t n);
  ptrdiff_t (*first_non_finite)(const float *x, size_t n);  // -1: none
  // out[c] = scale * sum of x[r * stride + c], for c < columns
  void (*sum_rows)(const float *x, size_t stride, float *out, size_t rows, size_t columns,
                   float scale);

  void (*softmax)(const float *x, float *y, size_t rows, size_t columns);
  void (*softmax_gradient)(const float *dy, const float *y, float *dx, size_t rows,
                           size_t columns);
  void (*normalize)(int rms, const float *x, float *y, float *rstd, size_t rows, size_t columns,
                    float epsilon);
  void (*normalize_gradient)(int rms, const float *dy, const float *y, const float *rstd,
                             float *dx, size_t rows, size_t columns);
  void (*log_loss)(const float *logits, const int32_t *targets, float *loss, float *lse,
                   size_t rows, size_t columns);
  void (*log_loss_gradient)(const float *dloss, const float *logits, const int32_t *targets,
                            const float *lse, float *dlogits, size_t rows, size_t columns);

  // out[i] += x[i]
  void (*add_into)(const float *x, float *out, size_t n);
  // dst[c * dst_stride + r] = src[r * src_stride + c]
  void (*transpose)(const float *src, size_t src_stride, float *dst, size_t dst_stride,
                    size_t rows, size_t columns);

  // C[m,n] (+)= A[m,k] · B[k,n]; a(i, p) = a[i * a_row + p * a_column]; rows of B and C lie
  // b_row and c_row floats apart.
  void (*product)(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                  float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate);
  // The same for 1 <= m <= 16 and a B that is in no cache: B is read once, in the order it lies in.
  void (*product_few)(const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                      float *c, size_t c_row, size_t m, size_t n, size_t k, int accumulate);
  // C[m,n] (+)= A[m,k] · B[n,k] transposed, as dot products.
  void (*product_dot)(const float *a, size_t a_row, const float *b, size_t b_row, float *c,
                      size_t c_row, size_t m, size_t n, size_t k, int accumulate);

  // Floats that B[k,n] takes when it is laid out for product_packed.
  size_t (*packed_size)(size_t n, size_t k);
  // Lays B out; b(p, j) = b[p * b_row + j * b_column], one of the steps 1. Whole panels of
  // 2 * width columns may be laid out on their own: the one of column j begins at to[j * k].
  void (*pack)(const float *b, size_t b_row, size_t b_column, float *to, size_t n, size_t k);
  // C[m,n] = A[m,k] · B, laid out, and what is added to it. An element does not depend on m.
  void (*product_packed)(const float *a, size_t a_row, const float *b, float *c, size_t c_row,
                         size_t m, size_t n, size_t k, struct adapt_addend add);

  // The same with numbers rounded to bfloat16 and summed in float: 32-bit lanes that B takes, laying it
  // out, and the product with an A of any steps, one of them 1.
  size_t (*packed_pairs_size)(size_t n, size_t k);
  void (*pack_pairs)(const float *b, size_t b_row, size_t b_column, uint32_t *to, size_t n,
                     size_t k);
  void (*product_pairs)(const float *a, size_t a_row, size_t a_column, const uint32_t *b, float *c,
                        size_t c_row, size_t m, size_t n, size_t k, int accumulate);

  // Floats of scratch, 64-byte aligned, that attention to `keys` rows needs.
  size_t (*attention_scratch)(size_t keys, size_t head_size, int gradient);
  // Queries first..<last of the segment.
  void (*attention)(const struct adapt_attention *s, float *o, float *lse, size_t first,
                    size_t last, float *scratch);
  void (*attention_gradient)(const struct adapt_attention *s, const float *d_o, const float *o,
                             const float *lse, float *dq, float *dk, float *dv, float *scratch);
  // One query of one head over `keys` keys and values, at least one, whose rows are head_size floats
  // and lie behind one another. `scores` has room for `keys` floats.
  void (*attention_cached)(const float *q, const float *k, const float *v, float *o, float *lse,
                           float *scores, size_t keys, size_t head_size);

  // y[c] = the sum of x[c] w[c] over a window of rows by columns, which lie so many floats apart.
  void (*window_sum)(const float *x, size_t x_row, size_t x_column, const float *w, size_t w_row,
                     size_t w_column, size_t rows, size_t columns, float *y, size_t n);
  // to[c] += y[c] x[c] at each place of such a window.
  void (*window_spread)(const float *y, const float *x, size_t x_row, size_t x_column, float *to,
                        size_t to_row, size_t to_column, size_t rows, size_t columns, size_t n);
};

// The table of a level, or NULL where this processor or this build does not have it.
const struct adapt_kernels *adapt_kernels_at(int level);

// Puts what this processor's AVX512-BF16 computes faster into a table; returns whether it has it.
int adapt_multiply_pairs(struct adapt_kernels *kernels);

// mask[r, c] = 1 for the k largest of a row, ties to the lower column. Returns the first row
// that holds a NaN or an infinity (its mask is zero), or -1.
ptrdiff_t adapt_top_k(const float *scores, float *mask, size_t rows, size_t columns, size_t k);

// Rows with mask[r, column] != 0, ascending. `out` has room for `rows` indices.
size_t adapt_members(const float *mask, size_t column, int32_t *out, size_t rows,
                     size_t columns);

#ifdef __cplusplus
}
#endif
