/* Settings: ONE table in settings.c holds flag, environment names, parser, default, unit and help (DESIGN 5.1). Flag > environment >
 * default; the flag --peer-url is also USHER_PEER_URL; etcd's and etcdctl's own variables serve where DESIGN names them. All bad
 * settings are reported at once, each with source, value and what is allowed. */
#ifndef USHER_HOST_SETTINGS_H
#define USHER_HOST_SETTINGS_H

#include <stdint.h>
#include <stdio.h>

#include "usher/core/janitor_decision.h"
#include "usher/core/join_facts.h"
#include "usher/core/leave_decision.h"
#include "usher/host/error.h"
#include "usher/host/log.h"

enum { SETTING_TEXT_BYTES = 1024, PATH_BYTES = 1024, ENDPOINT_TEXTS_MAX = 32 };

struct tls_settings {
    char cacert[PATH_BYTES], cert[PATH_BYTES], key[PATH_BYTES], server_name[NAME_BYTES];
    char user[NAME_BYTES], password_file[PATH_BYTES]; /* ETCDCTL_USER "name:password" and ETCDCTL_PASSWORD land in `password` */
    char password[NAME_BYTES];
};

struct settings {
    struct join_settings join;   /* name, slot name, peer URLs, policies */
    struct url_list client_urls; /* --client-url */
    char data_dir[PATH_BYTES];   /* /var/lib/etcd */
    char wal_dir[PATH_BYTES];    /* "" = <data_dir>/member/wal */
    size_t endpoint_count;
    char endpoints[ENDPOINT_TEXTS_MAX][URL_BYTES]; /* as written: URL, dns:NAME:PORT, srv:DOMAIN */
    char local_endpoint[URL_BYTES];
    struct tls_settings tls, remote_tls;
    size_t remote_endpoint_count; /* --remote-endpoints: addresses that use the --remote-* credentials */
    char remote_endpoints[ENDPOINT_TEXTS_MAX][URL_BYTES];
    char plan_dir[PATH_BYTES];                  /* /run/etcd-usher */
    char set_record[PATH_BYTES];                /* "", "file:PATH" or "configmap:NAME" */
    char cluster_token[NAME_BYTES];             /* ETCD_INITIAL_CLUSTER_TOKEN / --initial-cluster-token, default etcd-cluster */
    enum leave_policy leave;                    /* proven in Kubernetes, else asked */
    int64_t leave_timeout_ms;                   /* 25 s */
    bool leaves_by_grace;                       /* it was not given: the pod's grace period counts where it is known */
    char leader_preference[SETTING_TEXT_BYTES]; /* comma list of member names or hex IDs */
    unsigned keep_archives;                     /* 1 */
    unsigned promote_samples;                   /* 2 */
    bool promotes_orphans;                      /* own */
    int64_t orphan_after_ms;                    /* 30 s */
    int64_t ghost_after_ms;                     /* 5 m */
    int64_t janitor_after_ms;                   /* 0 = off */
    unsigned min_voters;                        /* 3 */
    char listen[URL_BYTES];                     /* ":2383" */
    int64_t timeout_ms;                         /* --timeout, 0 = for ever */
    bool render_config;                         /* init --render-config */
    bool with_init;                             /* sidecar --with-init */
    char pod_name[NAME_BYTES], pod_namespace[NAME_BYTES], pod_uid[NAME_BYTES];
    bool in_kubernetes; /* KUBERNETES_SERVICE_HOST is set */
    enum log_format log_format;
    enum log_level log_level;
};

enum settings_command { SETTINGS_FOR_UNKNOWN = 0, SETTINGS_FOR_INIT, SETTINGS_FOR_SIDECAR, SETTINGS_FOR_LEAVE, SETTINGS_FOR_STATUS };

/* Fills *out from argv (after the subcommand's name) and environ. `environment` is a NULL-terminated KEY=VALUE array. False: err lists ALL
 * bad settings, one a line, exit = USHER_EXIT_USAGE. --help and --version are the caller's. */
USHER_MUST_CHECK bool settings_read(enum settings_command command, int argc, char *const argv[], char *const environment[],
                                    struct settings *out, struct usher_error *err);
void settings_print_help(FILE *to, enum settings_command command); /* the table, for people */

USHER_MUST_CHECK bool duration_parse(const char *text, int64_t *out_ms, struct usher_error *err); /* 250ms, 5s, 2m, 1h; 0 alone */
USHER_MUST_CHECK bool size_parse(const char *text, int64_t *out_bytes, struct usher_error *err);  /* 64KiB, 2GiB, plain bytes */

#endif
