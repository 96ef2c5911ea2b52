/* The set record's store behind one small interface: a file today, a ConfigMap in Kubernetes. */
#ifndef USHER_MEMBER_RECORD_STORE_H
#define USHER_MEMBER_RECORD_STORE_H

#include "usher/core/set_record.h"
#include "usher/host/deadline.h"
#include "usher/host/error.h"

struct record_store {
    void *self;      /* borrowed; NULL functions = no set record is configured */
    int64_t keep_ms; /* while we wait, what was read is good for so long: an API server is not asked at every turn */
    /* True: *out filled (state EMPTY, CLAIMED or CLUSTER). False: it could not be read (err), which is never "empty". */
    bool (*read)(void *self, struct deadline deadline, struct set_record *out, struct usher_error *err);
    /* Compare-and-swap by record->version. False: not written; *out_conflict = somebody else wrote first: read again. After any other
     * failure the outcome is unknown: read again, too. */
    bool (*swap)(void *self, const struct set_record *record, struct deadline deadline, bool *out_conflict, struct usher_error *err);
};

#endif
