/* dns:NAME:PORT and srv:DOMAIN -> client URLs, inside a deadline: the resolver runs in a thread of its own that is left behind when the
 * deadline comes (getaddrinfo and res_query have no deadline). Start all, then finish each, so that they share one deadline. */
#ifndef USHER_ETCD_RESOLVE_H
#define USHER_ETCD_RESOLVE_H

#include "usher/core/cluster_view.h"
#include "usher/host/deadline.h"
#include "usher/host/error.h"

enum { RESOLVED_MAX = 32 };

struct resolved {
    size_t count;
    char urls[RESOLVED_MAX][URL_BYTES];
    char names[RESOLVED_MAX][NAME_BYTES]; /* what the server's certificate must hold */
};

enum resolve_outcome {
    RESOLVE_UNANSWERED = 0, /* nothing is known of that name: too late an answer, or a name server that fails */
    RESOLVE_NO_SUCH_NAME,
    RESOLVE_FOUND,
};

struct resolve_job;

/* dns: all A and AAAA addresses, http or https by `uses_tls`. srv: _etcd-client-ssl._tcp, then _etcd-client._tcp, as etcdctl's
 * discovery-srv. NULL when no thread can be had; finish then says so. */
struct resolve_job *resolve_start(const char *text, bool uses_tls);
/* Waits until the deadline and lets go of the job. Not FOUND: err has the resolver's words, *out is untouched. */
USHER_MUST_CHECK enum resolve_outcome resolve_finish(struct resolve_job *job, struct deadline deadline, struct resolved *out,
                                                     struct usher_error *err);

#endif
