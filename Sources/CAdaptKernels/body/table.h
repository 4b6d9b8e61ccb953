// The body of one level, and its table. Included once per level, with these set before:
//   ADAPT_W      floats in a vector
//   ADAPT_TILE   rows of a product's tile, 4 or 8, by the number of registers
//   ADAPT_LEVEL, ADAPT_TABLE   the level's number and the table's name
#pragma clang fp contract(fast)
#include "vector.h"
#include "elementwise.h"
#include "rows.h"
#include "product.h"
#include "few.h"
#include "packed.h"
// Where the processor has no such instruction.
#define UPPER(x) ((V)((x) & 0xffff0000u))
#define DOT_PAIRS(sum, a, b) (((sum) + (V)((a) << 16) * (V)((b) << 16)) + UPPER(a) * UPPER(b))
#include "bf16.h"
#include "attention.h"
#include "cached.h"
#include "window.h"

const struct adapt_kernels ADAPT_TABLE = {
    .level = ADAPT_LEVEL,
    .width = ADAPT_W,
    .fill = fill,
    .unary = unary,
    .unary_gradient = unary_gradient,
    .binary = binary,
    .steps = steps,
    .sum = sum,
    .sum_of_squares = sum_of_squares,
    .first_non_finite = first_non_finite,
    .sum_rows = sum_rows,
    .softmax = softmax,
    .softmax_gradient = softmax_gradient,
    .normalize = normalize,
    .normalize_gradient = normalize_gradient,
    .log_loss = log_loss,
    .log_loss_gradient = log_loss_gradient,
    .add_into = add_into,
    .transpose = transpose,
    .product = product,
    .product_dot = product_dot,
    .product_few = product_few,
    .packed_size = packed_size,
    .pack = pack,
    .product_packed = product_packed,
    .packed_pairs_size = packed_pairs_size,
    .pack_pairs = pack_pairs,
    .product_pairs = product_pairs,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .attention_gradient = attention_gradient,
    .attention_cached = attention_cached,
    .window_sum = window_sum,
    .window_spread = window_spread,
};
