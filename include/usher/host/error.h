/* One error shape: caller-owned, no allocation, context added on the way up. */
#ifndef USHER_HOST_ERROR_H
#define USHER_HOST_ERROR_H

#include <stdbool.h>

#include "usher/compiler.h"

/* The exit codes of every command (DESIGN 5.4). */
enum usher_exit {
    USHER_EXIT_DONE = 0,
    USHER_EXIT_FAILED = 1,  /* trying again may help */
    USHER_EXIT_USAGE = 2,   /* bad usage or settings */
    USHER_EXIT_REFUSED = 3, /* unsafe: a person must decide */
    USHER_EXIT_TIMEOUT = 4,
};

enum { ERROR_TEXT_BYTES = 4096 }; /* what Kubernetes shows of /dev/termination-log */

struct usher_error {
    enum usher_exit exit; /* USHER_EXIT_FAILED unless set otherwise */
    char text[ERROR_TEXT_BYTES];
};

/* Sets text and exit = USHER_EXIT_FAILED. `err` may be NULL. Always returns false, so that `return usher_error_set(...)` reads well. */
bool usher_error_set(struct usher_error *err, const char *format, ...) USHER_PRINTF(2, 3);
/* Puts "context: " before the text that stands there. */
bool usher_error_wrap(struct usher_error *err, const char *format, ...) USHER_PRINTF(2, 3);
/* As usher_error_set, with ": strerror(number)" after it. */
bool usher_error_errno(struct usher_error *err, int number, const char *format, ...) USHER_PRINTF(3, 4);

#endif
