/* Both ends of the control socket (control_protocol.h). The server end has no thread of its own: whoever polls its descriptors runs
 * it (serve.h). */
#ifndef USHER_SERVE_CONTROL_H
#define USHER_SERVE_CONTROL_H

#include <poll.h>
#include <stddef.h>

#include "usher/host/bounded_text.h"
#include "usher/host/deadline.h"
#include "usher/serve/control_protocol.h"
#include "usher/serve/leave_request.h"
#include "usher/serve/snapshot.h"

enum {
    CONTROL_CLIENTS_MAX = 16,
    CONTROL_POLLS_MAX = CONTROL_CLIENTS_MAX + 1,
    CONTROL_REQUEST_MS = 5 * 1000, /* for the one line, and for taking an answer */
};

struct control;

struct control_parts { /* borrowed */
    struct snapshot_board *board;
    struct leave_request *leave;
    const char *version;
    int64_t leave_limit_ms; /* as http_server's prestop_limit_ms */
};

/* Replaces a socket file that an earlier life left behind. */
USHER_MUST_CHECK bool control_new(const struct control_parts *parts, const char *plan_dir, struct control **out_control,
                                  struct usher_error *err);
/* Whoever still waits is told that no verdict came. Removes the socket file. NULL is fine. */
void control_free(struct control *control);

size_t control_polls(const struct control *control, struct pollfd out_polls[CONTROL_POLLS_MAX]); /* how many were filled */
int control_wait_ms(const struct control *control);                                              /* -1 = only when a descriptor is ready */
/* Call after each poll, and when the leave request gave notice: takes lines, answers, ends what is overdue. */
void control_run(struct control *control);

/* -- the client's end -- */
struct control_verdict {
    enum usher_exit exit;
    char reason[64]; /* short name */
};

typedef void (*control_on_progress)(void *self, const char *text);

/* Sends one line (without its newline) and waits for `done`. out_text_or_null gets the text of `done`. False: no sidecar listens
 * there, it went away, or the deadline came (err->exit = USHER_EXIT_TIMEOUT); for a leave the outcome is then not known. */
USHER_MUST_CHECK bool control_ask(const char *plan_dir, const char *line, struct deadline deadline, control_on_progress on_progress_or_null,
                                  void *progress_self, struct control_verdict *out_verdict, struct bounded_text *out_text_or_null,
                                  struct usher_error *err);

#endif
