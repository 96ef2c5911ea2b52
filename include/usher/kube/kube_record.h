/* The set record in a ConfigMap (`--set-record=configmap:NAME`): compare-and-swap by resourceVersion. Its data keys are those of DESIGN 5.2;
 * `cluster-id` and `permit` are plain text, so that a person can patch them, the others JSON. The cluster ID also stands in the annotation
 * etcd-usher.io/cluster-id: data that was emptied but is annotated still is a record with a cluster ID. The ConfigMap is made by the chart: one
 * that does not exist is unreadable, never empty. */
#ifndef USHER_KUBE_KUBE_RECORD_H
#define USHER_KUBE_KUBE_RECORD_H

#include "usher/core/set_record.h"
#include "usher/kube/kube_client.h"

struct kube_record {
    struct kube_client *client; /* borrowed */
    char name[NAME_BYTES];
    json_t *seen; /* the ConfigMap as read last: what a swap changes and writes back */
};

void kube_record_init(struct kube_record *store, struct kube_client *client, const char *name);
void kube_record_done(struct kube_record *store);

USHER_MUST_CHECK bool kube_record_read(struct kube_record *store, struct deadline deadline, struct set_record *out,
                                       struct usher_error *err);
/* Writes record over what was read last, if that has record->version. False with *out_conflict: somebody else wrote first. */
USHER_MUST_CHECK bool kube_record_swap(struct kube_record *store, const struct set_record *record, struct deadline deadline,
                                       bool *out_conflict, struct usher_error *err);

/* The parts, for tests: from a ConfigMap object, and onto one (the keys that we do not know are kept). */
USHER_MUST_CHECK bool kube_record_from_json(const json_t *config_map, struct set_record *out, struct usher_error *err);
USHER_MUST_CHECK bool kube_record_onto_json(const struct set_record *record, json_t *config_map, struct usher_error *err);

#endif
