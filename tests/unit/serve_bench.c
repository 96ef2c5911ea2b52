#include "serve_bench.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

static void start(struct serve_bench *bench, int64_t leave_limit_ms)
{
    struct usher_error err = {.text = ""};
    struct serve_parts parts = {
        .listen = "0.0.0.0:0", .plan_dir = bench->plan_dir, .version = "1.2.3-test", .leave_limit_ms = leave_limit_ms};

    if (!snapshot_board_new(&bench->board, &err) || !leave_request_new(NULL, &bench->leave, &err))
        fail_msg("%s", err.text);
    parts.board = bench->board;
    parts.leave = bench->leave;
    if (!serve_start(&parts, &bench->serve, &err))
        fail_msg("%s", err.text);
    bench->port = serve_port(bench->serve);
}

static void stop(struct serve_bench *bench)
{
    serve_stop(bench->serve);
    leave_request_free(bench->leave);
    snapshot_board_free(bench->board);
}

int serve_bench_start(void **state)
{
    struct serve_bench *bench = calloc(1, sizeof *bench);
    void *folder = NULL;

    assert_non_null(bench);
    assert_int_equal(scratch_make(&folder), 0);
    bench->plan_dir = folder;
    start(bench, GENEROUS_MS);
    *state = bench;
    return 0;
}

int serve_bench_stop(void **state)
{
    struct serve_bench *bench = *state;
    void *folder = bench->plan_dir;

    stop(bench);
    free(bench);
    return scratch_remove(&folder);
}

void serve_bench_restart(struct serve_bench *bench, int64_t leave_limit_ms)
{
    stop(bench);
    start(bench, leave_limit_ms);
}

void serve_bench_publish_well(struct serve_bench *bench)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    int64_t now_ms = monotonic_ms();

    assert_non_null(snapshot);
    snapshot_init(snapshot);
    snprintf(snapshot->name, sizeof snapshot->name, "etcd-0");
    snapshot->member.value = 0xa0;
    snapshot->cluster.value = 0xc1;
    snapshot->membership = SNAPSHOT_VOTER;
    snapshot->plan = PLAN_START;
    snapshot->health = (struct health_facts){.loop_turned_at_ms = now_ms,
                                             .quorum_read_at_ms = now_ms,
                                             .port_accepted_at_ms = now_ms,
                                             .etcd_expected_since_ms = now_ms,
                                             .is_voter = true,
                                             .founder_is_recorded = true,
                                             .plan_was_written = true};
    snapshot_board_publish(bench->board, snapshot);
    free(snapshot);
}

static size_t take_body(char *data, size_t size, size_t count, void *self)
{
    struct http_reply *reply = self;
    size_t length = size * count, room = sizeof reply->body - 1 - reply->body_bytes;

    if (length > room)
        return 0;
    memcpy(reply->body + reply->body_bytes, data, length);
    reply->body_bytes += length;
    reply->body[reply->body_bytes] = '\0';
    return length;
}

static size_t take_header(char *data, size_t size, size_t count, void *self)
{
    struct http_reply *reply = self;
    int length = (int)(size * count);

    while (length > 0 && (data[length - 1] == '\r' || data[length - 1] == '\n'))
        length--;
    if (length > 14 && strncasecmp(data, "Content-Type: ", 14) == 0)
        snprintf(reply->type, sizeof reply->type, "%.*s", length - 14, data + 14);
    if (length > 7 && strncasecmp(data, "Allow: ", 7) == 0)
        snprintf(reply->allow, sizeof reply->allow, "%.*s", length - 7, data + 7);
    return size * count;
}

void http_ask(const struct serve_bench *bench, const char *method, const char *path, unsigned from, struct http_reply *out)
{
    CURL *curl = curl_easy_init();
    char url[16 * 1024], source[32];

    memset(out, 0, sizeof *out);
    if (curl == NULL)
        return;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)bench->port, path);
    snprintf(source, sizeof source, "127.0.0.%u", from);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_INTERFACE, source);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)GENEROUS_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, out);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "a=body");
    if (strcmp(method, "HEAD") != 0)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_easy_cleanup(curl);
}

void http_get_well(struct serve_bench *bench, const char *path, struct http_reply *out)
{
    struct deadline deadline = deadline_in_ms(GENEROUS_MS);

    do {
        serve_bench_publish_well(bench);
        http_get(bench, path, out);
    } while (out->status == 503 && !deadline_is_over(deadline));
}

int raw_connect(const struct serve_bench *bench, unsigned from)
{
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + from)};
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(bench->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&source, sizeof source), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&target, sizeof target), 0);
    return fd;
}

void raw_send(int fd, const char *text)
{
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)sent;
}

bool raw_read(int fd, char *out, size_t out_bytes, const char *until)
{
    struct deadline deadline = deadline_in_ms(GENEROUS_MS);
    size_t length = 0;

    out[0] = '\0';
    while (until == NULL || strstr(out, until) == NULL) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        ssize_t got;
        assert_false(deadline_is_over(deadline));
        if (poll(&one, 1, (int)deadline_left_ms(deadline)) <= 0)
            continue;
        got = recv(fd, out + length, out_bytes - 1 - length, 0);
        if (got <= 0)
            return true;
        length += (size_t)got;
        out[length] = '\0';
        assert_true(length + 1 < out_bytes);
    }
    return false;
}

enum leave_asked serve_bench_await_asked(struct serve_bench *bench)
{
    struct deadline deadline = deadline_in_ms(GENEROUS_MS);
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    enum leave_asked how = LEAVE_NOT_ASKED;

    while (!leave_request_pending(bench->leave, &how)) {
        assert_false(deadline_is_over(deadline));
        nanosleep(&pause, NULL);
    }
    return how;
}
