/* Probes, status and metrics over real sockets, with a real client; and what no well-meaning client would do. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "serve_bench.h"

static struct http_reply reply;

static void assert_reply(const char *path, long status, const char *type, const char *words)
{
    if (reply.status != status || strcmp(reply.type, type) != 0 || strstr(reply.body, words) == NULL)
        fail_msg("%s: %ld (%s)\n%s", path, reply.status, reply.type, reply.body);
}

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

static void a_well_member_answers_everywhere(void **state)
{
    static const struct {
        const char *path, *type, *words;
        bool is_whole;
    } rows[] = {
        {"/livez", TEXT, "ok\n", true},
        {"/readyz", TEXT, "ok\n", true},
        {"/healthz", TEXT, "ok\n", true},
        {"/startupz", TEXT, "ok\n", true},
        {"/etcd/livez", TEXT, "ok\n", true},
        {"/readyz?verbose", TEXT, "[+]quorum-read ok\n", false},
        {"/readyz?verbose", TEXT, "readyz check passed\n", false},
        {"/readyz?verbose=1&timeout=5s", TEXT, "readyz check passed\n", false},
        {"/livez?verbose", TEXT, "livez check passed\n", false},
        {"/etcd/livez?verbose", TEXT, "etcd/livez check passed\n", false},
        {"/status", JSON, "\"name\": \"etcd-0\"", false},
        {"/metrics", METRICS, "\netcd_usher_startup_done 1\n", false},
        {"/version", JSON, "{\"etcd-usher\":\"1.2.3-test\"}\n", true},
        {"/", TEXT, "/prestop", false},
    };
    struct serve_bench *bench = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        http_get_well(bench, rows[i].path, &reply);
        assert_reply(rows[i].path, 200, rows[i].type, rows[i].words);
        if (rows[i].is_whole)
            assert_string_equal(reply.body, rows[i].words);
    }
    http_get(bench, "/status", &reply);
    json_t *status = json_loads(reply.body, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(status, "member_id")), "a0");
    json_decref(status);
}

static void before_the_first_turn_nothing_passes(void **state)
{
    struct serve_bench *bench = *state;

    http_get(bench, "/readyz", &reply);
    assert_reply("/readyz", 503, TEXT, "readyz check failed\n");
    assert_non_null(strstr(reply.body, "[-]quorum-read failed: "));
    http_get(bench, "/startupz", &reply);
    assert_reply("/startupz", 503, TEXT, "[-]plan failed: ");
    http_get(bench, "/livez", &reply);
    assert_int_equal(reply.status, 503);
    http_get(bench, "/status", &reply);
    assert_reply("/status", 200, JSON, "\"membership\": \"unknown\"");
    http_get_well(bench, "/readyz", &reply);
    assert_reply("/readyz", 200, TEXT, "ok\n"); /* the kept answer is not kept too long */
}

static void other_methods_and_paths_are_told(void **state)
{
    struct serve_bench *bench = *state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "NONSENSE"};

    http_ask(bench, "HEAD", "/version", 1, &reply);
    assert_reply("HEAD", 200, JSON, "");
    assert_int_equal(reply.body_bytes, 0);
    http_ask(bench, "HEAD", "/startupz", 1, &reply);
    assert_int_equal(reply.status, 503);
    http_ask(bench, "HEAD", "/nowhere", 1, &reply);
    assert_int_equal(reply.status, 404);
    http_ask(bench, "HEAD", "/prestop", 1, &reply); /* a HEAD must not take a member out */
    assert_int_equal(reply.status, 405);
    assert_string_equal(reply.allow, "GET");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        enum leave_asked how;
        http_ask(bench, methods[i], "/prestop", 1, &reply);
        assert_reply(methods[i], 405, TEXT, "only GET and HEAD");
        assert_string_equal(reply.allow, "GET, HEAD");
        assert_false(leave_request_pending(bench->leave, &how));
    }
    http_get(bench, "/nowhere", &reply);
    assert_reply("/nowhere", 404, TEXT, "/readyz ");
    http_get(bench, "/readyz/", &reply);
    assert_int_equal(reply.status, 404);
    http_get(bench, "/metrics", &reply);
    assert_non_null(strstr(reply.body, "etcd_usher_http_not_found_total 3\n"));
    assert_non_null(strstr(reply.body, "etcd_usher_http_bad_methods_total 6\n"));
}

