/* The API objects that decisions look at, as facts. A pod or a set that does not have the shape that it must have is API_UNKNOWN: half an
 * object proves nothing. */
#ifndef USHER_KUBE_KUBE_OBJECTS_H
#define USHER_KUBE_KUBE_OBJECTS_H

#include "usher/core/leave_proof.h"
#include "usher/kube/kube_client.h"

/* GET one pod. `data_dir` and `wal_dir` ("" = inside the data directory) are looked up in the volumeMounts of our own containers: those that
 * mount a volume there by the longest match; containers that disagree, or none at all, make it VOLUME_UNKNOWN. `name` NULL = our own. */
void kube_read_pod(struct kube_client *client, const struct settings *settings, const char *name, struct deadline deadline,
                   struct pod_facts *out, struct usher_error *err);

void kube_read_stateful_set(struct kube_client *client, const char *name, struct deadline deadline, struct stateful_set_facts *out,
                            struct usher_error *err);

/* The parts, for tests. `now_s` is the wall clock. */
void kube_pod_from_json(const json_t *pod, const char *data_dir, const char *wal_dir, int64_t now_s, struct pod_facts *out);
void kube_stateful_set_from_json(const json_t *set, struct stateful_set_facts *out);

#endif
