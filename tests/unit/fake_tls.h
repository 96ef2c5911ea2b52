/* An https server of raw answers for tests, upon fake_server.h: certificates of its own, and one answer a request, in the order of `replies`
 * (the last one again and again). */
#ifndef TESTS_UNIT_FAKE_TLS_H
#define TESTS_UNIT_FAKE_TLS_H

#include <openssl/ssl.h>

#include "fake_server.h"

enum { FAKE_TLS_KEPT = 8 };

struct fake_tls_reply {
    int status;                /* 0 = nothing is said, until the peer goes */
    const char *body, *header; /* header: further lines, each with its end; NULL = none */
    size_t claims, repeats;    /* Content-Length when it is not the body's; the body so many times more */
    void (*first)(void *self); /* called before it is sent */
};

struct fake_tls {
    struct fake_server server;
    SSL_CTX *context;
    const struct fake_tls_reply *replies;
    size_t reply_count;
    void *self;                                       /* of `first` */
    char requests[FAKE_TLS_KEPT][FAKE_REQUEST_BYTES]; /* the first ones, whole */
};

/* An authority of its own, written to `ca_file`, and a certificate of it for `address`. */
void fake_tls_start(struct fake_tls *tls, const char *ca_file, const char *address, const struct fake_tls_reply *replies, size_t count);
void fake_tls_stop(struct fake_tls *tls);
unsigned fake_tls_port(const struct fake_tls *tls);

#endif
