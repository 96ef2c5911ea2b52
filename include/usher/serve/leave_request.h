/* Requests to leave, shared by everyone who asks (GET /prestop, the control socket): ONE evaluation answers all who asked before it
 * last looked. The callers' side runs on the serving thread, the loop's side on the member loop's thread; both are safe from any
 * thread.
 *
 * A caller is answered only by an evaluation that looked after he asked: a hook that comes one moment after the pod got its
 * deletionTimestamp must not get the STAY of an evaluation that read the pod one moment before. So the loop calls
 * leave_request_pending() at the start of each turn, BEFORE it observes, and leave_request_done() answers those who were there at
 * the last such call.
 *
 * A verdict answers later callers without a new evaluation only when it was declared reusable (taken with the deletionTimestamp
 * set, or we have left), and only callers who ask no more strongly than the evaluation that gave it: the order of an operator is
 * never answered with the verdict on a hook. */
#ifndef USHER_SERVE_LEAVE_REQUEST_H
#define USHER_SERVE_LEAVE_REQUEST_H

#include <stdint.h>

#include "usher/core/leave_decision.h"
#include "usher/core/reason.h"
#include "usher/host/error.h"
#include "usher/host/wake.h"

enum { LEAVE_TEXT_BYTES = 1024 };

struct leave_verdict {
    enum usher_exit exit;
    enum reason reason;
    char text[LEAVE_TEXT_BYTES]; /* one line, for people */
    bool is_reusable;
};

struct leave_request;

/* `wake_or_null` is borrowed: poked when somebody asks. */
USHER_MUST_CHECK bool leave_request_new(struct wake *wake_or_null, struct leave_request **out_request, struct usher_error *err);
void leave_request_free(struct leave_request *request); /* NULL is fine */

/* -- the callers' side -- */
/* Asks. The ticket is what the answer is asked for with; it costs nothing and need not be given back. */
uint64_t leave_request_ask(struct leave_request *request, enum leave_asked how);
/* True when the ticket's verdict is there. */
bool leave_request_verdict(struct leave_request *request, uint64_t ticket, struct leave_verdict *out_verdict);
/* The number of the last progress line and its text (cut to `text_bytes`); 0 = none in this evaluation. */
uint64_t leave_request_progress(struct leave_request *request, char *out_text, size_t text_bytes);
/* Readable when a verdict or a progress line came; leave_request_clear_notice() before looking. */
int leave_request_notice_fd(const struct leave_request *request);
void leave_request_clear_notice(struct leave_request *request);

/* -- the loop's side -- */
/* Does anyone wait? out_how = the strongest way it was asked. Whoever is there now is answered by the next leave_request_done(). */
bool leave_request_pending(struct leave_request *request, enum leave_asked *out_how);
void leave_request_say(struct leave_request *request, const char *text);
void leave_request_done(struct leave_request *request, enum usher_exit exit, enum reason reason, const char *text, bool is_reusable);

#endif
