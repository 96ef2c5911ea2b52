/* The Kubernetes API's objects. */
#include <jansson.h>

#include "targets.h"
#include "usher/kube/kube_objects.h"

static void feed_objects(const char *bytes, size_t length)
{
    json_t *root = json_loadb(bytes, length, 0, NULL);
    struct pod_facts pod = {0};
    struct stateful_set_facts set = {0};

    if (root == NULL)
        return;
    kube_pod_from_json(root, "/var/lib/etcd", "", 1700000000, &pod);
    fuzz_require(pod.answer == API_FOUND || pod.answer == API_UNKNOWN, "an object is never `not found`");
    fuzz_require(pod.answer != API_FOUND || (pod.uid[0] != '\0' && fuzz_is_terminated(pod.uid, sizeof pod.uid)), "a pod has its UID");
    fuzz_require(pod.grace_left_ms >= -1 && pod.ordinal >= -1, "figures in their ranges");
    kube_stateful_set_from_json(root, &set);
    fuzz_require(set.answer == API_FOUND || set.answer == API_UNKNOWN, "an object is never `not found`");
    fuzz_require(set.answer != API_FOUND || (set.uid[0] != '\0' && set.replicas >= -1 && set.start >= 0 && set.created >= -1),
                 "a set has its UID and its figures");
    json_decref(root);
}

const struct fuzz_target fuzz_kube[] = {
    {"pods and sets", feed_objects, {"wire/kube"}, NULL},
    {0},
};
