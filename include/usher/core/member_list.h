/* etcd's member list as a value. Fixed size: a list that does not fit is not read at all (the wire reader reports
 * it), it is never cut short, because a list with a member missing makes a joiner's etcd exit with
 * "member count is unequal" and can make a living member look absent. */
#ifndef USHER_CORE_MEMBER_LIST_H
#define USHER_CORE_MEMBER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "usher/core/ids.h"

enum {
    MEMBERS_MAX = 32,
    MEMBER_URLS_MAX = 8,
    URL_BYTES = 320, /* scheme, a DNS name of 253 bytes, port */
    NAME_BYTES = 256,
    VERSION_BYTES = 32,
};

struct url_list {
    size_t count;
    char url[MEMBER_URLS_MAX][URL_BYTES];
};

struct member {
    struct member_id id;
    bool is_learner;
    char name[NAME_BYTES]; /* empty until the member has published; not an identity */
    struct url_list peer_urls;
    struct url_list client_urls; /* empty = never started (etcd publishes them when it first serves) */
};

struct member_list {
    size_t count;
    struct member members[MEMBERS_MAX];
};

/* Started = its client URLs are known. A name alone proves nothing: members of an initial bootstrap have one before they ever ran. */
bool member_is_started(const struct member *member);

/* NULL when absent. The result points into the list. */
const struct member *member_list_find(const struct member_list *list, struct member_id id);

/* Any peer URL in common with `urls`, as etcd's own check (it refuses an add on overlap, not on equality). Byte-exact
 * comparison after dropping one trailing slash. NULL when nobody has one. */
const struct member *member_list_find_by_peer_url(const struct member_list *list, const struct url_list *urls);

/* How many members share a peer URL with `urls` (two = the caller must refuse). */
size_t member_list_count_by_peer_url(const struct member_list *list, const struct url_list *urls);

/* The learner other than `except` that takes the place that the next joiner waits for: one that never started first. NULL = none. */
const struct member *member_list_find_learner(const struct member_list *list, struct member_id except);

bool url_equals(const char *a, const char *b);
bool url_list_contains(const struct url_list *list, const char *url);
bool url_list_overlaps(const struct url_list *a, const struct url_list *b);

size_t member_list_voter_count(const struct member_list *list);
size_t member_list_learner_count(const struct member_list *list);

#endif
