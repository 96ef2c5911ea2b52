/* usher.json beside the data (DESIGN 5.2): one versioned JSON file, written whole and durably (0640). What this volume remembers. */
#ifndef USHER_HOST_USHER_FILE_H
#define USHER_HOST_USHER_FILE_H

#include "usher/core/set_record.h"
#include "usher/host/error.h"

struct usher_file {
    char pod_namespace[NAME_BYTES], slot[NAME_BYTES]; /* whose volume this is; empty = not yet said */
    struct {
        struct cluster_id cluster;
        struct member_id member;
    } join_record, left;
    char nonce[NONCE_BYTES];
    bool nonce_was_used;
    bool was_voter;            /* the voter flag (OrderedReady exception) */
    struct cluster_id cluster; /* of the remembered addresses */
    size_t endpoint_count;
    char endpoints[REMEMBERED_MAX][URL_BYTES]; /* client URLs last seen */
    size_t voter_count;
    struct member_id voters[MEMBERS_MAX];
};

enum usher_file_state { USHER_FILE_UNKNOWN = 0, USHER_FILE_ABSENT, USHER_FILE_READ, USHER_FILE_UNREADABLE };

/* Unknown members of the JSON are ignored; an unknown newer version is UNREADABLE (never "absent"). IDs are hex strings. */
USHER_MUST_CHECK enum usher_file_state usher_file_read(const char *data_dir, struct usher_file *out, struct usher_error *err);
/* Would a write go through just now? Leaves nothing behind. */
USHER_MUST_CHECK bool usher_file_can_write(const char *data_dir, struct usher_error *err);
USHER_MUST_CHECK bool usher_file_write(const char *data_dir, const struct usher_file *file, struct usher_error *err);

#endif
