/* The answers to probes, worked out from the last snapshot at the moment of the request. */
#ifndef USHER_SERVE_PROBE_VERDICT_H
#define USHER_SERVE_PROBE_VERDICT_H

#include "usher/host/bounded_text.h"
#include "usher/serve/snapshot.h"

enum probe { PROBE_UNKNOWN = 0, PROBE_LIVE, PROBE_READY, PROBE_STARTUP, PROBE_ETCD_LIVE, PROBES };

const char *probe_word(enum probe probe); /* "livez", "readyz", "startupz", "etcd/livez" */

/* The parts of a verdict as a bit each: bit n is set when part n FAILED; 0 = passed. So two verdicts are compared at the cost of
 * one comparison. The judge is health_judge(): a part is what it says when everything else is well. */
uint32_t probe_judge(const struct snapshot *snapshot, enum probe probe, int64_t now_ms);

/* The n-th part: its name, and why it fails when it fails. False past the last one. Both texts live as long as the snapshot. */
bool probe_part(const struct snapshot *snapshot, enum probe probe, unsigned part, const char **out_name, const char **out_why_failed);

/* As Kubernetes writes it: "ok\n" when passed and not verbose; else a line a part, "[+]name ok" or "[-]name failed: why", and
 * "readyz check passed" or "readyz check failed". */
void probe_text(const struct snapshot *snapshot, enum probe probe, uint32_t failed_parts, bool is_verbose, struct bounded_text *out_text);

#endif
