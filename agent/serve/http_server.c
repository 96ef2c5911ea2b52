#include "usher/serve/http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usher/host/deadline.h"
#include "usher/serve/page_html.h"
#include "usher/serve/probe_verdict.h"
#include "usher/serve/status_json.h"

/* Everything here happens on the one thread that runs the server. */

enum { MEMORY_A_CONNECTION_BYTES = 8 * 1024, ANSWER_MAX_BYTES = 256 * 1024, SWEEP_MS = 500, LIBRARY_IDLE_SECONDS = 15 };

enum content { CONTENT_TEXT, CONTENT_JSON, CONTENT_METRICS, CONTENT_HTML, CONTENTS };
static const char *const content_types[CONTENTS] = {
    "text/plain; charset=utf-8",
    "application/json",
    "text/plain; version=0.0.4; charset=utf-8",
    "text/html; charset=utf-8",
};

struct place { /* one connection */
    struct MHD_Connection *connection;
    int fd; /* -1 = free */
    int64_t since_ms;
    bool is_cut;
    /* -- /prestop -- */
    bool waits, has_answer;
    uint64_t ticket;
};

/* An answer that stays right while neither snapshot nor verdict change. */
struct kept_answer {
    struct MHD_Response *response;
    uint64_t version;
    uint32_t failed;
};

struct http_server {
    struct http_server_parts parts;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    struct MHD_Response *ok;
    struct kept_answer kept[PROBES][2]; /* [verbose] */
    uint64_t seen_version;
    struct snapshot seen;
    struct http_counters counters;
    unsigned waiting;
    int64_t swept_at_ms;
    bool is_ending;
    struct place places[HTTP_CONNECTIONS_MAX];
};

static void refresh(struct http_server *server)
{
    uint64_t version = snapshot_board_version(server->parts.board);
    if (version == server->seen_version)
        return;
    server->seen_version = snapshot_board_read(server->parts.board, &server->seen);
}

static struct MHD_Response *response_of(const char *body, size_t length_bytes, enum content content)
{
    /* The library copies (MUST_COPY) and does not write through the pointer; its old interface only lacks the const. */
    struct MHD_Response *response = MHD_create_response_from_buffer(length_bytes, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return NULL;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_types[content]) != MHD_YES ||
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") != MHD_YES) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

/* Sends and forgets. NULL (no memory): the connection is closed, which a prober takes as a failure. */
static enum MHD_Result send_once(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, const struct bounded_text *text, enum content content)
{
    return send_once(connection, status, response_of(bounded_text_c(text), text->length_bytes, content));
}

/* -- the answers -- */

static bool is_verbose(struct MHD_Connection *connection)
{
    return MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "verbose", strlen("verbose"), NULL, NULL) == MHD_YES;
}

static enum MHD_Result answer_probe(struct http_server *server, struct MHD_Connection *connection, enum probe probe)
{
    /* The clock after the snapshot: a time in the snapshot must not lie in the future. */
    uint32_t failed = probe_judge(&server->seen, probe, monotonic_ms());
    unsigned status = failed == 0 ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    bool verbose = is_verbose(connection);
    if (failed == 0 && !verbose)
        return MHD_queue_response(connection, status, server->ok);
    struct kept_answer *kept = &server->kept[probe][verbose];
    if (!kept->response || kept->version != server->seen_version || kept->failed != failed) {
        struct bounded_text text;
        bounded_text_init(&text, ANSWER_MAX_BYTES);
        probe_text(&server->seen, probe, failed, verbose, &text);
        struct MHD_Response *fresh = response_of(bounded_text_c(&text), text.length_bytes, CONTENT_TEXT);
        bounded_text_done(&text);
        if (!fresh)
            return MHD_NO;
        if (kept->response)
            MHD_destroy_response(kept->response);
        *kept = (struct kept_answer){.response = fresh, .version = server->seen_version, .failed = failed};
    }
    return MHD_queue_response(connection, status, kept->response);
}

