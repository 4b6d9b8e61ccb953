// Loops over single elements: one static function per kind, in tables keyed by the kind.

#define UNARY(name, expression)                                          \
  static void unary_##name(const float *px, float *py, size_t n) {       \
    size_t i = 0;                                                        \
    for (; i + W <= n; i += W) {                                         \
      V x = load(px + i);                                                \
      store(py + i, expression);                                         \
    }                                                                    \
    if (i < n) {                                                         \
      V x = load_part(px + i, n - i, 1.0f);                              \
      store_part(py + i, expression, n - i);                             \
    }                                                                    \
  }

// gelu(x) = 0.5 x (1 + tanh(u)) = x sigmoid(2u): one exp, and nothing cancels for x < 0.
#define GELU_SLOPE 1.59576912f   // 2 sqrt(2 / pi)
#define GELU_CUBIC 0.0713548163f // 2 sqrt(2 / pi) 0.044715

INLINE V gelu_of(V x) {
  V u2 = x * (GELU_CUBIC * (x * x) + GELU_SLOPE);
  return x / (1.0f + exp_of(-u2));
}

INLINE V sign_of(V x) {
  V s = choose(x > 0.0f, splat(1.0f), choose(x < 0.0f, splat(-1.0f), splat(0.0f)));
  return choose(x == x, s, x);
}

UNARY(negate, -x)
UNARY(exp, exp_of(x))
UNARY(log, log_of(x))
UNARY(sqrt, sqrt_of(x))
UNARY(reciprocal, 1.0f / x)
UNARY(tanh, tanh_of(x))
UNARY(sigmoid, sigmoid_of(x))
UNARY(relu, choose(x <= 0.0f, splat(0.0f), x))
UNARY(gelu, gelu_of(x))
UNARY(silu, x / (1.0f + exp_of(-x)))
UNARY(square, x *x)
UNARY(absolute, absolute_of(x))
UNARY(sign, sign_of(x))
// The system's library knows these to the last bit or two; nothing here is worth a polynomial yet.
#define LANES(name, function)                                            \
  INLINE V name(V x) {                                                   \
    for (size_t i = 0; i < W; i++) x[i] = function(x[i]);                \
    return x;                                                            \
  }

LANES(sin_of, sinf)
LANES(cos_of, cosf)
LANES(erf_of, erff)
LANES(floor_of, floorf)
LANES(ceil_of, ceilf)
LANES(round_of, roundf)

UNARY(sin, sin_of(x))
UNARY(cos, cos_of(x))
UNARY(erf, erf_of(x))
UNARY(floor, floor_of(x))
UNARY(ceil, ceil_of(x))
UNARY(round, round_of(x))
UNARY(copy, x)

static void (*const unary_table[ADAPT_UNARY_COUNT])(const float *, float *, size_t) = {
    unary_negate, unary_exp,  unary_log,  unary_sqrt,   unary_reciprocal, unary_tanh, unary_sigmoid,
    unary_relu,   unary_gelu, unary_silu, unary_square, unary_absolute,   unary_sign,
    unary_sin,    unary_cos,  unary_erf,  unary_floor,  unary_ceil,       unary_round, unary_copy};

static void unary(int kind, const float *x, float *y, size_t n) { unary_table[kind](x, y, n); }

// Loads of operands that an expression does not name are dead and never happen.
#define GRADIENT(name, expression)                                                       \
  static void gradient_##name(const float *pdy, const float *px, const float *py,        \
                              float *pdx, size_t n) {                                    \
    size_t i = 0;                                                                        \
    for (; i + W <= n; i += W) {                                                         \
      V dy = load(pdy + i), x = load(px + i), y = load(py + i);                          \
      (void)x, (void)y;                                                                  \
      store(pdx + i, expression);                                                        \
    }                                                                                    \
    if (i < n) {                                                                         \
      V dy = load_part(pdy + i, n - i, 0.0f);                                            \
      V x = load_part(px + i, n - i, 1.0f), y = load_part(py + i, n - i, 1.0f);          \
      (void)x, (void)y;                                                                  \
      store_part(pdx + i, expression, n - i);                                            \
    }                                                                                    \
  }

INLINE V clamp(V x, float limit) {
  x = choose(x > limit, splat(limit), x);
  return choose(x < -limit, splat(-limit), x);
}

// Beyond 12 the slope is 0 or 1 to the last bit; the clamp keeps 0 * infinity away.
INLINE V gelu_slope(V x) {
  x = clamp(x, 12.0f);
  V square = x * x;
  V s = sigmoid_of(x * (GELU_CUBIC * square + GELU_SLOPE));
  return s + x * s * (1.0f - s) * (3.0f * GELU_CUBIC * square + GELU_SLOPE);
}

INLINE V silu_slope(V x) {
  x = clamp(x, 120.0f);
  V s = sigmoid_of(x);
  return s * (1.0f + x * (1.0f - s));
}

INLINE V relu_gradient(V dy, V y) {
  return choose(y <= 0.0f, splat(0.0f), choose(y == y, dy, y));
}

// 0 where x is finite or infinite, NaN where it is NaN.
INLINE V nothing(V x) { return choose(x == x, splat(0.0f), x); }

