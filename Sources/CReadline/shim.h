#pragma once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <readline/readline.h>
#include <readline/history.h>

// Readline is used through globals, which Swift 6 does not let pass; these name the few we need.

/// Set by Ctrl-C while a line is read.
static volatile sig_atomic_t adapt_line_interrupted = 0;

static inline void adapt_on_interrupt(int number) {
  (void)number;
  adapt_line_interrupted = 1;
}

/// Called by readline when a signal has ended its wait: drop the line and return.
static inline int adapt_drop_line(void) {
  if (adapt_line_interrupted) {
    rl_replace_line("", 0);
    rl_crlf();
    rl_done = 1;
  }
  return 0;
}

/// Reads one line. NULL at the end of input; `*interrupted` is set when Ctrl-C dropped the line.
/// The caller frees the line.
static inline char *adapt_readline(const char *prompt, int *interrupted) {
  struct sigaction action = {0}, previous;
  action.sa_handler = adapt_on_interrupt;
  adapt_line_interrupted = 0;
  rl_catch_signals = 0;
  rl_signal_event_hook = adapt_drop_line;
  sigaction(SIGINT, &action, &previous);
  char *line = readline(prompt);
  sigaction(SIGINT, &previous, NULL);
  *interrupted = adapt_line_interrupted;
  return line;
}

static inline void adapt_set_name(const char *name) { rl_readline_name = name; }
