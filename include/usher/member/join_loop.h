/* observe -> decide -> apply -> publish -> wait, until etcd may start (or must not). Used by init, by `sidecar --with-init`, and turn by turn
 * by the sidecar while etcd was never started. */
#ifndef USHER_MEMBER_JOIN_LOOP_H
#define USHER_MEMBER_JOIN_LOOP_H

#include "usher/member/usher.h"

struct join_turn {
    struct join_decision decision;
    bool is_finished; /* a plan stands (START, START_JOINING, FOUND), or KEEP, HOLD_REMOVED */
    bool is_refused;
    int64_t again_in_ms; /* when not finished */
};

/* One whole turn. False: this machine failed (err); trying again may help. The message for people is in usher->message. */
USHER_MUST_CHECK bool join_turn(struct usher *usher, struct join_turn *out_turn, struct usher_error *err);

/* Turns until finished, refused, asked to stop, or the deadline. Logs each new wait, and again every 10 s with how long it has waited. */
enum usher_exit join_run(struct usher *usher, struct deadline deadline, struct usher_error *err);

#endif
