/* GET /metrics: the snapshot as Prometheus text (version 0.0.4). Prefix etcd_usher_, base units, counters end in _total, labels of
 * a fixed set of values (reasons, verbs, outcomes, states): no label holds a member, an address or a free text, so the number of
 * series is bounded. `promtool check metrics` finds nothing to say about it. */
#ifndef USHER_SERVE_METRICS_TEXT_H
#define USHER_SERVE_METRICS_TEXT_H

#include "usher/host/bounded_text.h"
#include "usher/serve/snapshot.h"

/* What the server counts about itself. */
struct http_counters {
    uint64_t requests, not_found, bad_methods, cut_off; /* cut off = connections that took too long over one request */
    unsigned connections;
};

/* False: the text's maximum, or no memory. */
USHER_MUST_CHECK bool metrics_text_write(const struct snapshot *snapshot, const struct http_counters *http, const char *version,
                                         int64_t now_ms, struct bounded_text *out_text);

#endif
