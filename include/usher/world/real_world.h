/* `struct world` over real etcd and this machine. */
#ifndef USHER_WORLD_REAL_WORLD_H
#define USHER_WORLD_REAL_WORLD_H

#include "usher/etcd/etcd_client.h"
#include "usher/host/wake.h"
#include "usher/kube/kube_event.h"
#include "usher/kube/kube_objects.h"
#include "usher/kube/kube_record.h"
#include "usher/member/record_store.h"
#include "usher/member/world.h"

struct real_world {
    struct etcd_client client;
    struct wake *wake; /* borrowed */
    struct world world;
    struct record_store store;    /* functions NULL without --set-record */
    char record_path[PATH_BYTES]; /* of file: */
    const struct settings *settings;
    struct kube_client kube; /* kube.http NULL = no API here */
    struct kube_record config_map;
    struct kube_events events;
};

/* Borrows settings and wake. The object must not move afterwards. */
USHER_MUST_CHECK bool real_world_init(struct real_world *real, const struct settings *settings, struct wake *wake, struct usher_error *err);
void real_world_done(struct real_world *real);

#endif
