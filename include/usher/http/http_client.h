/* The one HTTP client (libcurl): requests in parallel under one monotonic deadline, keep-alive, a body cap, no redirects, no proxy.
 * Tells "not sent" from "sent, answer unknown". One client a thread. */
#ifndef USHER_HTTP_HTTP_CLIENT_H
#define USHER_HTTP_HTTP_CLIENT_H

#include <stddef.h>

#include "usher/host/bounded_text.h"
#include "usher/host/deadline.h"
#include "usher/host/error.h"

enum { HTTP_BATCH_MAX = 256, HTTP_URL_BYTES = 512 };

/* Borrowed for the whole batch; empty or NULL = not set. With a server name, that name is looked for in the certificate instead of the
 * URL's host. */
struct http_tls {
    const char *ca_file, *cert_file, *key_file, *server_name;
};

struct http_request {
    const char *url;           /* copied */
    const char *method;        /* NULL = GET without a body, POST with one; else "PUT" */
    const char *body;          /* copied; NULL = none, else JSON */
    const char *authorization; /* value of the header, copied; NULL = none. Never logged */
    const struct http_tls *tls;
    /* Goes over a connection of its own, and so exactly once: libcurl sends a request again when a kept connection dies under it before the
     * first byte of an answer, POST or not, and nothing turns that off. */
    bool is_write;
    size_t max_body_bytes;
    /* Asked after each piece of the body: true = the rest is not needed, and the reply ends here as ANSWERED. NULL = the whole body. */
    bool (*is_enough)(const char *body, size_t bytes);
    void *tag; /* comes back with the reply */
};

enum http_outcome {
    HTTP_UNKNOWN = 0, /* sent, no whole answer */
    HTTP_NOT_SENT,    /* certain: no byte of the request left this machine */
    HTTP_ANSWERED,
};

struct http_reply {
    enum http_outcome outcome;
    bool tcp_accepted;    /* somebody lives there */
    bool name_unanswered; /* the time was over before the resolver said anything about the URL's host */
    bool name_not_found;  /* the resolver gave no address: no such name, or a name server that fails */
    long status;          /* of ANSWERED */
    const char *body;     /* of ANSWERED; valid inside the callback */
    size_t body_bytes;
    char problem[256]; /* curl's words, when not ANSWERED */
    int64_t took_ms;
};

struct http_client;
struct http_batch;

typedef void (*http_on_reply)(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply);

/* `wake_fd`: readable = the running batch returns early (-1 = none). */
USHER_MUST_CHECK bool http_client_new(int wake_fd, struct http_client **out_client, struct usher_error *err);
void http_client_free(struct http_client *client);

/* Starts a batch; add requests, then run it. Only one batch of a client at a time. */
USHER_MUST_CHECK bool http_batch_begin(struct http_client *client, http_on_reply on_reply, void *self, struct http_batch **out_batch,
                                       struct usher_error *err);
/* Also from inside a callback. A request that cannot be made is answered NOT_SENT at once. */
void http_batch_add(struct http_batch *batch, const struct http_request *request);
/* From inside a callback: the batch ends at the latest then. */
void http_batch_end_by(struct http_batch *batch, struct deadline deadline);
/* From inside a callback: true while the open request with this tag knocks at an address that has not taken the connection yet. */
bool http_batch_knocks(const struct http_batch *batch, const void *tag);
/* Runs until every request is answered, or the deadline; those without an answer are reported as UNKNOWN or NOT_SENT. Frees the batch.
 * `can_be_interrupted`: ends early when wake_fd becomes readable. False: requests were cut off so, and silence says nothing about the network;
 * what had arrived by then is reported as answered. */
bool http_batch_run(struct http_batch *batch, struct deadline deadline, bool can_be_interrupted);

#endif
