/* Signals and other threads become ordinary events: one eventfd and one signalfd that the loop polls.
 * SIGTERM, SIGINT (both = asked to stop), SIGHUP (reload), SIGPIPE ignored. */
#ifndef USHER_HOST_WAKE_H
#define USHER_HOST_WAKE_H

#include <stdbool.h>

#include "usher/host/deadline.h"
#include "usher/host/error.h"

struct wake; /* one a process; made before any thread starts, so that the mask is inherited */

USHER_MUST_CHECK bool wake_new(struct wake **out_wake, struct usher_error *err);
void wake_free(struct wake *wake);
void wake_poke(struct wake *wake);        /* from any thread */
bool wake_is_stopping(struct wake *wake); /* SIGTERM or SIGINT has come (looks without blocking) */
bool wake_take_poke(struct wake *wake);   /* has anyone poked since the last take? clears it */
/* Sleeps until a poke, a signal or the deadline. True when something came. */
bool wake_wait(struct wake *wake, struct deadline deadline);
/* File descriptors to add to a foreign poll set (curl_multi_poll): readable when something came. */
int wake_fd(const struct wake *wake);

#endif