static enum MHD_Result answer_status(struct http_server *server, struct MHD_Connection *connection)
{
    struct bounded_text text;
    struct usher_error err = {.exit = USHER_EXIT_FAILED};
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    enum MHD_Result result = MHD_NO;
    if (status_json_write(&server->seen, server->parts.version, monotonic_ms(), true, &text, &err))
        result = send_text(connection, MHD_HTTP_OK, &text, CONTENT_JSON);
    bounded_text_done(&text);
    return result;
}

static enum MHD_Result answer_metrics(struct http_server *server, struct MHD_Connection *connection)
{
    struct bounded_text text;
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    enum MHD_Result result = MHD_NO;
    if (metrics_text_write(&server->seen, &server->counters, server->parts.version, monotonic_ms(), &text))
        result = send_text(connection, MHD_HTTP_OK, &text, CONTENT_METRICS);
    bounded_text_done(&text);
    return result;
}

static enum MHD_Result answer_version(struct http_server *server, struct MHD_Connection *connection)
{
    struct bounded_text text;
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    (void)bounded_text_printf(&text, "{\"etcd-usher\":\"%s\"}\n", server->parts.version);
    enum MHD_Result result = send_text(connection, MHD_HTTP_OK, &text, CONTENT_JSON);
    bounded_text_done(&text);
    return result;
}

#define PATHS_TEXT                                                                                                                         \
    "/livez       the agent's loop turns\n"                                                                                                \
    "/readyz      our member is a voter and a quorum read is fresh (?verbose lists the checks)\n"                                          \
    "/startupz    this life's start plan is written\n"                                                                                     \
    "/healthz     the same as /readyz\n"                                                                                                   \
    "/etcd/livez  etcd's port accepts, or etcd is held back (for etcd's own livenessProbe)\n"                                              \
    "/            a page for people, in a browser\n"                                                                                       \
    "/status      everything that the sidecar knows, as JSON\n"                                                                            \
    "/metrics     Prometheus text\n"                                                                                                       \
    "/version     the version, as JSON\n"                                                                                                  \
    "/prestop     asks for the evaluation of leaving and blocks until it is done\n"

static bool wants_html(struct MHD_Connection *connection)
{
    const char *accepted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    return accepted != NULL && strstr(accepted, "text/html") != NULL;
}

static enum MHD_Result answer_page(struct http_server *server, struct MHD_Connection *connection)
{
    struct bounded_text text;
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    page_html_write(&server->seen, server->parts.version, monotonic_ms(), &text);
    enum MHD_Result result = send_text(connection, MHD_HTTP_OK, &text, CONTENT_HTML);
    bounded_text_done(&text);
    return result;
}

static enum MHD_Result answer_index(struct http_server *server, struct MHD_Connection *connection, bool is_found)
{
    struct bounded_text text;
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    if (!is_found)
        server->counters.not_found++;
    (void)bounded_text_printf(
        &text, "%s\n\n%s",
        is_found ? "etcd-usher: shows etcd members to their seats, and out again" : "there is no such path; these exist:", PATHS_TEXT);
    enum MHD_Result result = send_text(connection, is_found ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, &text, CONTENT_TEXT);
    bounded_text_done(&text);
    return result;
}

