/* The HTTP client against servers that behave badly: what was not sent, what may have been, and that no deadline is outlasted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_server.h"
#include "usher/http/http_client.h"

/* A deadline that a test waits for, one that must never be reached, and what "long before" it means on a loaded machine. */
enum { SHORT_MS = 300, LONG_MS = 60000, SOON_MS = 20000 };

struct answer {
    int count;
    enum http_outcome outcome;
    bool tcp_accepted;
    long status;
    char body[256], problem[256];
};

static void take(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct answer *answer = tag;

    (void)self;
    (void)batch;
    answer->count++;
    answer->outcome = reply->outcome;
    answer->tcp_accepted = reply->tcp_accepted;
    answer->status = reply->status;
    snprintf(answer->body, sizeof answer->body, "%.*s", (int)(reply->body_bytes < 255 ? reply->body_bytes : 255),
             reply->body != NULL ? reply->body : "");
    snprintf(answer->problem, sizeof answer->problem, "%s", reply->problem);
    if (reply->outcome != HTTP_ANSWERED)
        assert_true(reply->problem[0] != '\0' && reply->body == NULL);
}

static struct http_client *new_client(int wake_fd)
{
    struct http_client *client = NULL;

    assert_true(http_client_new(wake_fd, &client, NULL));
    return client;
}

static struct http_batch *begin(struct http_client *client, http_on_reply on_reply, void *self, int limit_ms)
{
    struct http_batch *batch = NULL;

    assert_true(http_batch_begin(client, on_reply, self, &batch, NULL));
    http_batch_end_by(batch, deadline_in_ms(limit_ms));
    return batch;
}

static void add(struct http_batch *batch, const char *url, const char *body, struct answer *answer)
{
    *answer = (struct answer){0};
    http_batch_add(batch, &(struct http_request){.url = url, .body = body, .max_body_bytes = 64, .tag = answer});
}

static struct answer ask(struct http_client *client, const char *url, const char *body, int limit_ms)
{
    struct answer answer;
    struct http_batch *batch = begin(client, take, NULL, limit_ms);
    int64_t began_ms = monotonic_ms();

    add(batch, url, body, &answer);
    assert_true(http_batch_run(batch, deadline_in_ms(limit_ms), true));
    assert_int_equal(answer.count, 1);
    if (limit_ms == LONG_MS && monotonic_ms() - began_ms > SOON_MS)
        fail_msg("%s waited for its deadline", url);
    return answer;
}

static void answer_each(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    while (fake_read(server, connection, request))
        fake_reply(connection, 200, "yes");
}

static void connections_are_kept(void **state)
{
    struct fake_server server;
    struct http_client *client = new_client(-1);

    (void)state;
    fake_server_start(&server, answer_each, NULL);
    for (int i = 0; i < 5; i++) {
        struct answer answer = ask(client, server.url, i % 2 == 0 ? "{}" : NULL, LONG_MS);
        assert_int_equal(answer.outcome, HTTP_ANSWERED);
        assert_int_equal(answer.status, 200);
        assert_true(answer.tcp_accepted);
        assert_string_equal(answer.body, "yes");
    }
    assert_int_equal(atomic_load(&server.connections), 1);
    http_client_free(client);
    fake_server_stop(&server);
}

static void what_a_post_carries(void **state)
{
    struct fake_server server;
    struct http_client *client = new_client(-1);
    struct answer answer = {0};
    struct http_batch *batch = begin(client, take, NULL, LONG_MS);
    const char *header;

    (void)state;
    fake_server_start(&server, answer_each, NULL);
    http_batch_add(batch, &(struct http_request){
                              .url = server.url, .body = "{\"a\":1}", .authorization = "token.7", .max_body_bytes = 64, .tag = &answer});
    assert_true(http_batch_run(batch, deadline_in_ms(LONG_MS), false));
    assert_int_equal(answer.outcome, HTTP_ANSWERED);
    http_client_free(client);
    fake_server_stop(&server);
    assert_memory_equal(server.last_request, "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(server.last_request, "\r\nAuthorization: token.7\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nContent-Type: application/json\r\n"));
    assert_null(strstr(server.last_request, "Expect"));
    assert_non_null(strstr(server.last_request, "\r\n\r\n{\"a\":1}"));
    header = strstr(server.last_request, "\r\nGrpc-Timeout: ");
    assert_non_null(header);
    assert_in_range(strtoul(header + 16, NULL, 10), 1, LONG_MS - 1); /* etcd gives up before we do */
    assert_int_equal(header[16 + strspn(header + 16, "0123456789")], 'm');
}

static void nobody_listens(void **state)
{
    struct http_client *client = new_client(-1);
    struct answer answer;
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_refusing_port());
    answer = ask(client, url, "{}", LONG_MS);
    assert_int_equal(answer.outcome, HTTP_NOT_SENT);
    assert_false(answer.tcp_accepted);
    http_client_free(client);
}

