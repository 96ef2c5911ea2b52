/* GET /status and `etcd-usher status`: everything that the snapshot holds, as JSON for people and scripts. IDs are hex texts as
 * etcdctl shows them; what is not known is null. */
#ifndef USHER_SERVE_STATUS_JSON_H
#define USHER_SERVE_STATUS_JSON_H

#include "usher/host/bounded_text.h"
#include "usher/serve/snapshot.h"

/* `is_pretty`: indented, with a final newline; else one line without one. False: no memory, or the text's maximum. */
USHER_MUST_CHECK bool status_json_write(const struct snapshot *snapshot, const char *version, int64_t now_ms, bool is_pretty,
                                        struct bounded_text *out_text, struct usher_error *err);

#endif