static void odd_requests_do_no_harm(void **state)
{
    struct serve_bench *bench = *state;
    static char path[12 * 1024];
    char text[4096];
    int fd;

    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    http_get(bench, path, &reply);
    if (reply.status != 414 && reply.status != 431)
        fail_msg("a path of %zu bytes: %ld", sizeof path, reply.status);
    path[5000] = '\0';
    http_get(bench, path, &reply);
    assert_int_equal(reply.status, 404);
    fd = raw_connect(bench, 1);
    raw_send(fd, "nonsense\r\n\r\n");
    assert_true(raw_read(fd, text, sizeof text, NULL));
    close(fd);
    fd = raw_connect(bench, 1); /* a body of GET is thrown away; the connection stays */
    raw_send(fd, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_false(raw_read(fd, text, sizeof text, "1.2.3-test"));
    assert_memory_equal(text, "HTTP/1.1 200", 12);
    close(fd);
    fd = raw_connect(bench, 1);
    close(fd);
    http_get_well(bench, "/livez", &reply);
    assert_reply("/livez", 200, TEXT, "ok\n");
}

/* -- /prestop -- */

struct asking {
    const struct serve_bench *bench;
    struct http_reply reply;
    pthread_t thread;
};

static void *ask_prestop(void *self)
{
    struct asking *asking = self;
    http_get(asking->bench, "/prestop", &asking->reply);
    return NULL;
}

static struct asking *start_prestop(struct serve_bench *bench)
{
    struct asking *asking = calloc(1, sizeof *asking);

    assert_non_null(asking);
    asking->bench = bench;
    assert_int_equal(pthread_create(&asking->thread, NULL, ask_prestop, asking), 0);
    return asking;
}

static void end_prestop(struct asking *asking, long status, const char *words)
{
    assert_int_equal(pthread_join(asking->thread, NULL), 0);
    reply = asking->reply;
    free(asking);
    assert_reply("/prestop", status, TEXT, words);
}

static void prestop_hangs_while_probes_answer(void **state)
{
    static const struct {
        enum usher_exit exit;
        long status;
    } rows[] = {{USHER_EXIT_DONE, 200}, {USHER_EXIT_REFUSED, 409}, {USHER_EXIT_FAILED, 503}, {USHER_EXIT_TIMEOUT, 503}};
    struct serve_bench *bench = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asking *first = start_prestop(bench);
        assert_int_equal(serve_bench_await_asked(bench), LEAVE_ASKED_HTTP);
        for (int probe = 0; probe < 5; probe++) {
            http_get_well(bench, "/readyz", &reply);
            assert_reply("/readyz", 200, TEXT, "ok\n");
        }
        leave_request_say(bench->leave, "moving the leader");
        leave_request_done(bench->leave, rows[i].exit, REASON_STAY_UNPROVEN, "it stays", false);
        end_prestop(first, rows[i].status, "it stays\nreason: ");
    }
}

static void a_verdict_that_never_comes_has_a_limit(void **state)
{
    struct serve_bench *bench = *state;

    serve_bench_restart(bench, 300);
    http_get(bench, "/prestop", &reply);
    assert_reply("/prestop", 503, TEXT, "no verdict: the evaluation did not end in time");
    assert_non_null(strstr(reply.body, "the member keeps its seat unless /status says otherwise"));
}

