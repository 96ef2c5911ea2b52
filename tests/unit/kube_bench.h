/* The Kubernetes API's client in a test's hands: a service account's folder, a TLS server of the test's own (fake_tls.h), one call. */
#ifndef TESTS_UNIT_KUBE_BENCH_H
#define TESTS_UNIT_KUBE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_tls.h"
#include "scratch.h"
#include "usher/kube/kube_client.h"

enum { LONG_MS = 60000, SOON_MS = 20000 };

#define TOKEN "eyJ-first.token"
#define PATH "/api/v1/namespaces/ns/pods/etcd-0"
#define STATUS_OF(reason, kind, name)                                                                                                      \
    "{\"kind\":\"Status\",\"message\":\"in the server's words\",\"reason\":\"" reason "\",\"details\":{\"name\":\"" name                   \
    "\",\"kind\":\"" kind "\"}}"

/* One at a time: each test begins anew. */
extern struct fake_tls tls;
extern struct settings settings;
extern struct kube_client client;
extern const char *folder;

int kube_bench_set_up(void **state); /* pod etcd-0 in namespace ns, token TOKEN */
void write_token(const char *token);
void begin_as(const char *address, const struct fake_tls_reply *replies, size_t count);
void end(void);

#define SAY(code, text)                                                                                                                    \
    {                                                                                                                                      \
        .status = (code), .body = (text)                                                                                                   \
    }
#define SAY_AND(code, text, ...)                                                                                                           \
    {                                                                                                                                      \
        .status = (code), .body = (text), __VA_ARGS__                                                                                      \
    }

#define BEGIN(...)                                                                                                                         \
    const struct fake_tls_reply replies[] = {__VA_ARGS__};                                                                                 \
    (void)state;                                                                                                                           \
    begin_as("127.0.0.1", replies, sizeof replies / sizeof replies[0])

struct asked {
    bool is_good, is_missing;
    long status;
    int64_t took_ms;
    char problem[sizeof((struct usher_error *)NULL)->text];
    char kind[64];
};

struct asked ask(const char *method, const char *path, const char *body, int limit_ms);
struct asked get(void);
int requests(void);

#endif
