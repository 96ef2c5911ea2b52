/* A snapshot of everything that a join decision looked at, as JSON: saved as facts.json in the plan directory at each decision, read back by
 * `etcd-usher explain`. What is not in the JSON is unknown in the facts. No secrets: addresses, IDs, names. */
#ifndef USHER_MEMBER_FACTS_JSON_H
#define USHER_MEMBER_FACTS_JSON_H

#include "usher/core/join_facts.h"
#include "usher/host/bounded_text.h"
#include "usher/host/error.h"

/* Appends pretty-printed JSON. */
USHER_MUST_CHECK bool facts_json_write(const struct join_facts *facts, struct bounded_text *out_text, struct usher_error *err);

/* Storage that read facts point into; large, so the caller allocates it. */
struct facts_storage {
    struct cluster_view view;
    struct set_record record;
};
/* `out` and `storage` are zeroed first. False (err names the bad value): nothing in `out` may be used. */
USHER_MUST_CHECK bool facts_json_read(const char *text, size_t length_bytes, struct facts_storage *storage, struct join_facts *out,
                                      struct usher_error *err);

#endif