static enum MHD_Result answer_bad_method(struct http_server *server, struct MHD_Connection *connection, const char *allowed)
{
    static const char words[] = "only GET and HEAD are answered here (HEAD not for /prestop)\n";
    server->counters.bad_methods++;
    struct MHD_Response *response = response_of(words, sizeof words - 1, CONTENT_TEXT);
    if (response)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allowed);
    return send_once(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

/* -- /prestop -- */

static unsigned status_of(enum usher_exit exit)
{
    switch (exit) {
    case USHER_EXIT_DONE:
        return MHD_HTTP_OK;
    case USHER_EXIT_REFUSED:
        return MHD_HTTP_CONFLICT;
    case USHER_EXIT_FAILED:
    case USHER_EXIT_USAGE:
    case USHER_EXIT_TIMEOUT:
        break;
    }
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result send_no_verdict(struct MHD_Connection *connection, const char *why)
{
    struct bounded_text text;
    bounded_text_init(&text, ANSWER_MAX_BYTES);
    (void)bounded_text_printf(&text, "no verdict: %s\nthe member keeps its seat unless /status says otherwise\n", why);
    enum MHD_Result result = send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, &text, CONTENT_TEXT);
    bounded_text_done(&text);
    return result;
}

/* Called again by the library after the connection was resumed. */
static enum MHD_Result answer_prestop(struct http_server *server, struct MHD_Connection *connection, struct place *place)
{
    if (!place)
        return send_no_verdict(connection, "the server is short of places");
    if (place->ticket == 0 && !place->has_answer) {
        if (server->waiting >= HTTP_PRESTOPS_MAX)
            return send_no_verdict(connection, "too many callers wait already; the evaluation goes on for them");
        place->ticket = leave_request_ask(server->parts.leave, LEAVE_ASKED_HTTP);
        place->since_ms = monotonic_ms();
        place->has_answer = true; /* a ticket of 0 is a verdict that was there before */
    }
    struct leave_verdict verdict;
    if (leave_request_verdict(server->parts.leave, place->ticket, &verdict)) {
        struct bounded_text text;
        bounded_text_init(&text, ANSWER_MAX_BYTES);
        (void)bounded_text_printf(&text, "%s\nreason: %s (%d)\n", verdict.text, reason_name(verdict.reason), (int)verdict.reason);
        enum MHD_Result result = send_text(connection, status_of(verdict.exit), &text, CONTENT_TEXT);
        bounded_text_done(&text);
        return result;
    }
    if (server->is_ending)
        return send_no_verdict(connection, "the sidecar ends");
    if (monotonic_ms() - place->since_ms >= server->parts.prestop_limit_ms)
        return send_no_verdict(connection, "the evaluation did not end in time");
    place->waits = true;
    server->waiting++;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void resume(struct http_server *server, struct place *place)
{
    place->waits = false;
    server->waiting--;
    MHD_resume_connection(place->connection);
}

void http_server_leave_news(struct http_server *server)
{
    struct leave_verdict verdict;
    for (size_t i = 0; server->waiting > 0 && i < HTTP_CONNECTIONS_MAX; i++) {
        struct place *place = &server->places[i];
        if (place->waits && (server->is_ending || leave_request_verdict(server->parts.leave, place->ticket, &verdict)))
            resume(server, place);
    }
}

/* -- what the library calls -- */

static struct place *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static enum MHD_Result route(struct http_server *server, struct MHD_Connection *connection, const char *url, bool is_head)
{
    static const struct {
        const char *path;
        enum probe probe;
    } probes[] = {
        {"/readyz", PROBE_READY},     {"/livez", PROBE_LIVE},           {"/healthz", PROBE_READY},
        {"/startupz", PROBE_STARTUP}, {"/etcd/livez", PROBE_ETCD_LIVE},
    };
    refresh(server);
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (strcmp(url, probes[i].path) == 0)
            return answer_probe(server, connection, probes[i].probe);
    if (strcmp(url, "/status") == 0)
        return answer_status(server, connection);
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(server, connection);
    if (strcmp(url, "/version") == 0)
        return answer_version(server, connection);
    if (strcmp(url, "/prestop") == 0)
        return is_head ? answer_bad_method(server, connection, "GET") : answer_prestop(server, connection, place_of(connection));
    if (strcmp(url, "/") == 0 && wants_html(connection))
        return answer_page(server, connection);
    return answer_index(server, connection, strcmp(url, "/") == 0);
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *http_version, const char *upload, size_t *upload_bytes, void **request_state)
{
    static char is_begun;
    struct http_server *server = self;
    (void)http_version;
    (void)upload;
    bool is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!is_head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return answer_bad_method(server, connection, "GET, HEAD");
    /* An answer at the first call would close the connection: with keep-alive a prober gets six times as many. */
    if (!*request_state) {
        *request_state = &is_begun;
        return MHD_YES;
    }
    if (*upload_bytes != 0) {
        *upload_bytes = 0; /* a body of GET: thrown away, within the time of the request */
        return MHD_YES;
    }
    return route(server, connection, url, is_head);
}

static void on_completed(void *self, struct MHD_Connection *connection, void **request_state, enum MHD_RequestTerminationCode how)
{
    struct http_server *server = self;
    (void)request_state;
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        server->counters.requests++;
    struct place *place = place_of(connection);
    if (!place)
        return;
    if (place->waits) { /* gone while it waited */
        place->waits = false;
        server->waiting--;
    }
    place->ticket = 0;
    place->has_answer = false;
    place->since_ms = monotonic_ms();
}

static void on_connection(void *self, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = self;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct place *place = *socket_context;
        if (place && place->fd >= 0) {
            *place = (struct place){.fd = -1};
            server->counters.connections--;
        }
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (size_t i = 0; info && i < HTTP_CONNECTIONS_MAX; i++) {
        if (server->places[i].fd >= 0)
            continue;
        server->places[i] = (struct place){.connection = connection, .fd = info->connect_fd, .since_ms = monotonic_ms()};
        *socket_context = &server->places[i];
        server->counters.connections++;
        return;
    }
}

/* -- time -- */

static void sweep(struct http_server *server, int64_t now_ms)
{
    int64_t limit_ms = server->counters.connections >= HTTP_PRESSED_AT ? HTTP_REQUEST_PRESSED_MS : HTTP_REQUEST_MS;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct place *place = &server->places[i];
        if (place->fd < 0 || place->is_cut)
            continue;
        if (place->waits) {
            if (now_ms - place->since_ms >= server->parts.prestop_limit_ms)
                resume(server, place);
        } else if (now_ms - place->since_ms >= limit_ms) {
            /* The library owns the socket: it is shut, not closed, and the library sees the end of it. */
            place->is_cut = true;
            server->counters.cut_off++;
            (void)shutdown(place->fd, SHUT_RDWR);
        }
    }
}

int http_server_fd(const struct http_server *server) { return server->epoll_fd; }

int http_server_wait_ms(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG library_ms;
    int wait_ms = server->counters.connections > 0 ? SWEEP_MS : -1;
    if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES && (wait_ms < 0 || library_ms < (MHD_UNSIGNED_LONG_LONG)wait_ms))
        wait_ms = (int)(library_ms > SWEEP_MS ? SWEEP_MS : library_ms);
    return wait_ms;
}

