/* Directed calls, statuses, gauges, tokens. The look is in etcd_look.c. */
#include "usher/etcd/etcd_client.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/etcd/etcd_wire.h"
#include "usher/host/text_file.h"

static struct http_tls tls_of(const struct tls_settings *settings)
{
    return (struct http_tls){settings->cacert, settings->cert, settings->key, settings->server_name};
}

bool etcd_client_init(struct etcd_client *client, const struct settings *settings, int wake_fd, struct usher_error *err)
{
    memset(client, 0, sizeof *client);
    client->settings = settings;
    client->tls = tls_of(&settings->tls);
    client->remote_tls = tls_of(&settings->remote_tls);
    client->authenticated_at_ms = -1;
    return http_client_new(wake_fd, &client->http, err);
}

void etcd_client_done(struct etcd_client *client)
{
    http_client_free(client->http);
    client->http = NULL;
    OPENSSL_cleanse(client->token, sizeof client->token);
}

static bool is_remote(const struct etcd_client *client, const char *address)
{
    for (size_t i = 0; i < client->settings->remote_endpoint_count; i++)
        if (url_equals(client->settings->remote_endpoints[i], address))
            return true;
    return false;
}

const struct http_tls *etcd_client_tls(const struct etcd_client *client, const char *address)
{
    for (size_t i = 0; i < client->dns_count; i++)
        if (url_equals(client->dns[i].url, address))
            return &client->dns[i].tls;
    return is_remote(client, address) ? &client->remote_tls : &client->tls;
}

void etcd_client_remember_name(struct etcd_client *client, const char *address, const char *name, const struct http_tls *tls)
{
    size_t at = 0;

    while (at < client->dns_count && !url_equals(client->dns[at].url, address))
        at++;
    if (at == client->dns_count && at < ENDPOINTS_MAX)
        client->dns_count++;
    else if (at == ENDPOINTS_MAX)
        at = client->dns_next++ % ENDPOINTS_MAX;
    snprintf(client->dns[at].url, URL_BYTES, "%s", address);
    snprintf(client->dns[at].name, NAME_BYTES, "%s", name);
    client->dns[at].tls = *tls;
    if (tls->server_name == NULL || tls->server_name[0] == '\0')
        client->dns[at].tls.server_name = client->dns[at].name;
}

struct http_request etcd_client_request(struct etcd_client *client, const char *address, const char *path, const char *body, char *url)
{
    size_t length = strnlen(address, URL_BYTES);

    if (length > 0 && address[length - 1] == '/')
        length--;
    snprintf(url, HTTP_URL_BYTES, "%.*s%s", (int)length, address, path);
    return (struct http_request){
        .url = url,
        .body = body,
        .authorization = client->token,
        .tls = etcd_client_tls(client, address),
        .max_body_bytes = REPLY_BYTES,
    };
}

struct one_call {
    bool writes;
    enum reply_kind kind;
    struct etcd_answer *out;
};

static bool read_success(struct one_call *call, const struct http_reply *reply, struct etcd_header *out_header, struct usher_error *err)
{
    if (call->kind == REPLY_ADDED)
        return etcd_wire_read_added(reply->body, reply->body_bytes, out_header, &call->out->added, err);
    if (call->kind == REPLY_BARE)
        return etcd_wire_is_object(reply->body, reply->body_bytes) || usher_error_set(err, "the reply is not etcd's JSON");
    return etcd_wire_read_header(reply->body, reply->body_bytes, out_header, err);
}

static void take_call(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct one_call *call = self;
    struct etcd_answer *out = call->out;
    struct etcd_header header = {{0}, {0}};
    struct usher_error err = {0};

    (void)batch;
    (void)tag;
    if (reply->outcome != HTTP_ANSWERED) {
        out->outcome = reply->outcome == HTTP_NOT_SENT ? CALL_NOT_SENT : CALL_UNKNOWN;
        snprintf(out->message, sizeof out->message, "%s", reply->problem);
        return;
    }
    if (reply->status != 200) {
        out->refusal = etcd_wire_read_refusal(reply->body, reply->body_bytes, out->message, sizeof out->message);
        out->outcome = call->writes && etcd_refusal_is_ambiguous(out->refusal) ? CALL_UNKNOWN : CALL_REFUSED;
        return;
    }
    out->outcome = read_success(call, reply, &header, &err) ? CALL_OK : CALL_UNKNOWN;
    out->cluster = header.cluster;
    out->answered_by = header.member;
    if (out->outcome != CALL_OK)
        snprintf(out->message, sizeof out->message, "%.200s", err.text);
}

