/* Renders the start plan into the files of --plan-dir: `launch` (for the launcher), `etcd.env`, `plan.json` (for people), and with
 * --render-config `etcd.json`. Each is written whole by rename, mode 0640; `launch` last, because the launcher acts on it. */
#ifndef USHER_MEMBER_PLAN_H
#define USHER_MEMBER_PLAN_H

#include "usher/core/join_facts.h"
#include "usher/core/plan.h"
#include "usher/host/settings.h"

/* Unchanged content is not written again (the launcher watches the file). */
USHER_MUST_CHECK bool plan_write(const struct settings *settings, const struct plan *plan, struct usher_error *err);

/* Removes launch, etcd.env, etcd.json, plan.json and facts.json of an earlier life. */
USHER_MUST_CHECK bool plan_discard(const struct settings *settings, struct usher_error *err);

/* What stands in `launch` now. ABSENT, READ or UNREADABLE (not whole); the state and whether it founds are filled for READ. */
enum plan_file_state { PLAN_FILE_UNKNOWN = 0, PLAN_FILE_ABSENT, PLAN_FILE_READ, PLAN_FILE_UNREADABLE };
enum plan_file_state plan_read(const struct settings *settings, enum plan_state *out_state, bool *out_is_new);

/* facts.json: what the last decision looked at, read by `etcd-usher explain`. Not fsynced. */
USHER_MUST_CHECK bool plan_save_facts(const struct settings *settings, const struct join_facts *facts, struct usher_error *err);

/* "Removed while this pod ran": remembered by pod UID (or "-" outside Kubernetes) in the plan directory, file `removed`. */
USHER_MUST_CHECK bool plan_remember_removed(const struct settings *settings, struct usher_error *err);
bool plan_was_removed(const struct settings *settings);

/* --render-config: a complete etcd config file from the ETCD_* settings of this container's environment; enable-grpc-gateway on, because
 * etcd 3.4 turns it off with a config file. False when a setting is missing that etcd would then silently default (TLS). */
USHER_MUST_CHECK bool plan_write_etcd_config(const struct settings *settings, const struct plan *plan, char *const environment[],
                                             struct usher_error *err);

#endif
