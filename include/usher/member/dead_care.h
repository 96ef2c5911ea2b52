/* The care for dead members of one kind (sidecar_dead.c): a look at times, the gauges when one is due, one more look at everything right before
 * its removal. What the kinds differ in comes from sidecar_ghost.c and sidecar_janitor.c. */
#ifndef USHER_MEMBER_DEAD_CARE_H
#define USHER_MEMBER_DEAD_CARE_H

#include "usher/member/sidecar.h"

struct dead_kind {
    /* Cheap, by what is known: false costs no call. */
    bool (*may_care)(const struct sidecar *sidecar);
    /* What only this kind must read anew right before a removal; false: not now. */
    bool (*read_again)(struct sidecar *sidecar);
    /* One round; *out_target = whom it is about, 0 = nobody. With GAUGE_DOWN the health of everybody is asked as well. */
    struct dead_decision (*look)(struct sidecar *sidecar, enum gauge_verdict gauge, struct member_id *out_target);
    /* Who it is, for people: "etcd-2", say. */
    void (*name)(const struct sidecar *sidecar, struct member_id target, char out_name[NAME_BYTES]);
    const char *why, *event; /* "member X was removed: " is followed by why */
    enum reason remove;
    int64_t after_ms;
    /* A gauge that shows it connected may have leaked (gauge_watch.h): a second read tells by the leader's silence. Not where only the way
     * between it and the leader may be broken. */
    bool silence_outweighs;
};

/* One turn. */
void dead_care(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind);

/* Which members of the list, ours aside, nothing answers as just now: of the set record, or all. True: there is one. A member that never
 * started has no address to be asked at, and is down. */
bool dead_find_down(const struct sidecar *sidecar, bool only_recorded, bool out_is_down[MEMBERS_MAX]);

#endif