static void nobody_accepts(void **state)
{
    struct http_client *client = new_client(-1);
    struct answer answer;
    char url[64];
    int fillers[BLACK_HOLE_FILLERS], listener = fake_black_hole(url, fillers);

    (void)state;
    answer = ask(client, url, "{}", SHORT_MS);
    assert_int_equal(answer.outcome, HTTP_NOT_SENT);
    assert_false(answer.tcp_accepted);
    http_client_free(client);
    for (int i = 0; i < BLACK_HOLE_FILLERS; i++)
        close(fillers[i]);
    close(listener);
}

static void never_sent_at_all(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "unix:///x", "", "http://127.0.0.1:99999"};
    struct http_client *client = new_client(-1);

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct answer answer = ask(client, urls[i], NULL, LONG_MS);
        if (answer.outcome != HTTP_NOT_SENT || answer.tcp_accepted)
            fail_msg("'%s': outcome %d", urls[i], (int)answer.outcome);
    }
    http_client_free(client);
}

/* -- servers that do one bad thing to each request -- */
static void say_after_request(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    if (fake_read(server, connection, request))
        fake_send(connection, server->self);
}

static void say_and_reset(struct fake_server *server, int connection)
{
    say_after_request(server, connection);
    fake_reset(connection);
}

static void say_and_stay(struct fake_server *server, int connection)
{
    say_after_request(server, connection);
    fake_stay_silent(server, connection);
}

static void drip(struct fake_server *server, int connection)
{
    say_after_request(server, connection);
    while (fake_sleep(server, 10) && fake_send(connection, "x"))
        continue;
}

static void pour(struct fake_server *server, int connection)
{
    say_after_request(server, connection);
    while (!atomic_load(&server->is_stopping) && fake_send(connection, "400\r\n") && fake_sleep(server, 1))
        for (int i = 0; i < 1024; i++)
            if (!fake_send(connection, i < 1023 ? "x" : "x\r\n"))
                return;
}