void http_server_run(struct http_server *server)
{
    (void)MHD_run(server->daemon);
    if (server->counters.connections == 0)
        return;
    int64_t now_ms = monotonic_ms();
    if (now_ms - server->swept_at_ms < SWEEP_MS / 2)
        return;
    server->swept_at_ms = now_ms;
    sweep(server, now_ms);
}

/* -- birth and end -- */

static void server_release(struct http_server *server)
{
    if (server->ok)
        MHD_destroy_response(server->ok);
    for (size_t probe = 0; probe < PROBES; probe++)
        for (size_t verbose = 0; verbose < 2; verbose++)
            if (server->kept[probe][verbose].response)
                MHD_destroy_response(server->kept[probe][verbose].response);
    free(server);
}

bool http_server_new(const struct http_server_parts *parts, int listen_socket, struct http_server **out_server, struct usher_error *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        close(listen_socket);
        return usher_error_errno(err, ENOMEM, "no memory for the HTTP server");
    }
    server->parts = *parts;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        server->places[i].fd = -1;
    server->seen_version = snapshot_board_read(parts->board, &server->seen);
    server->ok = response_of("ok\n", 3, CONTENT_TEXT);
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_USE_ITC;
    if (server->ok)
        server->daemon =
            MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listen_socket, MHD_OPTION_CONNECTION_LIMIT,
                             (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_PER_ADDRESS_MAX,
                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIBRARY_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                             (size_t)MEMORY_A_CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED, on_completed, (void *)server,
                             MHD_OPTION_NOTIFY_CONNECTION, on_connection, (void *)server, MHD_OPTION_END);
    if (!server->daemon) {
        close(listen_socket);
        server_release(server);
        return usher_error_set(err, "the HTTP server could not be started");
    }
    server->epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    *out_server = server;
    return true;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    server->is_ending = true;
    http_server_leave_news(server);
    /* Twice: resumed connections are picked up by the first run and answered by the second at the latest. */
    for (int i = 0; i < 2; i++)
        (void)MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    server_release(server);
}
