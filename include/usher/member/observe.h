/* Fills the facts of the join decision from disk, plan directory, set record and etcd. Decides nothing; a part that could not be read stays
 * unknown. Looks at etcd for at most `look` of time; when data exists that we did not leave, that is LOOK_WITH_DATA_MS (I10). */
#ifndef USHER_MEMBER_OBSERVE_H
#define USHER_MEMBER_OBSERVE_H

#include "usher/core/quorum.h"
#include "usher/member/usher.h"

enum {
    LOOK_WITH_DATA_MS = 3000,
    LOOK_MS = 5000,
    LOOK_WHERE_ADDED_MS = 1000,
    RECORD_READ_MS = 1000,
    GAUGE_READ_MS = 1000,
    HEALTH_LOOK_MS = 1000
};

/* After this usher->facts is whole. Reads the gauges only where a row asks for them. */
void observe_join(struct usher *usher);

/* The parts, for the sidecar's own turns. */
void observe_disk(struct usher *usher);
void observe_record(struct usher *usher);
/* Everybody that we know of: --endpoints and the client URLs last seen. */
void observe_cluster(struct usher *usher, struct deadline deadline);

/* For a look: one address (a second time, or an empty one: ignored), and all that we know of: --endpoints, and the client URLs last seen as
 * the notes beside the data and the set record hold them. */
void observe_add_address(struct look_request *request, const char *text, bool is_remembered);
void observe_add_known_addresses(const struct usher *usher, struct look_request *request);

/* Which members of the view's list are healthy (4.4); asks those that the look did not ask, in parallel. */
void observe_health(const struct usher *usher, struct quorum_health *out);

/* Endpoints whose answer belongs to another cluster and does not count (G5), taken out of the view; for the warning. */
struct strays {
    size_t count;
    char lines[8][URL_BYTES + 64]; /* "address (cluster hex)" */
};
void observe_drop_strays(struct usher *usher, struct strays *out);

#endif