static const struct bad {
    const char *what;
    fake_handler handler;
    const char *says;
    int limit_ms;
} bad[] = {
    {"closes without a word", say_after_request, "", LONG_MS},
    {"resets without a word", say_and_reset, "", LONG_MS},
    {"resets in the body", say_and_reset, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", LONG_MS},
    {"ends early", say_after_request, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", LONG_MS},
    {"ends in a chunk", say_after_request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", LONG_MS},
    {"ends before the last chunk", say_after_request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", LONG_MS},
    {"is no HTTP server", say_after_request, "SSH-2.0-OpenSSH_9.2\r\n", LONG_MS},
    {"promises too much", say_and_stay,
     "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789",
     LONG_MS},
    {"pours without end", pour, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", LONG_MS},
    {"is silent", say_and_stay, "", SHORT_MS},
    {"stops in the body", say_and_stay, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", SHORT_MS},
    {"says only to go on", say_and_stay, "HTTP/1.1 100 Continue\r\n\r\n", SHORT_MS},
    {"drips its head", drip, "HTTP/1.1 200 OK\r\nX: ", SHORT_MS},
    {"drips its body", drip, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", SHORT_MS},
};

/* Sent, and no whole answer: it may have been done. By the deadline, or at once when the server has ended it. */
static void outcome_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fake_server server;
        struct http_client *client = new_client(-1);
        struct answer answer;
        fake_server_start(&server, bad[i].handler, (void *)(uintptr_t)bad[i].says);
        answer = ask(client, server.url, "{}", bad[i].limit_ms);
        if (answer.outcome != HTTP_UNKNOWN || !answer.tcp_accepted)
            fail_msg("a server that %s: outcome %d, %s", bad[i].what, (int)answer.outcome, answer.problem);
        if (atomic_load(&server.requests) != 1)
            fail_msg("a server that %s was asked %d times", bad[i].what, atomic_load(&server.requests));
        http_client_free(client);
        fake_server_stop(&server);
    }
}

/* The first request of all is answered, the second ends its connection, on whichever it comes. */
static void answer_then_die(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    while (fake_read(server, connection, request)) {
        if (atomic_load(&server->requests) == 1) {
            fake_reply(connection, 200, "first");
            continue;
        }
        if (server->self != NULL)
            fake_server_stop_listening(server);
        fake_reset(connection);
        return;
    }
}

/* A kept connection that dies under a request: a write was sent, and is not sent again behind our back. */
static void a_connection_dies_under_a_write(void **state)
{
    (void)state;
    for (int listens_on = 0; listens_on < 2; listens_on++) {
        struct fake_server server;
        struct http_client *client = new_client(-1);
        struct answer answer = {0};
        struct http_batch *batch;
        fake_server_start(&server, answer_then_die, listens_on ? NULL : &server);
        assert_int_equal(ask(client, server.url, "{}", LONG_MS).outcome, HTTP_ANSWERED);
        batch = begin(client, take, NULL, LONG_MS);
        http_batch_add(batch,
                       &(struct http_request){.url = server.url, .body = "{}", .is_write = true, .max_body_bytes = 64, .tag = &answer});
        assert_true(http_batch_run(batch, deadline_in_ms(LONG_MS), true));
        if (answer.outcome != HTTP_UNKNOWN || atomic_load(&server.requests) != 2)
            fail_msg("outcome %d ('%s%s') after %d requests", (int)answer.outcome, answer.problem, answer.body,
                     atomic_load(&server.requests));
        http_client_free(client);
        fake_server_stop(&server);
    }
}

static void answer_once(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    if (fake_read(server, connection, request))
        fake_reply(connection, 200, "yes");
}

/* One that was closed meanwhile costs nothing. */
static void a_kept_connection_was_closed(void **state)
{
    struct fake_server server;
    struct http_client *client = new_client(-1);

    (void)state;
    fake_server_start(&server, answer_once, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(client, server.url, "{}", LONG_MS).outcome, HTTP_ANSWERED);
        for (int waited = 0; waited < 50; waited++) /* let the end arrive */
            usleep(1000);
    }
    assert_int_equal(atomic_load(&server.requests), 3);
    http_client_free(client);
    fake_server_stop(&server);
}

static void redirects_are_not_followed(void **state)
{
    struct fake_server server, other;
    struct http_client *client = new_client(-1);
    struct answer answer;
    char says[256];

    (void)state;
    fake_server_start(&other, answer_each, NULL);
    snprintf(says, sizeof says, "HTTP/1.1 307 Elsewhere\r\nLocation: %s/\r\nContent-Length: 2\r\n\r\ngo", other.url);
    fake_server_start(&server, say_and_stay, says);
    answer = ask(client, server.url, "{}", LONG_MS);
    assert_int_equal(answer.outcome, HTTP_ANSWERED);
    assert_int_equal(answer.status, 307);
    assert_int_equal(atomic_load(&other.connections), 0);
    http_client_free(client);
    fake_server_stop(&server);
    fake_server_stop(&other);
}

/* The cap is exact: 64 bytes are an answer, 65 are none. */
static void a_body_has_its_cap(void **state)
{
    char says[256];

    (void)state;
    for (int bytes = 63; bytes <= 65; bytes++) {
        struct fake_server server;
        struct http_client *client = new_client(-1);
        struct answer answer;
        snprintf(says, sizeof says, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%0*d", bytes, bytes, 7);
        fake_server_start(&server, say_and_stay, says);
        answer = ask(client, server.url, "{}", LONG_MS);
        assert_int_equal(answer.outcome, bytes <= 64 ? HTTP_ANSWERED : HTTP_UNKNOWN);
        http_client_free(client);
        fake_server_stop(&server);
    }
}

static void tls_to_a_plain_server(void **state)
{
    struct fake_server server;
    struct http_client *client = new_client(-1);
    struct answer answer;
    char url[80];

    (void)state;
    fake_server_start(&server, say_after_request, "HTTP/1.1 400 Bad Request\r\n\r\n");
    snprintf(url, sizeof url, "https%.60s", server.url + 4);
    answer = ask(client, url, "{}", SHORT_MS);
    assert_int_equal(answer.outcome, HTTP_NOT_SENT); /* no byte of the request */
    assert_true(answer.tcp_accepted);                /* but somebody lives there */
    http_client_free(client);
    fake_server_stop(&server);
}

/* -- batches -- */
struct waking {
    int fd;
    struct answer *first;
};

static void wake_at_first(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct waking *waking = self;

    take(NULL, batch, tag, reply);
    if (tag == waking->first && reply->outcome == HTTP_ANSWERED)
        assert_int_equal(write(waking->fd, "x", 1), 1);
}

static void a_poke_ends_the_batch(void **state)
{
    struct fake_server good, silent;
    struct answer answered, unanswered;
    int ends[2];
    struct http_client *client;
    struct http_batch *batch;
    struct waking waking;
    int64_t began_ms = monotonic_ms();

    (void)state;
    assert_int_equal(pipe(ends), 0);
    client = new_client(ends[0]);
    waking = (struct waking){ends[1], &answered};
    fake_server_start(&good, answer_each, NULL);
    fake_server_start(&silent, say_and_stay, "");
    batch = begin(client, wake_at_first, &waking, LONG_MS);
    add(batch, silent.url, "{}", &unanswered);
    add(batch, good.url, "{}", &answered);
    assert_false(http_batch_run(batch, deadline_in_ms(LONG_MS), true));
    assert_true(monotonic_ms() - began_ms < SOON_MS);
    assert_int_equal(answered.outcome, HTTP_ANSWERED);
    assert_int_equal(unanswered.count, 1);
    assert_int_not_equal(unanswered.outcome, HTTP_ANSWERED);
    /* The poke is still there: what cannot be interrupted runs to its deadline all the same. */
    batch = begin(client, take, NULL, SHORT_MS);
    add(batch, good.url, "{}", &answered);
    add(batch, silent.url, "{}", &unanswered);
    began_ms = monotonic_ms();
    assert_true(http_batch_run(batch, deadline_in_ms(SHORT_MS), false));
    assert_true(monotonic_ms() - began_ms >= SHORT_MS - 5);
    assert_int_equal(answered.outcome, HTTP_ANSWERED);
    assert_int_equal(unanswered.outcome, HTTP_UNKNOWN);
    http_client_free(client);
    fake_server_stop(&good);
    fake_server_stop(&silent);
    close(ends[0]);
    close(ends[1]);
}

/* Late enough for others to have taken their connections. */
static void say_late(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    if (fake_read(server, connection, request) && fake_sleep(server, 100))
        fake_reply(connection, 200, "{}");
}

static void end_when_answered(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    (void)self;
    take(NULL, batch, tag, reply);
    if (reply->outcome == HTTP_ANSWERED)
        http_batch_end_by(batch, deadline_in_ms(50));
}

/* In parallel: one that answers is not behind twenty that do not, and may end the waiting for them. */
static void silence_of_many(void **state)
{
    enum { SILENT = 20 };
    struct fake_server good, silent;
    struct answer answers[SILENT + 1];
    struct http_client *client = new_client(-1);
    struct http_batch *batch = begin(client, end_when_answered, NULL, LONG_MS);
    int64_t began_ms = monotonic_ms();

    (void)state;
    fake_server_start(&good, answer_each, NULL);
    fake_server_start(&silent, say_and_stay, "");
    for (int i = 0; i < SILENT; i++)
        add(batch, silent.url, NULL, &answers[i]);
    add(batch, good.url, NULL, &answers[SILENT]);
    assert_true(http_batch_run(batch, deadline_in_ms(LONG_MS), true));
    assert_true(monotonic_ms() - began_ms < SOON_MS);
    assert_int_equal(answers[SILENT].outcome, HTTP_ANSWERED);
    for (int i = 0; i < SILENT; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_not_equal(answers[i].outcome, HTTP_ANSWERED);
    }
    http_client_free(client);
    fake_server_stop(&good);
    fake_server_stop(&silent);
}

static bool has_a_dot(const char *body, size_t bytes) { return memchr(body, '.', bytes) != NULL; }

/* The rest of a body that nobody needs is not waited for; until then the cap holds, and an end that comes too early is no answer. */
static void enough_is_an_answer(void **state)
{
    static const struct {
        const char *says;
        enum http_outcome outcome;
        const char *body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nword.", HTTP_ANSWERED, "word."},
        {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nword", HTTP_ANSWERED, "word"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nword", HTTP_UNKNOWN, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789.",
         HTTP_UNKNOWN, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_server server;
        struct http_client *client = new_client(-1);
        struct http_batch *batch = begin(client, take, NULL, SHORT_MS);
        struct answer answer = {0};
        fake_server_start(&server, say_and_stay, (void *)(uintptr_t)rows[i].says);
        http_batch_add(batch, &(struct http_request){.url = server.url, .max_body_bytes = 64, .is_enough = has_a_dot, .tag = &answer});
        assert_true(http_batch_run(batch, deadline_in_ms(SHORT_MS), true));
        assert_int_equal(answer.outcome, rows[i].outcome);
        assert_string_equal(answer.body, rows[i].body);
        http_client_free(client);
        fake_server_stop(&server);
    }
}

struct knocking {
    struct answer good, silent, hole;
    bool silent_knocks, hole_knocks, good_knocks;
};

static void look_who_knocks(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct knocking *knocking = self;

    take(NULL, batch, tag, reply);
    if (tag != &knocking->good)
        return;
    knocking->silent_knocks = http_batch_knocks(batch, &knocking->silent);
    knocking->hole_knocks = http_batch_knocks(batch, &knocking->hole);
    knocking->good_knocks = http_batch_knocks(batch, &knocking->good);
    http_batch_end_by(batch, deadline_in_ms(1));
}

/* Who has taken the connection and keeps silent is told from who has not. */
static void only_a_black_hole_is_knocked_at(void **state)
{
    struct fake_server good, silent;
    struct knocking knocking = {0};
    struct http_client *client = new_client(-1);
    struct http_batch *batch = begin(client, look_who_knocks, &knocking, LONG_MS);
    int fillers[BLACK_HOLE_FILLERS], hole;
    char hole_url[64];

    (void)state;
    hole = fake_black_hole(hole_url, fillers);
    fake_server_start(&good, say_late, NULL);
    fake_server_start(&silent, say_and_stay, "");
    add(batch, hole_url, NULL, &knocking.hole);
    add(batch, silent.url, NULL, &knocking.silent);
    add(batch, good.url, NULL, &knocking.good);
    assert_true(http_batch_run(batch, deadline_in_ms(LONG_MS), true));
    assert_int_equal(knocking.good.outcome, HTTP_ANSWERED);
    assert_true(knocking.hole_knocks);
    assert_false(knocking.silent_knocks || knocking.good_knocks);
    http_client_free(client);
    fake_server_stop(&good);
    fake_server_stop(&silent);
    close(hole);
    for (size_t i = 0; i < BLACK_HOLE_FILLERS; i++)
        close(fillers[i]);
}

static void a_full_batch(void **state)
{
    static struct answer answers[HTTP_BATCH_MAX + 1];
    struct http_client *client = new_client(-1);
    struct http_batch *batch = begin(client, take, NULL, LONG_MS);
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_refusing_port());
    for (int i = 0; i <= HTTP_BATCH_MAX; i++)
        add(batch, url, NULL, &answers[i]);
    assert_int_equal(answers[HTTP_BATCH_MAX].count, 1); /* at once */
    assert_true(http_batch_run(batch, deadline_in_ms(LONG_MS), true));
    for (int i = 0; i <= HTTP_BATCH_MAX; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].outcome, HTTP_NOT_SENT);
    }
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(what_a_post_carries),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(nobody_accepts),
        cmocka_unit_test(never_sent_at_all),
        cmocka_unit_test(outcome_unknown),
        cmocka_unit_test(a_connection_dies_under_a_write),
        cmocka_unit_test(a_kept_connection_was_closed),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_body_has_its_cap),
        cmocka_unit_test(tls_to_a_plain_server),
        cmocka_unit_test(a_poke_ends_the_batch),
        cmocka_unit_test(silence_of_many),
        cmocka_unit_test(a_full_batch),
        cmocka_unit_test(enough_is_an_answer),
        cmocka_unit_test(only_a_black_hole_is_knocked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
