#pragma once
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <readline/readline.h>
#include <readline/history.h>

// Readline is used through globals, which Swift 6 does not let pass; these name the few we need.

/// Set by Ctrl-C while a line is read.
static volatile sig_atomic_t adapt_line_interrupted = 0;

static inline void adapt_on_interrupt(int number) {
  (void)number;
  adapt_line_interrupted = 1;
}

/// Set when Ctrl-C has dropped the line.
static int adapt_line_dropped = 0;

/// What Ctrl-C does as a key.
static inline int adapt_drop_line(int count, int key) {
  (void)count;
  (void)key;
  adapt_line_dropped = 1;
  rl_replace_line("", 0);
  rl_crlf();
  rl_done = 1;
  return 0;
}

/// Waits for a key; a Ctrl-C in between comes as a key of its own. Readline itself would go on waiting
/// after the signal and lose what is typed next.
static inline int adapt_getc(FILE *stream) {
  sigset_t interrupt, before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  int descriptor = fileno(stream);
  for (;;) {
    pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    int interrupted = adapt_line_interrupted, ready = 0;
    if (!interrupted) {
      fd_set waiting;
      FD_ZERO(&waiting);
      FD_SET(descriptor, &waiting);
      ready = pselect(descriptor + 1, &waiting, NULL, NULL, NULL, &before);
      interrupted = adapt_line_interrupted;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (interrupted) {
      adapt_line_interrupted = 0;
      return 3;
    }
    if (ready > 0) return rl_getc(stream);
    if (ready < 0 && errno != EINTR) return EOF;
    // Another signal, such as a new size of the terminal.
    rl_check_signals();
  }
}

/// What the tab key completes, a word a line; ours.
static char *adapt_words = NULL;
/// Where the search for the next completion goes on.
static const char *adapt_next_word = NULL;

/// The words that the tab key completes, a word a line. The text is copied.
static inline void adapt_set_words(const char *words) {
  free(adapt_words);
  adapt_words = strdup(words);
}

/// The next word that begins with `text`, or NULL; `state` is 0 for the first. Readline frees it.
static inline char *adapt_complete(const char *text, int state) {
  if (state == 0) adapt_next_word = adapt_words;
  size_t length = strlen(text);
  while (adapt_next_word && *adapt_next_word) {
    const char *word = adapt_next_word;
    size_t size = strcspn(word, "\n");
    adapt_next_word = word + size + (word[size] == '\n');
    if (size >= length && strncmp(word, text, length) == 0) return strndup(word, size);
  }
  return NULL;
}

/// Reads one line. NULL at the end of input; `*interrupted` is set when Ctrl-C dropped the line.
/// The caller frees the line.
static inline char *adapt_readline(const char *prompt, int *interrupted) {
  struct sigaction action = {0}, previous;
  action.sa_handler = adapt_on_interrupt;
  adapt_line_interrupted = 0;
  adapt_line_dropped = 0;
  rl_catch_signals = 0;
  rl_completion_entry_function = adapt_complete;
  rl_completion_append_character = 0;
  rl_basic_word_break_characters = " \t\n\"\\'`@^<>=;,+-*/{}()[].";
  rl_getc_function = adapt_getc;
  rl_bind_key(3, adapt_drop_line);
  sigaction(SIGINT, &action, &previous);
  char *line = readline(prompt);
  sigaction(SIGINT, &previous, NULL);
  *interrupted = adapt_line_dropped;
  return line;
}

static inline void adapt_set_name(const char *name) { rl_readline_name = name; }
