/* From the loop's own state to the snapshot that HTTP and the control socket read. */
#ifndef USHER_COMMAND_PUBLISH_H
#define USHER_COMMAND_PUBLISH_H

#include "usher/member/sidecar.h"
#include "usher/serve/snapshot.h"

/* `out` is inited first. */
void publish_fill(const struct sidecar *sidecar, struct snapshot *out);

#endif
