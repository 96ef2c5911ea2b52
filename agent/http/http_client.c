#include "usher/http/http_client.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GRPC_MARGIN_MS = 50, IDLE_CONNECTIONS_MAX = 32 };
/* Pods come back at other addresses; libcurl would believe the old one for a minute. */
enum { NAMES_KEPT_S = 1 };
enum { HEADER_BYTES = 8 * 1024 + 64 }; /* a service account token has 1 to 2 KiB */
enum ending { FAILED = 0, NAMELESS, CUT_OFF, COMPLETE };

struct http_client {
    CURLM *multi;
    int wake_fd;
    uint64_t tls_stamp; /* of the certificate files that the pool's connections were made with */
};

struct transfer {
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct bounded_text body;
    bool (*is_enough)(const char *body, size_t bytes);
    bool has_enough;
    void *tag;
    int64_t began_ms;
    char problem[CURL_ERROR_SIZE];
};

struct http_batch {
    struct http_client *client;
    http_on_reply on_reply;
    void *self;
    size_t count, open;
    struct deadline deadline;
    struct transfer *transfers[HTTP_BATCH_MAX];
};

static bool make_pool(struct http_client *client)
{
    client->multi = curl_multi_init();
    return client->multi != NULL && curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX) == CURLM_OK;
}

bool http_client_new(int wake_fd, struct http_client **out_client, struct usher_error *err)
{
    struct http_client *client = calloc(1, sizeof *client);

    /* Without it OpenSSL frees, at exit, all that it loaded: 5 % of a short life. It must come before the first use. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !make_pool(client)) {
        http_client_free(client);
        return usher_error_set(err, "cannot set up the HTTP client");
    }
    client->wake_fd = wake_fd;
    *out_client = client;
    return true;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    free(client);
}

bool http_batch_begin(struct http_client *client, http_on_reply on_reply, void *self, struct http_batch **out_batch,
                      struct usher_error *err)
{
    struct http_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return usher_error_set(err, "out of memory");
    batch->client = client;
    batch->on_reply = on_reply;
    batch->self = self;
    batch->deadline = deadline_never();
    *out_batch = batch;
    return true;
}

static size_t take_body(char *data, size_t size, size_t count, void *self)
{
    struct transfer *transfer = self;

    if (!bounded_text_add(&transfer->body, data, size * count))
        return 0; /* ends the transfer: too long an answer */
    transfer->has_enough = transfer->is_enough != NULL && transfer->is_enough(bounded_text_c(&transfer->body), transfer->body.length_bytes);
    return transfer->has_enough ? 0 : size * count;
}

static void free_transfer(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    bounded_text_done(&transfer->body);
    free(transfer);
}

static bool is_set(const char *text) { return text != NULL && text[0] != '\0'; }

static bool add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL;
}

/* The name that the certificate is checked against stands in the URL; the connection goes to the real host. */
static bool use_server_name(struct transfer *transfer, const char *url, const char *server_name)
{
    const char *host = strstr(url, "://"), *path, *port;
    char rewritten[HTTP_URL_BYTES], target[HTTP_URL_BYTES];

    if (host == NULL)
        return false;
    host += 3;
    path = host + strcspn(host, "/");
    for (port = path; port > host && *port != ':' && *port != ']';)
        port--;
    if (*port != ':')
        return false;
    snprintf(rewritten, sizeof rewritten, "https://%s%s", server_name, port);
    snprintf(target, sizeof target, "::%.*s", (int)(path - host), host);
    transfer->connect_to = curl_slist_append(NULL, target);
    return transfer->connect_to != NULL && curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to) == CURLE_OK &&
           curl_easy_setopt(transfer->easy, CURLOPT_URL, rewritten) == CURLE_OK;
}

static bool set_tls(struct transfer *transfer, const char *url, const struct http_tls *tls)
{
    CURL *easy = transfer->easy;

    if (strncmp(url, "https://", 8) != 0 || tls == NULL)
        return true;
    /* This authority, and none beside it: libcurl would go on looking in the system's folder. */
    if (is_set(tls->ca_file) && (curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file) != CURLE_OK ||
                                 curl_easy_setopt(easy, CURLOPT_CAPATH, (const char *)NULL) != CURLE_OK))
        return false;
    if (is_set(tls->cert_file) && (curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file) != CURLE_OK ||
                                   curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key_file) != CURLE_OK))
        return false;
    if (curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK)
        return false;
    return !is_set(tls->server_name) || use_server_name(transfer, url, tls->server_name);
}

