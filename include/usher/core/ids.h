/* Identities. A member's identity is (cluster ID, member ID), never its name: two clusters often use the same
 * pod names, and a re-added member keeps its name and its URL but gets another ID. 0 means "not known"; etcd's
 * own "no leader" is 0 too. The two are wrapped so that one can never be passed for the other. */
#ifndef USHER_CORE_IDS_H
#define USHER_CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct member_id {
    uint64_t value;
};

struct cluster_id {
    uint64_t value;
};

/* An answer to a yes/no question that may not have been answered. Unknown is never "no". */
enum tri {
    TRI_UNKNOWN = 0,
    TRI_NO,
    TRI_YES,
};

static inline bool member_id_is_known(struct member_id id) { return id.value != 0; }
static inline bool cluster_id_is_known(struct cluster_id id) { return id.value != 0; }

/* Equal and known: two unknown IDs are not the same member. */
static inline bool member_id_equals(struct member_id a, struct member_id b) { return a.value != 0 && a.value == b.value; }
static inline bool cluster_id_equals(struct cluster_id a, struct cluster_id b) { return a.value != 0 && a.value == b.value; }

/* Both known, and different: the only ground on which data may be called foreign. */
static inline bool cluster_id_differs(struct cluster_id a, struct cluster_id b)
{
    return a.value != 0 && b.value != 0 && a.value != b.value;
}

enum { ID_TEXT_BYTES = 17 }; /* 16 hex digits and the final zero */

/* Lower-case hex without padding, as etcd's own log, `etcdctl member list` and metrics labels show it. */
void id_to_hex(uint64_t value, char out_text[ID_TEXT_BYTES]);

/* Hex, leading zeros optional, upper or lower case, 1 to 16 digits, nothing else. False (out untouched) otherwise, and for 0. */
bool id_from_hex(const char *text, uint64_t *out_value);

#endif
