/* One request to the Kubernetes API server, by the in-cluster conventions: KUBERNETES_SERVICE_HOST and _PORT, ca.crt and token in the service
 * account's folder (USHER_SERVICE_ACCOUNT_DIR, else the usual mount). The token is read anew for each request, because the kubelet renews it
 * behind a symbolic link (KEP-1205); a 401 is asked once more. No watch, no list, never resourceVersion=0 (a GET without it is current). */
#ifndef USHER_KUBE_KUBE_CLIENT_H
#define USHER_KUBE_KUBE_CLIENT_H

#include <jansson.h>

#include "usher/host/settings.h"
#include "usher/http/http_client.h"

enum { KUBE_CALL_MS = 3000, KUBE_REPLY_BYTES = 3 * 1024 * 1024 };

struct kube_client {
    struct http_client *http;
    char base[HTTP_URL_BYTES]; /* https://host:port */
    char ca_file[PATH_BYTES], token_file[PATH_BYTES];
    char namespace[NAME_BYTES];
    uint64_t calls, failures; /* for metrics */
    bool gives_way;           /* yours to set: a call ends early, as if at its deadline, when wake_fd becomes readable */
};

struct kube_reply {
    long status;     /* 0 = no answer */
    bool is_missing; /* 404 in the API server's own words: this very object does not exist. A proxy's page, or a server that does not serve
                        that resource (yet), says 404, too, and nothing about the object */
    json_t *body;    /* an object, owned by the caller; NULL = none, or not JSON */
};

/* `wake_fd`: see gives_way, which is false at first; -1 = none. False: no API is configured here (err says what is missing). */
USHER_MUST_CHECK bool kube_client_init(struct kube_client *client, const struct settings *settings, int wake_fd, struct usher_error *err);
void kube_client_done(struct kube_client *client);

/* The path of one object. False when the name is none that Kubernetes allows: empty, cut short or with a slash in it, it would be another path. */
USHER_MUST_CHECK bool kube_path(char out[HTTP_URL_BYTES], const char *group, const char *namespace, const char *resource, const char *name,
                                struct usher_error *err);

/* `path` begins with "/api" or "/apis"; body NULL = GET. True: the API server answered with 2xx; reply->body is set. False: err has the server's
 * own message; reply->status and is_missing tell 403, 404 and 409 apart. At most KUBE_CALL_MS, and never beyond the deadline. */
USHER_MUST_CHECK bool kube_call(struct kube_client *client, const char *method, const char *path, const char *body,
                                struct deadline deadline, struct kube_reply *reply, struct usher_error *err);

/* The part, for tests: is this body of a 404 a Status object that names what the path asks for? */
bool kube_says_missing(const json_t *body, const char *path);

#endif
