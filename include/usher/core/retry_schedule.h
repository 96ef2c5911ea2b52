/* When to ask again. Jittered, capped, without a sum of sleeps that an event could cut short: the caller waits for events until then. */
#ifndef USHER_CORE_RETRY_SCHEDULE_H
#define USHER_CORE_RETRY_SCHEDULE_H

#include "usher/core/etcd_answer.h"

enum retry_class {
    RETRY_UNKNOWN = 0,  /* treated as GENERAL */
    RETRY_READ_AGAIN,   /* outcome unknown, or an answer that says "read the list": at once, then backing off */
    RETRY_TURN,         /* another learner is in: it is somebody else's turn (etcd allows one at a time) */
    RETRY_FIVE_SECONDS, /* etcd's own rule: every voter connected for 5 s. Asking costs little, so short polls catch the moment */
    RETRY_SAME_SECOND,  /* an ID of the same second: wait into the next one */
    RETRY_GENERAL,      /* no leader, not sent, not known */
};

enum retry_class retry_class_of(const struct etcd_answer *answer);

/* `attempts` = refusals in a row so far (0 for the first). Result > 0. Same inputs, same result. */
int64_t retry_delay_ms(enum retry_class class, unsigned attempts, uint64_t random);

#endif
