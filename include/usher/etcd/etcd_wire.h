/* etcd's JSON gateway: text <-> values, no network. 64-bit IDs are decimal strings; zero and empty fields are left out by etcd. A reply with
 * anything odd (a wrong type, a duplicate ID, too many members) is rejected whole: half a member list is worse than none. */
#ifndef USHER_ETCD_ETCD_WIRE_H
#define USHER_ETCD_ETCD_WIRE_H

#include "usher/core/etcd_answer.h"
#include "usher/host/bounded_text.h"
#include "usher/host/error.h"
#include "usher/member/world.h"

struct etcd_header {
    struct cluster_id cluster;
    struct member_id member;
};

USHER_MUST_CHECK bool etcd_wire_read_header(const char *text, size_t bytes, struct etcd_header *out, struct usher_error *err);
/* JSON, and an object: all that etcd's answer to transfer-leadership is ("{}", without a header, in every version). */
USHER_MUST_CHECK bool etcd_wire_is_object(const char *text, size_t bytes);
USHER_MUST_CHECK bool etcd_wire_read_list(const char *text, size_t bytes, struct etcd_header *out_header, struct member_list *out_list,
                                          struct usher_error *err);
USHER_MUST_CHECK bool etcd_wire_read_status(const char *text, size_t bytes, struct etcd_status *out, struct usher_error *err);
/* Member add: the new member's ID. */
USHER_MUST_CHECK bool etcd_wire_read_added(const char *text, size_t bytes, struct etcd_header *out_header, struct member_id *out_added,
                                           struct usher_error *err);
USHER_MUST_CHECK bool etcd_wire_read_token(const char *text, size_t bytes, char *out_token, size_t token_bytes, struct usher_error *err);

/* etcd's refusal, by its message text (never by HTTP status: builds differ). out_message gets etcd's words, or the start of a body
 * that is not JSON. */
enum etcd_refusal etcd_wire_read_refusal(const char *text, size_t bytes, char *out_message, size_t message_bytes);
/* Of a write: was the outcome left open by etcd itself (its own time-outs, a leader that went away)? */
bool etcd_refusal_is_ambiguous(enum etcd_refusal refusal);

/* Request bodies. Appended to `out`. */
void etcd_wire_write_urls(struct bounded_text *out, const char *prefix, const struct url_list *urls, const char *suffix);

/* Prometheus text -> one reading about `target`. has_gauges: this much of it holds all that a reading needs; etcd's metrics are in the order of
 * their names, and what follows is most of them. */
bool etcd_wire_has_gauges(const char *text, size_t bytes);
void etcd_wire_read_gauges(const char *text, size_t bytes, struct member_id target, struct gauge_reading *out);

#endif
