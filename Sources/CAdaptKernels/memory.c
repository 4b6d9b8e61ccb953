#include "adapt_memory.h"

#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

void adapt_memory_keep(void) {
#if defined(__GLIBC__)
  // The pool of a second thread grows by a call of the system every few pages.
  mallopt(M_ARENA_MAX, 1);
  // Blocks up to this size come from the pool, and the pool hands back what is free beyond the next:
  // a page that is asked for anew costs a fault, which is more than most operations on it.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
}
