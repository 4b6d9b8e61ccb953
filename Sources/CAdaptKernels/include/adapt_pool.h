// A pool of threads that runs numbered parts of one job at a time.
//
// Goals, in order: no result depends on which thread runs a part; an idle pool costs nothing
// (waiting threads look for work for some microseconds, then sleep); a job starts quickly.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct adapt_pool;

// A pool of `threads` threads, the caller of a job counted; fewer where the system refuses more.
// NULL when there is no memory.
struct adapt_pool *adapt_pool_create(int threads);

// Waits for the threads to end. No job may be running.
void adapt_pool_destroy(struct adapt_pool *pool);

int adapt_pool_threads(const struct adapt_pool *pool);

// Calls run(context, part, thread) for every part below `parts`, each once, and returns when all are
// done; a thread's number is below adapt_pool_threads. The caller takes part, as thread 0. Runs everything in the calling thread when the pool is busy with
// another caller's job, and when called from inside a part.
void adapt_pool_run(struct adapt_pool *pool, size_t parts,
                    void (*run)(void *, size_t, size_t), void *context);

#ifdef __cplusplus
}
#endif