static bool set_request(struct transfer *transfer, const struct http_request *request, int64_t left_ms)
{
    CURL *easy = transfer->easy;
    char timeout[64];
    bool is_done;

    is_done = curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK && set_tls(transfer, request->url, request->tls) &&
              curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              /* a resolver that hangs is left behind at the deadline, not waited for */
              curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_KEPT_S) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->is_write ? 1L : 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->problem) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USERAGENT, "etcd-usher") == CURLE_OK;
    if (!is_done)
        return false;
    if (request->body != NULL) {
        /* etcd ends the call itself a little before we give up, so that a late change is less likely. */
        snprintf(timeout, sizeof timeout, "Grpc-Timeout: %lldm",
                 (long long)(left_ms > 2 * GRPC_MARGIN_MS ? left_ms - GRPC_MARGIN_MS : left_ms));
        is_done = add_header(transfer, "Content-Type: application/json") && add_header(transfer, "Expect:") &&
                  add_header(transfer, timeout) && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK &&
                  (request->method == NULL || curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK);
    }
    if (is_done && is_set(request->authorization)) {
        char header[HEADER_BYTES];
        int length = snprintf(header, sizeof header, "Authorization: %s", request->authorization);
        is_done = length > 0 && (size_t)length < sizeof header && add_header(transfer, header);
        OPENSSL_cleanse(header, sizeof header);
    }
    return is_done && (transfer->headers == NULL || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK);
}

static uint64_t stamp_of(const char *path)
{
    struct stat entry;

    if (!is_set(path) || stat(path, &entry) != 0)
        return 0;
    return (uint64_t)entry.st_ino * 31 + (uint64_t)entry.st_mtim.tv_sec * 1000000007ULL + (uint64_t)entry.st_mtim.tv_nsec +
           (uint64_t)entry.st_size * 131;
}

/* libcurl before 8.20 may reuse a connection made with an older key (CVE-2026-8932): changed files mean a new pool. Only between batches. */
static void renew_pool_if_rotated(struct http_batch *batch, const struct http_request *request)
{
    struct http_client *client = batch->client;
    uint64_t stamp;

    if (request->tls == NULL || strncmp(request->url, "https://", 8) != 0 || batch->count > 0)
        return;
    stamp = stamp_of(request->tls->ca_file) ^ stamp_of(request->tls->cert_file) * 3 ^ stamp_of(request->tls->key_file) * 7;
    if (client->tls_stamp != 0 && client->tls_stamp != stamp) {
        CURLM *old = client->multi;
        if (make_pool(client))
            curl_multi_cleanup(old);
        else
            client->multi = old;
    }
    client->tls_stamp = stamp;
}

void http_batch_add(struct http_batch *batch, const struct http_request *request)
{
    struct transfer *transfer = batch->count < HTTP_BATCH_MAX ? calloc(1, sizeof *transfer) : NULL;
    int64_t left_ms = batch->deadline.at_ms == INT64_MAX ? 5000 : deadline_left_ms(batch->deadline);

    renew_pool_if_rotated(batch, request);
    if (transfer != NULL) {
        bounded_text_init(&transfer->body, request->max_body_bytes);
        transfer->tag = request->tag;
        transfer->is_enough = request->is_enough;
        transfer->began_ms = monotonic_ms();
        transfer->easy = curl_easy_init();
        if (transfer->easy != NULL && set_request(transfer, request, left_ms) &&
            curl_multi_add_handle(batch->client->multi, transfer->easy) == CURLM_OK) {
            batch->transfers[batch->count++] = transfer;
            batch->open++;
            return;
        }
    }
    free_transfer(transfer);
    batch->on_reply(batch->self, batch, request->tag,
                    &(struct http_reply){.outcome = HTTP_NOT_SENT, .problem = "the request could not be made"});
}

void http_batch_end_by(struct http_batch *batch, struct deadline deadline)
{
    batch->deadline = deadline_earlier(batch->deadline, deadline);
}

/* No look-up was ever finished (that of a plain address is at once, that of a kept connection long ago). */
static bool waits_for_name(CURL *easy)
{
    curl_off_t looked_up_us = 0;
    return curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us) == CURLE_OK && looked_up_us == 0;
}

