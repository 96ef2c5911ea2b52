/* A serving thread on a free port of 127.0.0.0/8 with a board, a leave request and a control socket of its own, and what a client needs.
 * The test plays the loop. */
#ifndef USHER_TESTS_UNIT_SERVE_BENCH_H
#define USHER_TESTS_UNIT_SERVE_BENCH_H

#include <pthread.h>
#include <stdbool.h>

#include "usher/serve/serve.h"

enum { GENEROUS_MS = 60 * 1000 };

struct serve_bench {
    char *plan_dir;
    struct snapshot_board *board;
    struct leave_request *leave;
    struct serve *serve;
    uint16_t port;
};

struct http_reply {
    long status; /* 0 = no answer */
    char type[128], allow[128];
    size_t body_bytes;
    char body[64 * 1024];
};

int serve_bench_start(void **state); /* *state = a struct serve_bench; verdicts on leaving may take GENEROUS_MS */
int serve_bench_stop(void **state);
void serve_bench_restart(struct serve_bench *bench, int64_t leave_limit_ms);

/* A member that is well, now. */
void serve_bench_publish_well(struct serve_bench *bench);

/* From 127.0.0.`from`. `method` as HTTP writes it. */
void http_ask(const struct serve_bench *bench, const char *method, const char *path, unsigned from, struct http_reply *out);
#define http_get(bench, path, out) http_ask(bench, "GET", path, 1, out)

/* Of a member that is well: published just before, and again where the machine took so long that the verdict aged. */
void http_get_well(struct serve_bench *bench, const char *path, struct http_reply *out);

/* A bare connection, for what no client would do. Receiving and closing have a generous limit of time. */
int raw_connect(const struct serve_bench *bench, unsigned from);
void raw_send(int fd, const char *text); /* what the other end does not take any more is lost */
/* Reads until the other end closes (true) or `until` is seen. */
bool raw_read(int fd, char *out, size_t out_bytes, const char *until);

/* Until somebody asked to leave; the strongest way he asked. */
enum leave_asked serve_bench_await_asked(struct serve_bench *bench);

#endif
