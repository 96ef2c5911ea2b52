#include "usher/serve/serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* What the thread's deepest call (jansson, printf with doubles) needs, several times over; only touched pages cost memory. */
enum { STACK_BYTES = 256 * 1024, POLLS_MAX = CONTROL_POLLS_MAX + 3 };

struct serve {
    struct leave_request *leave;
    struct http_server *http;
    struct control *control;
    uint16_t port;
    int stop_fd;
    pthread_t thread;
};

static int sooner(int a_ms, int b_ms)
{
    if (a_ms < 0)
        return b_ms;
    return b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

static void *serve_thread(void *self)
{
    struct serve *serve = self;
    for (;;) {
        struct pollfd polls[POLLS_MAX];
        size_t count = 0;
        polls[count++] = (struct pollfd){.fd = serve->stop_fd, .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = leave_request_notice_fd(serve->leave), .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = serve->http ? http_server_fd(serve->http) : -1, .events = POLLIN};
        int wait_ms = serve->http ? http_server_wait_ms(serve->http) : -1;
        size_t first_control = count;
        if (serve->control) {
            count += control_polls(serve->control, polls + count);
            wait_ms = sooner(wait_ms, control_wait_ms(serve->control));
        }
        int ready = poll(polls, count, wait_ms);
        if (polls[0].revents != 0)
            return NULL;
        bool has_news = ready > 0 && polls[1].revents != 0;
        bool is_for_control = has_news || ready == 0;
        for (size_t i = first_control; ready > 0 && i < count; i++)
            is_for_control = is_for_control || polls[i].revents != 0;
        if (has_news)
            leave_request_clear_notice(serve->leave);
        if (has_news && serve->http)
            http_server_leave_news(serve->http);
        if (serve->http)
            http_server_run(serve->http);
        if (serve->control && (is_for_control || control_wait_ms(serve->control) == 0))
            control_run(serve->control);
    }
}

static void be_frugal(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024);
#endif
}

static bool open_http(const struct serve_parts *parts, struct serve *serve, struct usher_error *err)
{
    struct listen_address address;
    int listen_socket;
    if (!parts->listen[0])
        return true;
    if (!listen_address_parse(parts->listen, &address, err) || !listen_address_open(&address, &listen_socket, &serve->port, err))
        return false;
    struct http_server_parts http = {
        .board = parts->board, .leave = parts->leave, .version = parts->version, .prestop_limit_ms = parts->leave_limit_ms};
    return http_server_new(&http, listen_socket, &serve->http, err);
}

static bool open_control(const struct serve_parts *parts, struct serve *serve, struct usher_error *err)
{
    if (!parts->plan_dir[0])
        return true;
    struct control_parts control = {
        .board = parts->board, .leave = parts->leave, .version = parts->version, .leave_limit_ms = parts->leave_limit_ms};
    return control_new(&control, parts->plan_dir, &serve->control, err);
}

static bool start_thread(struct serve *serve, struct usher_error *err)
{
    pthread_attr_t attributes;
    int number = pthread_attr_init(&attributes);
    if (number != 0)
        return usher_error_errno(err, number, "cannot prepare the serving thread");
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* Signals belong to the loop: the thread inherits a full mask. */
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&serve->thread, &attributes, serve_thread, serve);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return number == 0 || usher_error_errno(err, number, "cannot start the serving thread");
}

static void serve_release(struct serve *serve)
{
    http_server_free(serve->http);
    control_free(serve->control);
    if (serve->stop_fd >= 0)
        close(serve->stop_fd);
    free(serve);
}

bool serve_start(const struct serve_parts *parts, struct serve **out_serve, struct usher_error *err)
{
    be_frugal();
    struct serve *serve = calloc(1, sizeof *serve);
    if (!serve)
        return usher_error_errno(err, ENOMEM, "no memory for the serving thread");
    serve->leave = parts->leave;
    serve->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (serve->stop_fd < 0)
        usher_error_errno(err, errno, "cannot make an event");
    if (serve->stop_fd < 0 || !open_http(parts, serve, err) || !open_control(parts, serve, err) || !start_thread(serve, err)) {
        serve_release(serve);
        return false;
    }
    *out_serve = serve;
    return true;
}

uint16_t serve_port(const struct serve *serve) { return serve->port; }

void serve_stop(struct serve *serve)
{
    if (!serve)
        return;
    const uint64_t one = 1;
    /* Cannot be full: it is written once. */
    if (write(serve->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        (void)pthread_join(serve->thread, NULL);
    serve_release(serve);
}