/* Not the time of the connect: of https, curl tells that only after the handshake, and a server whose certificate we refuse lives, too. */
static bool is_accepted(CURL *easy)
{
    long request_bytes = 0, local_port = 0;

    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &local_port);
    return local_port > 0 || request_bytes > 0;
}

bool http_batch_knocks(const struct http_batch *batch, const void *tag)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->transfers[i] != NULL && batch->transfers[i]->tag == tag)
            return !waits_for_name(batch->transfers[i]->easy) && !is_accepted(batch->transfers[i]->easy);
    return false;
}

static void report(struct http_batch *batch, struct transfer *transfer, enum ending ending, const char *fallback_problem)
{
    struct http_reply reply = {.took_ms = monotonic_ms() - transfer->began_ms};
    bool is_complete = ending == COMPLETE;
    long request_bytes = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &reply.status);
    reply.tcp_accepted = is_complete || is_accepted(transfer->easy);
    reply.name_not_found = ending == NAMELESS;
    reply.name_unanswered = ending == CUT_OFF && !reply.tcp_accepted && waits_for_name(transfer->easy);
    if (is_complete && !transfer->body.overflowed) {
        reply.outcome = HTTP_ANSWERED;
        reply.body = bounded_text_c(&transfer->body);
        reply.body_bytes = transfer->body.length_bytes;
    } else {
        reply.outcome = request_bytes > 0 ? HTTP_UNKNOWN : HTTP_NOT_SENT;
        snprintf(reply.problem, sizeof reply.problem, "%.200s", transfer->problem[0] != '\0' ? transfer->problem : fallback_problem);
    }
    curl_multi_remove_handle(batch->client->multi, transfer->easy);
    batch->open--;
    batch->on_reply(batch->self, batch, transfer->tag, &reply);
}

/* What plain HTTP meets at a TLS port, most often. */
static const char *problem_of(CURLcode result)
{
    return result == CURLE_GOT_NOTHING ? "connected, and closed without a reply: does it want https?" : curl_easy_strerror(result);
}

static enum ending ending_of(CURLcode result, bool has_enough)
{
    return result == CURLE_OK || has_enough ? COMPLETE : result == CURLE_COULDNT_RESOLVE_HOST ? NAMELESS : FAILED;
}

static void collect(struct http_batch *batch)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(batch->client->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode result = message->data.result;
        struct transfer *transfer;
        if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK)
            continue;
        transfer = (struct transfer *)(void *)private;
        for (size_t i = 0; i < batch->count; i++)
            if (transfer != NULL && batch->transfers[i] == transfer) {
                if (result == CURLE_GOT_NOTHING)
                    transfer->problem[0] = '\0';
                report(batch, transfer, ending_of(result, transfer->has_enough), problem_of(result));
                free_transfer(transfer);
                batch->transfers[i] = NULL;
                break;
            }
    }
}

bool http_batch_run(struct http_batch *batch, struct deadline deadline, bool can_be_interrupted)
{
    bool was_interrupted = false;
    CURLM *multi = batch->client->multi;
    struct curl_waitfd wake = {.fd = batch->client->wake_fd, .events = CURL_WAIT_POLLIN};
    int running = 0, ready = 0;

    http_batch_end_by(batch, deadline);
    while (batch->open > 0) {
        int64_t left_ms;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        collect(batch);
        left_ms = deadline_left_ms(batch->deadline);
        if (batch->open == 0 || left_ms == 0)
            break;
        wake.revents = 0;
        if (curl_multi_poll(multi, &wake, can_be_interrupted && batch->client->wake_fd >= 0 ? 1 : 0, (int)left_ms, &ready) != CURLM_OK)
            break;
        was_interrupted = wake.revents != 0;
        if (was_interrupted) {
            if (curl_multi_perform(multi, &running) == CURLM_OK) /* what came together with it counts */
                collect(batch);
            was_interrupted = batch->open > 0;
            break;
        }
    }
    for (size_t i = 0; i < batch->count; i++)
        if (batch->transfers[i] != NULL) {
            report(batch, batch->transfers[i], CUT_OFF, was_interrupted ? "no answer yet, and something else came" : "no answer in time");
            free_transfer(batch->transfers[i]);
        }
    free(batch);
    return !was_interrupted;
}
