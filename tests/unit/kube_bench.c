#include "kube_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_tls tls;
struct settings settings;
struct kube_client client;
const char *folder;

void write_token(const char *token) { scratch_write(scratch_path("%s/token", folder), token, strlen(token)); }

int kube_bench_set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    folder = *state;
    memset(&settings, 0, sizeof settings);
    snprintf(settings.pod_name, NAME_BYTES, "etcd-0");
    snprintf(settings.pod_uid, NAME_BYTES, "uid");
    snprintf(settings.pod_namespace, NAME_BYTES, "ns");
    snprintf(settings.data_dir, PATH_BYTES, "/var/lib/etcd");
    setenv("USHER_SERVICE_ACCOUNT_DIR", folder, 1);
    setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
    write_token(TOKEN);
    return 0;
}

void begin_as(const char *address, const struct fake_tls_reply *replies, size_t count)
{
    char port[16];

    fake_tls_start(&tls, scratch_path("%s/ca.crt", folder), address, replies, count);
    snprintf(port, sizeof port, "%u", fake_tls_port(&tls));
    setenv("KUBERNETES_SERVICE_PORT", port, 1);
    assert_true(kube_client_init(&client, &settings, -1, NULL));
}

void end(void)
{
    kube_client_done(&client);
    fake_tls_stop(&tls);
}

struct asked ask(const char *method, const char *path, const char *body, int limit_ms)
{
    struct kube_reply reply = {0};
    struct usher_error err = {0};
    struct asked asked = {0};
    int64_t began_ms = monotonic_ms();

    asked.is_good = kube_call(&client, method, path, body, deadline_in_ms(limit_ms), &reply, &err);
    asked.took_ms = monotonic_ms() - began_ms;
    asked.status = reply.status;
    asked.is_missing = reply.is_missing;
    assert_true(asked.is_good == (reply.body != NULL) && asked.is_good == (err.text[0] == '\0'));
    assert_null(strstr(err.text, "eyJ")); /* no token is ever told */
    memcpy(asked.problem, err.text, sizeof asked.problem);
    snprintf(asked.kind, sizeof asked.kind, "%s", asked.is_good ? json_string_value(json_object_get(reply.body, "kind")) : "");
    json_decref(reply.body);
    return asked;
}

struct asked get(void) { return ask("GET", PATH, NULL, LONG_MS); }

int requests(void) { return atomic_load(&tls.server.requests); }
