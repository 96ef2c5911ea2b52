/* The control socket, both ends: ours against ours, and each against a stranger. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "serve_bench.h"

/* One call of control_ask on a thread of its own. */
struct asking {
    const char *plan_dir, *line;
    int64_t limit_ms;
    bool is_answered;
    struct control_verdict verdict;
    struct bounded_text text;
    struct usher_error err;
    unsigned progress_lines;
    char progress[256];
    pthread_t thread;
};

static void on_progress(void *self, const char *text)
{
    struct asking *asking = self;
    asking->progress_lines++;
    snprintf(asking->progress, sizeof asking->progress, "%s", text);
}

static void *ask(void *self)
{
    struct asking *asking = self;
    asking->is_answered = control_ask(asking->plan_dir, asking->line, deadline_in_ms(asking->limit_ms), on_progress, asking,
                                      &asking->verdict, &asking->text, &asking->err);
    return NULL;
}

static void start_asking(struct asking *asking, const char *plan_dir, const char *line, int64_t limit_ms)
{
    memset(asking, 0, sizeof *asking);
    asking->plan_dir = plan_dir;
    asking->line = line;
    asking->limit_ms = limit_ms;
    bounded_text_init(&asking->text, CONTROL_ANSWER_BYTES);
    assert_int_equal(pthread_create(&asking->thread, NULL, ask, asking), 0);
}

static void end_asking(struct asking *asking) { assert_int_equal(pthread_join(asking->thread, NULL), 0); }

static void ask_now(struct asking *asking, const char *plan_dir, const char *line)
{
    start_asking(asking, plan_dir, line, GENEROUS_MS);
    end_asking(asking);
}

static void status_is_told(void **state)
{
    struct serve_bench *bench = *state;
    struct asking asking;

    assert_int_equal(scratch_mode(scratch_path("%s/" CONTROL_SOCKET_NAME, bench->plan_dir)), 0660);
    serve_bench_publish_well(bench);
    ask_now(&asking, bench->plan_dir, CONTROL_STATUS);
    assert_true(asking.is_answered);
    assert_int_equal(asking.verdict.exit, USHER_EXIT_DONE);
    assert_string_equal(asking.verdict.reason, "status");
    assert_non_null(strstr(bounded_text_c(&asking.text), "\"name\":\"etcd-0\""));
    assert_int_equal(bounded_text_c(&asking.text)[0], '{');
    bounded_text_done(&asking.text);
}

static void an_order_is_followed_to_its_verdict(void **state)
{
    static const struct {
        const char *line;
        enum leave_asked how;
        enum usher_exit exit;
    } rows[] = {{CONTROL_LEAVE_ORDER, LEAVE_ASKED_ORDER, USHER_EXIT_DONE}, {CONTROL_LEAVE_HOOK, LEAVE_ASKED_HOOK, USHER_EXIT_REFUSED}};
    struct serve_bench *bench = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asking asking;
        start_asking(&asking, bench->plan_dir, rows[i].line, GENEROUS_MS);
        assert_int_equal(serve_bench_await_asked(bench), rows[i].how);
        leave_request_say(bench->leave, "moving\nthe leader");
        http_get_well(bench, "/version", &(struct http_reply){0});
        leave_request_done(bench->leave, rows[i].exit, REASON_STAY_UNPROVEN, "it stays\r\ndone 0 forged", false);
        end_asking(&asking);
        assert_true(asking.is_answered);
        assert_int_equal(asking.verdict.exit, rows[i].exit);
        assert_string_equal(asking.verdict.reason, reason_name(REASON_STAY_UNPROVEN));
        assert_string_equal(bounded_text_c(&asking.text), "it stays  done 0 forged"); /* one line: nothing to forge */
        assert_true(asking.progress_lines <= 1);                                      /* it may be overtaken by the verdict */
        if (asking.progress_lines == 1)
            assert_string_equal(asking.progress, "moving the leader");
        bounded_text_done(&asking.text);
    }
}

static void what_is_not_understood_is_said_so(void **state)
{
    static const char *const lines[] = {"", "leave", "leave asked ", "LEAVE ASKED", "status please", "leave evaluate"};
    struct serve_bench *bench = *state;
    enum leave_asked how;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct asking asking;
        ask_now(&asking, bench->plan_dir, lines[i]);
        assert_true(asking.is_answered);
        assert_int_equal(asking.verdict.exit, USHER_EXIT_USAGE);
        assert_string_equal(asking.verdict.reason, "unknown");
        assert_non_null(strstr(bounded_text_c(&asking.text), "understood: leave asked, leave evaluate exec-hook, status"));
        bounded_text_done(&asking.text);
    }
    assert_false(leave_request_pending(bench->leave, &how));
}

