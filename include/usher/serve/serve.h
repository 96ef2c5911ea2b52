/* The one thread that serves: HTTP (http_server.h) and the control socket (control.h), on one poll. The member loop and this thread
 * meet only in the snapshot board and in the leave request. */
#ifndef USHER_SERVE_SERVE_H
#define USHER_SERVE_SERVE_H

#include "usher/serve/control.h"
#include "usher/serve/http_server.h"
#include "usher/serve/listen_address.h"

struct serve_parts {      /* borrowed; board and leave outlive the thread */
    const char *listen;   /* --listen; "" = no HTTP */
    const char *plan_dir; /* "" = no control socket */
    const char *version;
    struct snapshot_board *board;
    struct leave_request *leave;
    int64_t leave_limit_ms; /* the longest that a caller waits for a verdict: --leave-timeout and a few seconds */
};

struct serve;

/* Opens both sockets, then starts the thread (all signals blocked in it). With glibc it also confines malloc to one arena, so that
 * the second thread does not cost a heap of its own: call it before other threads exist. */
USHER_MUST_CHECK bool serve_start(const struct serve_parts *parts, struct serve **out_serve, struct usher_error *err);
uint16_t serve_port(const struct serve *serve); /* of HTTP; 0 = none */
/* Answers whoever still waits, ends the thread, closes everything. NULL is fine. */
void serve_stop(struct serve *serve);

#endif
