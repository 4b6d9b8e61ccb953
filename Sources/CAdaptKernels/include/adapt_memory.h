// How this process takes memory from the system.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Lets all threads take memory from one pool, and keeps what is freed for what is asked next. Does
// nothing where the C library has no such settings. To be called before the first thread starts.
void adapt_memory_keep(void);

#ifdef __cplusplus
}
#endif
