/* What the Kubernetes API's word is worth (DESIGN 4.3): is this seat given up, and may a seat be taken away whose pod is gone? Half an answer
 * proves nothing; 403, 404, a time-out and a malformed reply are all "unknown". */
#ifndef USHER_CORE_LEAVE_PROOF_H
#define USHER_CORE_LEAVE_PROOF_H

#include "usher/core/leave_decision.h"

/* Our own seat. `our_uid` is this life's pod UID; another pod of our name is not us. */
enum leave_proof leave_prove(const struct pod_facts *pod, const struct stateful_set_facts *set, const char *our_uid);

/* Does the API show our own pod's end? */
enum tri leave_pod_is_deleted(const struct pod_facts *pod, const char *our_uid);

/* KEP-3335: is this ordinal outside [start, start + replicas)? Unknown while replicas is 0 (a pause), the set is deleted, or anything is
 * not known. */
enum tri stateful_set_gave_up(const struct stateful_set_facts *set, int64_t ordinal);

/* The number at the end of "NAME-7" when what stands before it is `set_name`; -1 otherwise. */
int64_t stateful_set_ordinal(const char *set_name, const char *pod_name);

#endif