GRADIENT(negate, -dy)
GRADIENT(exp, dy *y)
GRADIENT(log, dy / x)
GRADIENT(sqrt, dy * 0.5f / y)
GRADIENT(reciprocal, -dy * y * y)
GRADIENT(tanh, dy *(1.0f - y * y))
GRADIENT(sigmoid, dy *(y * (1.0f - y)))
GRADIENT(relu, relu_gradient(dy, y))
GRADIENT(gelu, dy *gelu_slope(x))
GRADIENT(silu, dy *silu_slope(x))
GRADIENT(square, 2.0f * x * dy)
GRADIENT(absolute, dy *sign_of(x))
GRADIENT(sign, nothing(dy))
GRADIENT(sin, dy *cos_of(x))
GRADIENT(cos, -dy *sin_of(x))
GRADIENT(erf, dy * 1.12837917f * exp_of(-x * x))
GRADIENT(floor, nothing(dy))
GRADIENT(ceil, nothing(dy))
GRADIENT(round, nothing(dy))
GRADIENT(copy, dy)

static void (*const gradient_table[ADAPT_UNARY_COUNT])(const float *, const float *, const float *,
                                                       float *, size_t) = {
    gradient_negate,     gradient_exp,  gradient_log,     gradient_sqrt,
    gradient_reciprocal, gradient_tanh, gradient_sigmoid, gradient_relu,
    gradient_gelu,       gradient_silu, gradient_square,  gradient_absolute,
    gradient_sign,       gradient_sin,  gradient_cos,     gradient_erf,
    gradient_floor,      gradient_ceil, gradient_round,   gradient_copy};

static void unary_gradient(int kind, const float *dy, const float *x, const float *y, float *dx,
                           size_t n) {
  gradient_table[kind](dy, x, y, dx, n);
}

// One row of a binary kernel; a step of 0 repeats the first element.
#define BINARY_LOOP(load_a, load_b, expression)                          \
  for (; i + W <= n; i += W) {                                           \
    V a = load_a, b = load_b;                                            \
    store(out + i, expression);                                          \
  }

#define BINARY(name, expression)                                                         \
  static void binary_##name(const float *pa, size_t sa, const float *pb, size_t sb,      \
                            float *out, size_t n) {                                      \
    size_t i = 0;                                                                        \
    if (sa && sb) {                                                                      \
      BINARY_LOOP(load(pa + i), load(pb + i), expression)                                \
    } else if (sa) {                                                                     \
      V repeated = splat(*pb);                                                           \
      BINARY_LOOP(load(pa + i), repeated, expression)                                    \
    } else {                                                                             \
      V repeated = splat(*pa);                                                           \
      BINARY_LOOP(repeated, sb ? load(pb + i) : splat(*pb), expression)                  \
    }                                                                                    \
    if (i < n) {                                                                         \
      V a = sa ? load_part(pa + i, n - i, 1.0f) : splat(*pa);                            \
      V b = sb ? load_part(pb + i, n - i, 1.0f) : splat(*pb);                            \
      store_part(out + i, expression, n - i);                                            \
    }                                                                                    \
  }

// Of a NaN and a number, the NaN: the first choice already keeps a NaN in b.
INLINE V binary_max(V a, V b) { return choose(a == a, choose(a > b, a, b), a); }
INLINE V binary_min(V a, V b) { return choose(a == a, choose(a < b, a, b), a); }
INLINE V truth(I c) { return choose(c, splat(1.0f), splat(0.0f)); }

BINARY(add, a + b)
BINARY(subtract, a - b)
BINARY(multiply, a *b)
BINARY(divide, a / b)
BINARY(maximum, binary_max(a, b))
BINARY(minimum, binary_min(a, b))
BINARY(less, truth(a < b))
BINARY(less_or_equal, truth(a <= b))
BINARY(greater, truth(a > b))
BINARY(greater_or_equal, truth(a >= b))
BINARY(equal, truth(a == b))
BINARY(not_equal, truth(a != b))

// exp(b log a) in single precision loses digits as b log a grows, so this asks libm.
static void binary_power(const float *pa, size_t sa, const float *pb, size_t sb, float *out,
                         size_t n) {
  if (sa && !sb && *pb == 2.0f) {
    unary_square(pa, out, n);
    return;
  }
  float a = sa ? 0 : *pa, b = sb ? 0 : *pb;
  for (size_t i = 0; i < n; i++) out[i] = powf(sa ? pa[i] : a, sb ? pb[i] : b);
}

static void (*const binary_table[ADAPT_BINARY_COUNT])(const float *, size_t, const float *, size_t,
                                                      float *, size_t) = {
    binary_add,     binary_subtract,      binary_multiply, binary_divide,
    binary_maximum, binary_minimum,       binary_power,    binary_less,
    binary_less_or_equal, binary_greater, binary_greater_or_equal, binary_equal, binary_not_equal};

static void binary(int kind, struct adapt_operand a, struct adapt_operand b, float *out,
                   size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++)
    binary_table[kind](a.p + r * a.row_step, a.column_step, b.p + r * b.row_step, b.column_step,
                       out + r * columns, columns);
}

static void fill(float *y, float value, size_t n) {
  size_t i = 0;
  V v = splat(value);
  for (; i + W <= n; i += W) store(y + i, v);
  for (; i < n; i++) y[i] = value;
}

static void add_into(const float *x, float *out, size_t n) { binary_add(out, 1, x, 1, out, n); }

// Chains of the kernels above on a tile that stays in the cache.
static void steps(const struct adapt_step *chain, size_t count, float *const *places, size_t n) {
  for (size_t i = 0; i < count; i++) {
    const struct adapt_step *s = chain + i;
    const float *a = places[s->a], *b = places[s->b];
    if (s->is_binary)
      binary_table[s->kind](a, s->a_step, b, s->b_step, places[s->into], n);
    else
      unary_table[s->kind](a, places[s->into], n);
  }
}
