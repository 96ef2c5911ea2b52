/* Calls to etcd over its JSON gateway: what struct world promises, for real. Decides nothing. One thread. */
#ifndef USHER_ETCD_ETCD_CLIENT_H
#define USHER_ETCD_ETCD_CLIENT_H

#include "usher/host/settings.h"
#include "usher/http/http_client.h"
#include "usher/member/world.h"

enum {
    TOKEN_BYTES = 1024,
    AUTHENTICATE_EVERY_MS = 5000,
    REPLY_BYTES = 1024 * 1024,
    METRICS_BYTES = 4 * 1024 * 1024,
    FAIR_CHANCE_MS = 20,
    KNOCK_CHANCE_MS = 5,
    SILENCE_KEPT_MS = 1000
};

struct etcd_client {
    const struct settings *settings; /* borrowed */
    struct http_client *http;
    struct http_tls tls, remote_tls;
    char token[TOKEN_BYTES];           /* of etcd's auth; empty = none */
    char token_problem[PROBLEM_BYTES]; /* why the last try to get one failed, in etcd's words; empty = it did not */
    int64_t authenticated_at_ms;       /* last try; -1 = never */
    struct {                           /* addresses that dns: gave, and the name that their certificates must hold */
        char url[URL_BYTES], name[NAME_BYTES];
        struct http_tls tls; /* with that name */
    } dns[ENDPOINTS_MAX];
    size_t dns_count, dns_next; /* when full, the oldest goes */
    /* Who kept silent in the last look although it was given its chance: a look that follows at once does not wait for it again. */
    char silent[ENDPOINTS_MAX][URL_BYTES];
    size_t silent_count;
    int64_t silent_at_ms; /* end of that look */
};

USHER_MUST_CHECK bool etcd_client_init(struct etcd_client *client, const struct settings *settings, int wake_fd, struct usher_error *err);
void etcd_client_done(struct etcd_client *client); /* cleanses the token */

USHER_MUST_CHECK bool etcd_client_look(struct etcd_client *client, const struct look_request *request, struct deadline deadline,
                                       struct cluster_view *out_view, struct usher_error *err);
void etcd_client_statuses(struct etcd_client *client, const char *const *addresses, size_t count, struct deadline deadline,
                          struct etcd_status *out_statuses, bool *out_known);
void etcd_client_gauges(struct etcd_client *client, const char *const *addresses, size_t count, struct member_id target,
                        struct deadline deadline, struct gauge_reading *out_readings);
/* What a success must hold, to count as one. */
enum reply_kind {
    REPLY_HEADER = 0, /* who answered */
    REPLY_ADDED,      /* member add: the new ID, too */
    REPLY_BARE,       /* transfer-leadership: etcd answers "{}", without a header */
};

/* One POST to one address. A refusal or silence fills *out accordingly. `writes`: an etcd-made time-out is UNKNOWN. */
void etcd_client_call(struct etcd_client *client, const char *address, const char *path, const char *body, bool writes,
                      enum reply_kind kind, struct deadline deadline, struct etcd_answer *out);

/* Asks for a token when a user is set and none is held, at most once in AUTHENTICATE_EVERY_MS, at the given addresses until a voter
 * answers (learners refuse). */
void etcd_client_authenticate(struct etcd_client *client, const char *const *addresses, size_t count, struct deadline deadline);

/* What to show and to check at this address; `address` may be an entry of --endpoints as written, too. */
const struct http_tls *etcd_client_tls(const struct etcd_client *client, const char *address);
/* From now on all calls to this address look for the name in its certificate, unless `tls` has a server name. */
void etcd_client_remember_name(struct etcd_client *client, const char *address, const char *name, const struct http_tls *tls);

/* The request's common parts for this address: URL, TLS, token. `url` must hold HTTP_URL_BYTES. */
struct http_request etcd_client_request(struct etcd_client *client, const char *address, const char *path, const char *body, char *url);

#endif
