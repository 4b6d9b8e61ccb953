#include "adapt_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

// How long a thread looks for work before it sleeps: about what waking it costs, and longer than
// most pauses between the kernels of one model.
enum { SPIN_NANOSECONDS = 50000 };

struct adapt_pool {
  // Held by the caller whose job is running.
  pthread_mutex_t owner;
  // Guards sleeping: a thread that finds no new job under it waits for `wake`.
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_cond_t done;
  pthread_t *workers;
  int worker_count;

  // The job: written by the owner before `generation` rises, read after it has.
  void (*run)(void *, size_t, size_t);
  void *context;
  size_t parts;

  atomic_size_t next;         // the next part nobody has taken
  atomic_size_t started;      // workers that have a number; the owner is 0
  atomic_uint generation;     // rises with every job
  atomic_int open;            // whether workers may join the job
  atomic_int busy;            // workers that have joined and not left
  atomic_int sleepers;
  atomic_int waiting;         // the owner sleeps until busy is 0
  atomic_int stop;
};

// Whether this thread is running a part, of any pool.
static _Thread_local int inside;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take_parts(struct adapt_pool *pool, size_t thread) {
  inside = 1;
  for (;;) {
    size_t part = atomic_fetch_add(&pool->next, 1);
    if (part >= pool->parts) break;
    pool->run(pool->context, part, thread);
  }
  inside = 0;
}

// Returns when the generation is no longer `seen`.
static void wait_for_job(struct adapt_pool *pool, unsigned seen) {
  int64_t end = now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load(&pool->generation) != seen) return;
      relax();
    }
  } while (now() < end);
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

// A worker that wakes after the job was closed leaves at once, so that nobody waits for it: the
// owner closes and then reads `busy`, the worker raises `busy` and then reads `open`.
static void *work(void *argument) {
  struct adapt_pool *pool = argument;
  unsigned seen = 0;
  size_t number = 1 + atomic_fetch_add(&pool->started, 1);
  for (;;) {
    wait_for_job(pool, seen);
    if (atomic_load(&pool->stop)) return NULL;
    seen = atomic_load(&pool->generation);
    atomic_fetch_add(&pool->busy, 1);
    if (atomic_load(&pool->open)) take_parts(pool, number);
    if (atomic_fetch_sub(&pool->busy, 1) == 1 && atomic_load(&pool->waiting)) {
      pthread_mutex_lock(&pool->lock);
      pthread_cond_signal(&pool->done);
      pthread_mutex_unlock(&pool->lock);
    }
  }
}

// Raises the generation; the lock is needed only for threads that sleep or are about to, which
// have counted themselves in `sleepers` before they look at the generation the last time.
static void announce(struct adapt_pool *pool) {
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

static void wait_until_done(struct adapt_pool *pool) {
  int64_t end = now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load(&pool->busy) == 0) return;
      relax();
    }
    sched_yield();  // on a loaded machine the worker may wait for this very processor
  } while (now() < end);
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->waiting, 1);
  while (atomic_load(&pool->busy) != 0) pthread_cond_wait(&pool->done, &pool->lock);
  atomic_store(&pool->waiting, 0);
  pthread_mutex_unlock(&pool->lock);
}

void adapt_pool_run(struct adapt_pool *pool, size_t parts,
                    void (*run)(void *, size_t, size_t), void *context) {
  int shared = parts > 1 && pool->worker_count > 0 && !inside &&
               pthread_mutex_trylock(&pool->owner) == 0;
  if (!shared) {
    for (size_t part = 0; part < parts; part++) run(context, part, 0);
    return;
  }
  pool->run = run;
  pool->context = context;
  pool->parts = parts;
  atomic_store(&pool->next, 0);
  atomic_store(&pool->open, 1);
  announce(pool);
  take_parts(pool, 0);
  atomic_store(&pool->open, 0);
  wait_until_done(pool);
  pthread_mutex_unlock(&pool->owner);
}

int adapt_pool_threads(const struct adapt_pool *pool) { return pool->worker_count + 1; }

struct adapt_pool *adapt_pool_create(int threads) {
  struct adapt_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pthread_mutex_init(&pool->owner, NULL);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->done, NULL);
  if (threads > 1) pool->workers = calloc((size_t)threads - 1, sizeof *pool->workers);
  for (int i = 0; pool->workers && i < threads - 1; i++) {
    if (pthread_create(&pool->workers[i], NULL, work, pool) != 0) break;
    pool->worker_count++;
  }
  return pool;
}

void adapt_pool_destroy(struct adapt_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, 1);
  announce(pool);
  for (int i = 0; i < pool->worker_count; i++) pthread_join(pool->workers[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  pthread_mutex_destroy(&pool->owner);
  free(pool->workers);
  free(pool);
}
