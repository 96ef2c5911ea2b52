/* The set record as JSON (DESIGN 5.2): {"claim":{"slot","nonce","time"}, "cluster-id":"hex", "slots":{"name":"hex"}, "endpoints":[...],
 * "forgotten":["hex"], "permit":"text"}. */
#ifndef USHER_HOST_RECORD_JSON_H
#define USHER_HOST_RECORD_JSON_H

#include "usher/core/set_record.h"
#include "usher/host/bounded_text.h"
#include "usher/host/error.h"

/* Fills *out, state settled, version empty. False (out untouched): not JSON, or a value of a wrong kind; err says which. */
USHER_MUST_CHECK bool record_json_read(const char *text, size_t length_bytes, struct set_record *out, struct usher_error *err);

/* Appends the record as JSON; keys of `old_text` that we do not know are kept. */
USHER_MUST_CHECK bool record_json_write(const struct set_record *record, const char *old_text, size_t old_length_bytes,
                                        struct bounded_text *out_text, struct usher_error *err);

#endif
