/* GET / for a browser: who we are, what was decided last and why, and the members as the last barrier read listed them. One file without
 * scripts or links to elsewhere; it asks for itself again every two seconds. All text is escaped: names come from etcd. */
#ifndef USHER_SERVE_PAGE_HTML_H
#define USHER_SERVE_PAGE_HTML_H

#include "usher/host/bounded_text.h"
#include "usher/serve/snapshot.h"

void page_html_write(const struct snapshot *snapshot, const char *version, int64_t now_ms, struct bounded_text *out_text);

#endif
