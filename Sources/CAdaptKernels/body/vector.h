// Vectors of ADAPT_W floats, and exp, log, tanh on them.
//
// Accuracy: 1 to 2 ulp. The polynomials are interpolations at Chebyshev nodes computed in
// double precision and rounded. Order of importance: right on NaN, infinities and the ends of
// the range; then accurate; then fast.

typedef float V __attribute__((ext_vector_type(ADAPT_W)));
typedef int32_t I __attribute__((ext_vector_type(ADAPT_W)));
typedef uint32_t U __attribute__((ext_vector_type(ADAPT_W)));
typedef double D __attribute__((ext_vector_type(ADAPT_W)));

#define W ((size_t)ADAPT_W)
#define INLINE static inline __attribute__((always_inline))

INLINE V load(const float *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store(float *p, V v) { memcpy(p, &v, sizeof v); }

INLINE V splat(float x) { return (V)(x); }

#ifdef ADAPT_LOAD_PART
INLINE V load_part(const float *p, size_t n, float rest) { return ADAPT_LOAD_PART(p, n, rest); }
INLINE void store_part(float *p, V v, size_t n) { ADAPT_STORE_PART(p, v, n); }
#else
// The first n < W floats at p, the other lanes `rest`.
INLINE V load_part(const float *p, size_t n, float rest) {
  float t[ADAPT_W];
  store(t, splat(rest));
  for (size_t i = 0; i < n; i++) t[i] = p[i];
  return load(t);
}

INLINE void store_part(float *p, V v, size_t n) {
  float t[ADAPT_W];
  store(t, v);
  for (size_t i = 0; i < n; i++) p[i] = t[i];
}
#endif

// Lane by lane: c ? a : b, where a lane of c is all ones or all zeros.
INLINE V choose(I c, V a, V b) { return (V)((c & (I)a) | (~c & (I)b)); }

INLINE V maximum_of(V a, V b) { return choose(a > b, a, b); }

INLINE V absolute_of(V x) { return (V)((U)x & 0x7fffffffu); }

INLINE V sqrt_of(V x) {
#if __has_builtin(__builtin_elementwise_sqrt)
  return __builtin_elementwise_sqrt(x);
#else
  for (size_t i = 0; i < W; i++) x[i] = sqrtf(x[i]);
  return x;
#endif
}

// Lanes h to 2h - 1 in the place of lanes 0 to h - 1; the lanes behind do not matter. Adding in
// halves fixes the order.
#if ADAPT_W == 16
#define TURN(v, a, b, c, d, e, f, g, h) \
  __builtin_shufflevector(v, v, a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0)
#elif ADAPT_W == 8
#define TURN(v, a, b, c, d, e, f, g, h) __builtin_shufflevector(v, v, a, b, c, d, e, f, g, h)
#else
#define TURN(v, a, b, c, d, e, f, g, h) __builtin_shufflevector(v, v, a, b, c, d)
#endif
#define HALF_8(v) TURN(v, 8, 9, 10, 11, 12, 13, 14, 15)
#define HALF_4(v) TURN(v, 4, 5, 6, 7, 0, 0, 0, 0)
#define HALF_2(v) TURN(v, 2, 3, 0, 0, 0, 0, 0, 0)
#define HALF_1(v) TURN(v, 1, 0, 0, 0, 0, 0, 0, 0)

INLINE float lanes_sum(V v) {
#if ADAPT_W >= 16
  v += HALF_8(v);
#endif
#if ADAPT_W >= 8
  v += HALF_4(v);
#endif
  v += HALF_2(v);
  v += HALF_1(v);
  return v[0];
}

INLINE float lanes_max(V v) {
#if ADAPT_W >= 16
  v = maximum_of(v, HALF_8(v));
#endif
#if ADAPT_W >= 8
  v = maximum_of(v, HALF_4(v));
#endif
  v = maximum_of(v, HALF_2(v));
  v = maximum_of(v, HALF_1(v));
  return v[0];
}

#ifndef ADAPT_SCALE_BY_POWER
// y * 2^n for integral -150 <= n <= 129, in two steps so that results below the smallest
// normal number round once and results above the largest become infinite.
INLINE V scale_by_power(V y, V shifted, V n) {
  (void)n;
  U whole = (U)shifted - 0x4b400000u;
  U half = (U)((I)whole >> 1);
  return y * (V)((half + 127u) << 23) * (V)((whole - half + 127u) << 23);
}
#else
INLINE V scale_by_power(V y, V shifted, V n) {
  (void)shifted;
  return ADAPT_SCALE_BY_POWER(y, n);
}
#endif

// exp(x) = 2^n exp(r), |r| <= ln(2)/2. Adding 1.5 * 2^23 leaves round(x / ln 2) in the low bits,
// which, unlike a conversion to an integer, is defined for NaN too.
INLINE V exp_of(V x) {
  x = choose(x > 89.0f, splat(89.0f), x);
  x = choose(x < -104.0f, splat(-104.0f), x);
  V shifted = x * 1.44269504f + 12582912.0f;
  V n = shifted - 12582912.0f;
  V r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  V p = splat(0.000198912472f);
  p = p * r + 0.00139338814f;
  p = p * r + 0.00833331048f;
  p = p * r + 0.041666463f;
  p = p * r + 0.166666672f;
  p = p * r + 0.5f;
  V y = (p * (r * r) + r) + 1.0f;
  return scale_by_power(y, shifted, n);
}

// log(x) = e ln(2) + log(1 + f), 1 + f in sqrt(1/2) ..< sqrt(2).
INLINE V log_of(V x) {
  I tiny = x < 1.17549435e-38f;
  V scaled = choose(tiny, x * 8388608.0f, x);
  U bits = (U)scaled;
  I e = (I)(bits - 0x3f3504f3u) >> 23;
  V f = (V)(bits - ((U)e << 23)) - 1.0f;
  V exponent = __builtin_convertvector(e, V) - choose(tiny, splat(23.0f), splat(0.0f));
  V p = splat(0.0697161183f);
  p = p * f - 0.114797339f;
  p = p * f + 0.116854198f;
  p = p * f - 0.124256872f;
  p = p * f + 0.142490581f;
  p = p * f - 0.166678026f;
  p = p * f + 0.200007156f;
  p = p * f - 0.24999997f;
  p = p * f + 0.333333313f;
  V square = f * f;
  V r = p * (f * square) - exponent * 2.12194440e-4f;
  r = r - 0.5f * square;
  r = (r + f) + exponent * 0.693359375f;
  r = choose(x < INFINITY, r, x);  // infinity and NaN stay
  r = choose(x == 0.0f, splat(-INFINITY), r);
  return choose(x < 0.0f, splat(NAN), r);
}

INLINE V sigmoid_of(V x) { return 1.0f / (1.0f + exp_of(-x)); }

// An odd polynomial near zero, where 1 - 2 / (exp(2x) + 1) would cancel.
INLINE V tanh_of(V x) {
  V a = absolute_of(x);
  V z = x * x;
  V p = splat(0.00229255762f);
  p = p * z - 0.00834378041f;
  p = p * z + 0.021768868f;
  p = p * z - 0.0539592542f;
  p = p * z + 0.133333042f;
  p = p * z - 0.333333343f;
  V near = p * z * x + x;
  V far = 1.0f - 2.0f / (exp_of(2.0f * a) + 1.0f);
  far = (V)((U)far | ((U)x & 0x80000000u));
  return choose(a < 0.625f, near, far);
}