static void call_once(struct etcd_client *client, const char *address, const char *path, const char *body, struct one_call *call,
                      struct deadline deadline)
{
    char url[HTTP_URL_BYTES];
    struct http_batch *batch;
    struct http_request request;
    struct usher_error err = {0};

    memset(call->out, 0, sizeof *call->out);
    if (!http_batch_begin(client->http, take_call, call, &batch, &err)) {
        call->out->outcome = CALL_NOT_SENT;
        return;
    }
    http_batch_end_by(batch, deadline);
    request = etcd_client_request(client, address, path, body, url);
    request.is_write = call->writes;
    http_batch_add(batch, &request);
    http_batch_run(batch, deadline, false);
}

/* etcd's own word for a call without a token is "user name is empty", which does not say that the password is wrong. */
static void say_why_no_token(const struct etcd_client *client, struct etcd_answer *out)
{
    char message[PROBLEM_BYTES];

    if (out->outcome != CALL_REFUSED || client->token[0] != '\0' || client->token_problem[0] == '\0')
        return;
    snprintf(message, sizeof message, "%.100s (no token: %.130s)", out->message, client->token_problem);
    memcpy(out->message, message, sizeof out->message);
}

void etcd_client_call(struct etcd_client *client, const char *address, const char *path, const char *body, bool writes,
                      enum reply_kind kind, struct deadline deadline, struct etcd_answer *out)
{
    struct one_call call = {.writes = writes, .kind = kind, .out = out};

    etcd_client_authenticate(client, &address, 1, deadline);
    call_once(client, address, path, body, &call, deadline);
    if (out->outcome == CALL_REFUSED && out->refusal == REFUSAL_BAD_TOKEN) {
        OPENSSL_cleanse(client->token, sizeof client->token); /* expired: etcd refused before doing anything */
        etcd_client_authenticate(client, &address, 1, deadline);
        if (client->token[0] != '\0')
            call_once(client, address, path, body, &call, deadline);
    }
    say_why_no_token(client, out);
}

static bool read_password(const struct tls_settings *settings, char out[NAME_BYTES])
{
    struct bounded_text text;
    bool is_read;

    if (settings->password_file[0] == '\0') {
        memcpy(out, settings->password, NAME_BYTES);
        return out[0] != '\0';
    }
    bounded_text_init(&text, NAME_BYTES - 1);
    is_read = text_file_read(settings->password_file, NAME_BYTES - 1, &text, NULL) == TEXT_FILE_READ;
    if (is_read) {
        size_t length = strcspn(bounded_text_c(&text), "\r\n");
        memcpy(out, bounded_text_c(&text), length);
        out[length] = '\0';
        OPENSSL_cleanse(text.data, text.length_bytes);
    }
    bounded_text_done(&text);
    return is_read && out[0] != '\0';
}

static char *authenticate_body(const struct tls_settings *settings)
{
    char password[NAME_BYTES];
    char *body = NULL;

    if (read_password(settings, password)) {
        json_t *root = json_pack("{s:s, s:s}", "name", settings->user, "password", password);
        body = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
        json_decref(root);
    }
    OPENSSL_cleanse(password, sizeof password);
    return body;
}

struct token_taker {
    struct etcd_client *client;
};

static void take_token(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct token_taker *taker = self;

    struct etcd_client *client = taker->client;
    struct usher_error err = {0};

    (void)batch;
    (void)tag;
    client->token_problem[0] = '\0';
    if (reply->outcome != HTTP_ANSWERED)
        snprintf(client->token_problem, sizeof client->token_problem, "%s", reply->problem);
    else if (reply->status != 200)
        etcd_wire_read_refusal(reply->body, reply->body_bytes, client->token_problem, sizeof client->token_problem);
    else if (!etcd_wire_read_token(reply->body, reply->body_bytes, client->token, TOKEN_BYTES, &err)) {
        client->token[0] = '\0';
        snprintf(client->token_problem, sizeof client->token_problem, "%.200s", err.text);
    }
}

