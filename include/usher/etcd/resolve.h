/* dns:NAME:PORT and srv:DOMAIN -> client URLs, inside a deadline: the resolver runs in a thread of its own that is left behind when the
 * deadline comes (getaddrinfo and res_query have no deadline). */
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

/* dns: all A and AAAA addresses, http or https by `uses_tls`. srv: _etcd-client-ssl._tcp, then _etcd-client._tcp, as etcdctl's
 * discovery-srv. False: err has the resolver's words. */
USHER_MUST_CHECK bool resolve_endpoints(const char *text, bool uses_tls, struct deadline deadline, struct resolved *out,
                                        struct usher_error *err);

#endif