static void the_end_of_the_sidecar_is_told(void **state)
{
    struct serve_bench *bench = *state;
    struct asking asking;

    start_asking(&asking, bench->plan_dir, CONTROL_LEAVE_ORDER, GENEROUS_MS);
    (void)serve_bench_await_asked(bench);
    serve_bench_restart(bench, 200);
    end_asking(&asking);
    assert_true(asking.is_answered);
    assert_int_equal(asking.verdict.exit, USHER_EXIT_FAILED);
    assert_string_equal(bounded_text_c(&asking.text), "the sidecar ends without a verdict; look at the member list");
    bounded_text_done(&asking.text);
    ask_now(&asking, bench->plan_dir, CONTROL_LEAVE_ORDER); /* nobody gives a verdict within 200 ms */
    assert_true(asking.is_answered);
    assert_int_equal(asking.verdict.exit, USHER_EXIT_TIMEOUT);
    assert_non_null(strstr(bounded_text_c(&asking.text), "did not end in time"));
    bounded_text_done(&asking.text);
}

/* -- a strange client -- */

static int connect_to(const char *plan_dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/" CONTROL_SOCKET_NAME, plan_dir);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void strange_clients_do_no_harm(void **state)
{
    struct serve_bench *bench = *state;
    struct asking asking;
    char text[4096], longest[CONTROL_REQUEST_BYTES + 1];
    int held[CONTROL_CLIENTS_MAX], fd;

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    fd = connect_to(bench->plan_dir);
    raw_send(fd, longest); /* no end of line, and no room for one */
    assert_true(raw_read(fd, text, sizeof text, NULL));
    assert_string_equal(text, "");
    close(fd);
    fd = connect_to(bench->plan_dir); /* in pieces */
    raw_send(fd, "sta");
    raw_send(fd, "tus\nand more");
    assert_true(raw_read(fd, text, sizeof text, NULL) || strncmp(text, "done 0 status {", 15) == 0);
    assert_memory_equal(text, "done 0 status {", 15);
    close(fd);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        held[i] = connect_to(bench->plan_dir);
        raw_send(held[i], "half a li");
    }
    fd = connect_to(bench->plan_dir); /* one too many */
    assert_true(raw_read(fd, text, sizeof text, NULL));
    close(fd);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close(held[i]);
    /* The places are free again: an accepted connection may find them taken for a moment. */
    struct deadline deadline = deadline_in_ms(GENEROUS_MS);
    do {
        ask_now(&asking, bench->plan_dir, CONTROL_STATUS);
        bounded_text_done(&asking.text);
        assert_false(deadline_is_over(deadline));
    } while (!asking.is_answered);
}

/* One that went away does not take its order back, and whoever else waits is answered. */
static void a_client_that_goes_away_leaves_its_order(void **state)
{
    struct serve_bench *bench = *state;
    struct asking asking;
    int fd = connect_to(bench->plan_dir);

    raw_send(fd, CONTROL_LEAVE_ORDER "\n");
    assert_int_equal(serve_bench_await_asked(bench), LEAVE_ASKED_ORDER);
    close(fd);
    leave_request_done(bench->leave, USHER_EXIT_DONE, REASON_LEFT, "it has left", true);
    ask_now(&asking, bench->plan_dir, CONTROL_LEAVE_HOOK);
    assert_true(asking.is_answered);
    assert_string_equal(bounded_text_c(&asking.text), "it has left");
    bounded_text_done(&asking.text);
}

/* -- a strange sidecar -- */

