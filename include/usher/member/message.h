/* What a decision says to a person: what was seen, what it means, what to do next, and the exact permit command where one would help. */
#ifndef USHER_MEMBER_MESSAGE_H
#define USHER_MEMBER_MESSAGE_H

#include <stddef.h>

#include "usher/core/join_decision.h"
#include "usher/host/settings.h"

/* Extra words of this machine that the facts do not hold; any may be NULL or empty. */
struct message_details {
    const char *wal_problem, *place_detail, *record_problem, *notes_problem, *set_record;
    const char *data_dir, *pod_namespace; /* for the permit command */
};

/* One paragraph, no newline at its end; cut at out_bytes. */
void message_for_join(const struct join_facts *facts, const struct join_decision *decision, const struct message_details *details,
                      char *out_text, size_t out_bytes);

#endif
