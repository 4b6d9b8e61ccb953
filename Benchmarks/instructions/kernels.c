// Runs one kernel of the CPU backend at a fixed size, for counting its instructions. See
// ../README.md.
//
//     kernels           prints the names of the kernels
//     kernels NAME      runs that kernel once inside of `measured`
//
// Always at level v3, which valgrind knows: the counts of another level would be others. Ends with
// 3 where this processor has no v3.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt_kernels.h"

enum { ROWS = 128, WIDTH = 256, HEADS = 4, HEAD = 32, CLASSES = 256 };

static const struct adapt_kernels *k;

// Inputs are filled before anything is counted; outputs are large enough for every kernel.
static float *a, *b, *c, *d, *e, *f, *g, *scratch;
static int32_t *numbers;

static void run_product(void) { k->product(a, 64, 1, b, 64, c, 64, 64, 64, 64, 0); }

static void run_product_few_rows(void) {
  k->product(a, WIDTH, 1, b, WIDTH, c, WIDTH, 4, WIDTH, WIDTH, 0);
}

static void run_product_packed(void) {
  k->pack(b, 64, 1, c, 64, 64);
  k->product_packed(a, 64, c, c + 4096, 64, 64, 64, 64, (struct adapt_addend){0});
}

static void run_product_dot(void) { k->product_dot(a, WIDTH, b, WIDTH, c, 64, 4, 64, WIDTH, 0); }

static struct adapt_attention segment(size_t head) {
  return (struct adapt_attention){
      .q = a, .k = b, .v = c, .positions = numbers, .key_positions = numbers,
      .rows = ROWS, .keys = ROWS, .heads = HEADS,
      .head = head, .head_size = HEAD, .causal = 1};
}

static void run_attention(void) {
  const struct adapt_attention s = segment(1);
  k->attention(&s, d, e, 0, ROWS, scratch);
}

static void run_attention_gradient(void) {
  const struct adapt_attention s = segment(1);
  k->attention_gradient(&s, a, d, e, e + ROWS * WIDTH, f, g, scratch);
}

static void run_log_loss(void) {
  k->log_loss(a, numbers, c, d, ROWS, CLASSES);
  k->log_loss_gradient(b, a, numbers, d, e, ROWS, CLASSES);
}

static void run_normalize(void) {
  k->normalize(0, a, c, d, ROWS, WIDTH, 1e-5f);
  k->normalize_gradient(0, b, c, d, e, ROWS, WIDTH);
}

// What moves rows to a path and back: whole rows one by one.
static void run_gather_scatter(void) {
  for (int row = 0; row < ROWS; row++) {
    float *kept = c + row * WIDTH, *moved = d + (ROWS - 1 - row) * WIDTH;
    memcpy(kept, a + (ROWS - 1 - row) * WIDTH, WIDTH * sizeof *kept);
    k->add_into(kept, moved, WIDTH);
  }
}

// A bias, an activation and a residual, as an elementwise program has them.
static void run_elementwise(void) {
  const struct adapt_operand x = {a, WIDTH, 1}, bias = {b, 0, 1}, y = {c, WIDTH, 1};
  k->binary(ADAPT_ADD, x, bias, c, ROWS, WIDTH);
  k->unary(ADAPT_GELU, c, c, ROWS * WIDTH);
  k->binary(ADAPT_ADD, y, x, d, ROWS, WIDTH);
}

static const struct {
  const char *name;
  void (*run)(void);
} kernels[] = {
    {"product", run_product},
    {"product_few_rows", run_product_few_rows},
    {"product_dot", run_product_dot},
    {"product_packed", run_product_packed},
    {"attention", run_attention},
    {"attention_gradient", run_attention_gradient},
    {"log_loss", run_log_loss},
    {"normalize", run_normalize},
    {"gather_scatter", run_gather_scatter},
    {"elementwise", run_elementwise},
};
enum { COUNT = sizeof kernels / sizeof *kernels };

// What valgrind is told to count.
__attribute__((noinline)) void measured(void (*run)(void)) {
  run();
  __asm__ volatile("" ::: "memory");
}

static float *filled(size_t count, unsigned seed) {
  float *x = aligned_alloc(64, count * sizeof *x);
  if (!x) exit(1);
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / (1 << 24) - 0.5f;
  }
  return x;
}

static void prepare(void) {
  const size_t count = 2 * ROWS * WIDTH;
  float **all[] = {&a, &b, &c, &d, &e, &f, &g};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) *all[i] = filled(count, i + 1);
  const size_t forward = k->attention_scratch(ROWS, HEAD, 0);
  const size_t backward = k->attention_scratch(ROWS, HEAD, 1);
  scratch = filled(((forward > backward ? forward : backward) + 15) / 16 * 16, 9);
  numbers = malloc(ROWS * sizeof *numbers);
  if (!numbers) exit(1);
  for (int row = 0; row < ROWS; row++) numbers[row] = row;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    for (int i = 0; i < COUNT; i++) puts(kernels[i].name);
    return 0;
  }
  k = adapt_kernels_at(1);
  if (!k) return 3;
  prepare();
  for (int i = 0; i < COUNT; i++) {
    if (strcmp(kernels[i].name, argv[1])) continue;
    measured(kernels[i].run);
    return 0;
  }
  return 2;
}