static int listen_in(const char *plan_dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/" CONTROL_SOCKET_NAME, plan_dir);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void strange_answers_are_no_verdict(void **state)
{
    static const struct {
        const char *answer, *message;
    } rows[] = {
        {"", "the sidecar went away without a verdict; what it did is not known"},
        {"progress it goes on\n", "the sidecar went away without a verdict"},
        {"done 0 left it has left", "the sidecar went away without a verdict"}, /* not a whole line */
        {"done\n", "the sidecar went away without a verdict"},
        {"done 7 left text\n", "the sidecar's answer has no exit code: '7 left text'"},
        {"done x\n", "the sidecar's answer has no exit code: 'x'"},
        {"done 0 \n", "the sidecar's answer has no reason: '0 '"},
        {"done 0 a-reason-of-more-than-sixty-three-letters-is-none-of-ours-whatever-it-says x\n", "the sidecar's answer has no reason"},
    };
    int listening = listen_in(*state);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asking asking;
        char line[64];
        int fd;
        start_asking(&asking, *state, CONTROL_STATUS, GENEROUS_MS);
        fd = accept(listening, NULL, NULL);
        assert_true(fd >= 0);
        assert_false(raw_read(fd, line, sizeof line, "status\n"));
        raw_send(fd, rows[i].answer);
        close(fd);
        end_asking(&asking);
        if (asking.is_answered || strstr(asking.err.text, rows[i].message) == NULL)
            fail_msg("'%s': %s", rows[i].answer, asking.err.text);
        assert_int_equal(asking.err.exit, USHER_EXIT_FAILED);
        bounded_text_done(&asking.text);
    }
    close(listening);
}

static void silence_ends_at_the_deadline(void **state)
{
    struct asking asking;
    int listening = listen_in(*state);

    start_asking(&asking, *state, CONTROL_LEAVE_ORDER, 100); /* taken by the kernel, answered by nobody */
    end_asking(&asking);
    assert_false(asking.is_answered);
    assert_int_equal(asking.err.exit, USHER_EXIT_TIMEOUT);
    assert_non_null(strstr(asking.err.text, "whether it acts later is not known"));
    bounded_text_done(&asking.text);
    close(listening);
    ask_now(&asking, *state, CONTROL_STATUS); /* the socket's file is left, nobody listens */
    assert_false(asking.is_answered);
    assert_non_null(strstr(asking.err.text, "no sidecar answers at "));
    assert_non_null(strstr(asking.err.text, "Connection refused"));
    bounded_text_done(&asking.text);
    ask_now(&asking, scratch_path("%s/absent", (const char *)*state), CONTROL_STATUS);
    assert_non_null(strstr(asking.err.text, "is it running, with the same --plan-dir?: No such file or directory"));
    assert_int_equal(asking.err.exit, USHER_EXIT_FAILED);
    bounded_text_done(&asking.text);
}

static void a_socket_of_an_earlier_life_is_replaced(void **state)
{
    struct serve_bench *bench = *state;
    struct snapshot_board *board = bench->board;
    struct serve_parts parts = {
        .listen = "", .plan_dir = NULL, .version = "v", .board = board, .leave = bench->leave, .leave_limit_ms = 1000};
    struct usher_error err = {.text = ""};
    struct serve *serve = NULL;
    const char *plan_dir = scratch_path("%s/second", bench->plan_dir), *deep = scratch_path("%s/%0120d", bench->plan_dir, 1);

    scratch_mkdir(plan_dir);
    close(listen_in(plan_dir));
    parts.plan_dir = plan_dir;
    if (!serve_start(&parts, &serve, &err))
        fail_msg("%s", err.text);
    assert_int_equal(serve_port(serve), 0);
    serve_stop(serve);
    assert_false(scratch_exists(scratch_path("%s/" CONTROL_SOCKET_NAME, plan_dir)));
    parts.plan_dir = deep;
    assert_false(serve_start(&parts, &serve, &err));
    assert_non_null(strstr(err.text, "is too long for a socket (at most 107 bytes); choose a shorter one"));
    parts.plan_dir = scratch_path("%s/absent", bench->plan_dir);
    assert_false(serve_start(&parts, &serve, &err));
    assert_non_null(strstr(err.text, "cannot open the control socket"));
    parts.listen = "2383";
    assert_false(serve_start(&parts, &serve, &err));
    assert_int_equal(err.exit, USHER_EXIT_USAGE);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, serve_bench_start, serve_bench_stop)
#define ALONE(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(status_is_told),
        ROW(an_order_is_followed_to_its_verdict),
        ROW(what_is_not_understood_is_said_so),
        ROW(the_end_of_the_sidecar_is_told),
        ROW(strange_clients_do_no_harm),
        ROW(a_client_that_goes_away_leaves_its_order),
        ALONE(strange_answers_are_no_verdict),
        ALONE(silence_ends_at_the_deadline),
        ROW(a_socket_of_an_earlier_life_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
