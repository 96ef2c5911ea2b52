/* The words for the enumerations in a facts snapshot; index = enum value. One table serves writing and reading. */
#ifndef USHER_MEMBER_FACTS_WORDS_H
#define USHER_MEMBER_FACTS_WORDS_H

#include <stddef.h>

struct word_table {
    const char *key;
    size_t count;
    const char *const *words;
};

#define USHER_WORDS(name, key, ...)                                                                                                        \
    static const char *const name##_list[] = {__VA_ARGS__};                                                                                \
    static const struct word_table name = {key, sizeof name##_list / sizeof name##_list[0], name##_list}

USHER_WORDS(words_tri, "yes-no", "unknown", "no", "yes");
USHER_WORDS(words_place, "data-place", "unknown", "good", "missing", "not-mounted", "wal-elsewhere");
USHER_WORDS(words_wal, "wal", "unknown", "none", "ids", "remains", "torn", "unreadable");
USHER_WORDS(words_live, "live", "unknown", "unreachable", "no-quorum", "reachable");
USHER_WORDS(words_endpoint, "endpoint", "unknown", "unreachable", "no-quorum", "learner", "serving", "refuses");
USHER_WORDS(words_gauge, "gauge", "unknown", "connected", "down");
USHER_WORDS(words_record, "record", "unknown", "not-configured", "unreadable", "empty", "claimed", "cluster");
USHER_WORDS(words_bootstrap, "bootstrap", "unknown", "never", "record", "once");
USHER_WORDS(words_policy, "policy", "unknown", "refuse", "act");
USHER_WORDS(words_rejoin, "rejoin", "unknown", "at-start", "always", "never");

#endif