/* One cluster has one set of users, and a token holds at all its members; what differs is which user was given for which side. */
static const struct tls_settings *credentials_for(const struct etcd_client *client, const char *address)
{
    const struct settings *settings = client->settings;
    return settings->remote_tls.user[0] != '\0' && is_remote(client, address) ? &settings->remote_tls : &settings->tls;
}

static void log_in(struct etcd_client *client, const char *address, struct deadline deadline)
{
    char *body = authenticate_body(credentials_for(client, address)), url[HTTP_URL_BYTES];
    struct token_taker taker = {client};
    struct http_batch *batch;

    if (body == NULL) {
        snprintf(client->token_problem, sizeof client->token_problem, "the password file cannot be read, or is empty");
        return;
    }
    if (http_batch_begin(client->http, take_token, &taker, &batch, NULL)) {
        struct http_request request = etcd_client_request(client, address, "/v3/auth/authenticate", body, url);
        http_batch_end_by(batch, deadline);
        http_batch_add(batch, &request);
        http_batch_run(batch, deadline_earlier(deadline, deadline_in_ms(1000)), false);
    }
    OPENSSL_cleanse(body, strlen(body));
    free(body);
}

void etcd_client_authenticate(struct etcd_client *client, const char *const *addresses, size_t count, struct deadline deadline)
{
    int64_t now_ms = monotonic_ms();

    if (client->token[0] != '\0' || (client->authenticated_at_ms >= 0 && now_ms - client->authenticated_at_ms < AUTHENTICATE_EVERY_MS))
        return;
    for (size_t i = 0; i < count && client->token[0] == '\0'; i++)
        if (credentials_for(client, addresses[i])->user[0] != '\0') {
            log_in(client, addresses[i], deadline);
            client->authenticated_at_ms = now_ms; /* bcrypt costs etcd 0.1 s: once in five seconds */
        }
}

struct status_taker {
    struct etcd_status *statuses;
    bool *known;
};

static void take_status(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct status_taker *taker = self;
    size_t index = (size_t)(uintptr_t)tag;

    (void)batch;
    if (reply->outcome == HTTP_ANSWERED && reply->status == 200)
        taker->known[index] = etcd_wire_read_status(reply->body, reply->body_bytes, &taker->statuses[index], NULL);
}

void etcd_client_statuses(struct etcd_client *client, const char *const *addresses, size_t count, struct deadline deadline,
                          struct etcd_status *out_statuses, bool *out_known)
{
    struct status_taker taker = {out_statuses, out_known};
    struct http_batch *batch;

    for (size_t i = 0; i < count; i++)
        out_known[i] = false;
    if (!http_batch_begin(client->http, take_status, &taker, &batch, NULL))
        return;
    http_batch_end_by(batch, deadline);
    for (size_t i = 0; i < count; i++) {
        char url[HTTP_URL_BYTES];
        struct http_request request = etcd_client_request(client, addresses[i], "/v3/maintenance/status", "{}", url);
        request.tag = (void *)(uintptr_t)i;
        http_batch_add(batch, &request);
    }
    http_batch_run(batch, deadline, false);
}

struct gauge_taker {
    struct gauge_reading *readings;
    struct member_id target;
};

static void take_gauges(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct gauge_taker *taker = self;

    (void)batch;
    if (reply->outcome == HTTP_ANSWERED && reply->status == 200)
        etcd_wire_read_gauges(reply->body, reply->body_bytes, taker->target, &taker->readings[(size_t)(uintptr_t)tag]);
}

void etcd_client_gauges(struct etcd_client *client, const char *const *addresses, size_t count, struct member_id target,
                        struct deadline deadline, struct gauge_reading *out_readings)
{
    struct gauge_taker taker = {out_readings, target};
    struct http_batch *batch;

    if (!http_batch_begin(client->http, take_gauges, &taker, &batch, NULL))
        return;
    http_batch_end_by(batch, deadline);
    for (size_t i = 0; i < count; i++) {
        char url[HTTP_URL_BYTES];
        struct http_request request = etcd_client_request(client, addresses[i], "/metrics", NULL, url);
        request.max_body_bytes = METRICS_BYTES;
        request.is_enough = etcd_wire_has_gauges;
        request.tag = (void *)(uintptr_t)i;
        http_batch_add(batch, &request);
    }
    http_batch_run(batch, deadline, false);
}