/* One more than may wait: whichever comes last is told at once, the others get the verdict. */
static void callers_beyond_the_limit_are_told(void **state)
{
    struct serve_bench *bench = *state;
    struct pollfd asking[HTTP_PRESTOPS_MAX + 1];
    char text[4096];
    size_t refused = 0;

    for (size_t i = 0; i < HTTP_PRESTOPS_MAX + 1; i++) {
        asking[i] = (struct pollfd){.fd = raw_connect(bench, 2), .events = POLLIN};
        raw_send(asking[i].fd, "GET /prestop HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_int_equal(poll(asking, HTTP_PRESTOPS_MAX + 1, GENEROUS_MS), 1);
    while (asking[refused].revents == 0)
        refused++;
    assert_false(raw_read(asking[refused].fd, text, sizeof text, "too many callers wait already"));
    assert_int_equal(serve_bench_await_asked(bench), LEAVE_ASKED_HTTP);
    leave_request_done(bench->leave, USHER_EXIT_DONE, REASON_LEFT, "it has left", true);
    for (size_t i = 0; i < HTTP_PRESTOPS_MAX + 1; i++) {
        if (i != refused)
            assert_false(raw_read(asking[i].fd, text, sizeof text, "it has left"));
        close(asking[i].fd);
    }
    http_get(bench, "/prestop", &reply); /* reusable: at once */
    assert_reply("/prestop", 200, TEXT, "it has left");
}

static void who_waits_at_the_end_is_told(void **state)
{
    struct serve_bench *bench = *state;
    struct asking *asking = start_prestop(bench);

    (void)serve_bench_await_asked(bench);
    serve_bench_restart(bench, GENEROUS_MS);
    end_prestop(asking, 503, "no verdict: the sidecar ends");
}

/* -- crowds -- */

static void one_address_cannot_take_every_place(void **state)
{
    struct serve_bench *bench = *state;
    int held[HTTP_PER_ADDRESS_MAX], beyond;
    char text[4096];

    for (size_t i = 0; i < HTTP_PER_ADDRESS_MAX; i++) {
        held[i] = raw_connect(bench, 3);
        raw_send(held[i], "GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_false(raw_read(held[i], text, sizeof text, "1.2.3-test"));
    }
    beyond = raw_connect(bench, 3);
    assert_true(raw_read(beyond, text, sizeof text, NULL)); /* closed without an answer */
    assert_string_equal(text, "");
    close(beyond);
    http_ask(bench, "GET", "/version", 4, &reply);
    assert_reply("/version", 200, JSON, "1.2.3-test");
    for (size_t i = 0; i < HTTP_PER_ADDRESS_MAX; i++)
        close(held[i]);
}

/* Most places are held by clients that send one byte at a time: each byte renews an idle timeout, so only a limit on the whole request
 * helps. */
static void slow_clients_are_cut_off(void **state)
{
    enum { ADDRESSES = 8, EACH = 13, SLOW = ADDRESSES * EACH };
    _Static_assert((int)SLOW >= (int)HTTP_PRESSED_AT && (int)SLOW < (int)HTTP_CONNECTIONS_MAX, "most places, not all");
    _Static_assert((int)EACH < (int)HTTP_PER_ADDRESS_MAX, "no address is refused");
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    struct serve_bench *bench = *state;
    struct deadline deadline = deadline_in_ms(GENEROUS_MS);
    int held[SLOW];
    size_t cut = 0;
    unsigned long counted = 0;
    const char *counter;

    for (size_t i = 0; i < SLOW; i++)
        held[i] = raw_connect(bench, 10 + (unsigned)(i % ADDRESSES));
    for (size_t turn = 0; cut < SLOW; turn++) {
        const char byte[2] = {turn < sizeof request - 1 ? request[turn] : 'x', '\0'};
        char text[4096];
        assert_false(deadline_is_over(deadline));
        for (size_t i = 0; i < SLOW; i++) {
            if (held[i] < 0)
                continue;
            raw_send(held[i], byte);
            if (recv(held[i], text, sizeof text, MSG_DONTWAIT) != 0)
                continue;
            close(held[i]);
            held[i] = -1;
            cut++;
        }
        if (turn % 10 == 0) { /* everybody else is answered meanwhile */
            http_get_well(bench, "/readyz", &reply);
            assert_reply("/readyz", 200, TEXT, "ok\n");
        }
        nanosleep(&pause, NULL);
    }
    http_get(bench, "/metrics", &reply);
    counter = strstr(reply.body, "\netcd_usher_http_cut_off_total ");
    assert_non_null(counter);
    assert_int_equal(sscanf(counter, " etcd_usher_http_cut_off_total %lu", &counted), 1);
    assert_int_equal(counted, SLOW);
}

/* -- metrics -- */

static void promtool_has_nothing_to_say(const char *metrics, size_t length, const char *folder)
{
    char command[1024], said[4096];
    FILE *tool;
    int status;
    size_t said_bytes;

    scratch_write(scratch_path("%s/metrics", folder), metrics, length);
    snprintf(command, sizeof command, "promtool check metrics <'%s/metrics' 2>&1", folder);
    tool = popen(command, "re");
    assert_non_null(tool);
    said_bytes = fread(said, 1, sizeof said - 1, tool);
    said[said_bytes] = '\0';
    status = pclose(tool);
    if (status != 0 || said_bytes != 0)
        fail_msg("promtool check metrics (package prometheus, `make deps`): exit %d\n%s", WEXITSTATUS(status), said);
}

static void metrics_please_promtool(void **state)
{
    struct serve_bench *bench = *state;
    struct snapshot *full = calloc(1, sizeof *full);

    assert_non_null(full);
    http_get(bench, "/metrics", &reply); /* nothing is known yet */
    assert_reply("/metrics", 200, METRICS, "\netcd_usher_ready 0\n");
    promtool_has_nothing_to_say(reply.body, reply.body_bytes, bench->plan_dir);
    serve_bench_publish_well(bench);
    snapshot_board_read(bench->board, full);
    full->membership = SNAPSHOT_LEARNER;
    full->learner.is_known = true;
    full->learner.fraction = 0.5;
    full->waiting_for = REASON_STAY_UNPROVEN;
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        struct snapshot_member *member = &full->members[full->member_count++];
        *member = (struct snapshot_member){.id = {i + 1}, .is_started = true, .is_healthy = TRI_YES, .db_size_bytes = 1 << 20};
        snprintf(member->name, sizeof member->name, "a\"b\\c\n-\xff%zu", i);
        snprintf(member->version, sizeof member->version, "3.%zu.\"\n", i);
    }
    snapshot_count_decision(&full->counters, REASON_LEFT);
    full->counters.calls[SNAPSHOT_VERB_ADD][SNAPSHOT_OUTCOME_OK] = UINT64_MAX;
    snapshot_add_warning(full, "a warning");
    snapshot_board_publish(bench->board, full);
    http_get(bench, "/metrics", &reply);
    promtool_has_nothing_to_say(reply.body, reply.body_bytes, bench->plan_dir);
    http_get(bench, "/status", &reply); /* names from etcd that are not UTF-8 cost one value, not the answer */
    assert_reply("/status", 200, JSON, "(not UTF-8)");
    free(full);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, serve_bench_start, serve_bench_stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_well_member_answers_everywhere),
        ROW(before_the_first_turn_nothing_passes),
        ROW(other_methods_and_paths_are_told),
        ROW(odd_requests_do_no_harm),
        ROW(prestop_hangs_while_probes_answer),
        ROW(a_verdict_that_never_comes_has_a_limit),
        ROW(callers_beyond_the_limit_are_told),
        ROW(who_waits_at_the_end_is_told),
        ROW(one_address_cannot_take_every_place),
        ROW(slow_clients_are_cut_off),
        ROW(metrics_please_promtool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
