#include "usher/host/wake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct wake {
    int event_fd, signal_fd, epoll_fd;
    atomic_bool is_stopping, was_poked;
};

static bool add_to_epoll(struct wake *wake, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(wake->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool wake_new(struct wake **out_wake, struct usher_error *err)
{
    struct wake *wake = calloc(1, sizeof *wake);
    sigset_t mask;

    if (wake == NULL)
        return usher_error_set(err, "out of memory");
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    wake->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wake->signal_fd = sigprocmask(SIG_BLOCK, &mask, NULL) == 0 ? signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    wake->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (wake->event_fd < 0 || wake->signal_fd < 0 || wake->epoll_fd < 0 || !add_to_epoll(wake, wake->event_fd) ||
        !add_to_epoll(wake, wake->signal_fd)) {
        usher_error_errno(err, errno, "cannot wait for signals");
        wake_free(wake);
        return false;
    }
    *out_wake = wake;
    return true;
}

void wake_free(struct wake *wake)
{
    if (wake == NULL)
        return;
    if (wake->event_fd >= 0)
        close(wake->event_fd);
    if (wake->signal_fd >= 0)
        close(wake->signal_fd);
    if (wake->epoll_fd >= 0)
        close(wake->epoll_fd);
    free(wake);
}

void wake_poke(struct wake *wake)
{
    uint64_t one = 1;

    /* A full counter means that it is readable already. */
    if (write(wake->event_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        return;
}

/* Empties both descriptors into the two flags. */
static void drain(struct wake *wake)
{
    struct signalfd_siginfo info;
    uint64_t count;

    while (read(wake->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            atomic_store(&wake->is_stopping, true);
    if (read(wake->event_fd, &count, sizeof count) == (ssize_t)sizeof count)
        atomic_store(&wake->was_poked, true);
}

bool wake_is_stopping(struct wake *wake)
{
    drain(wake);
    return atomic_load(&wake->is_stopping);
}

bool wake_take_poke(struct wake *wake)
{
    drain(wake);
    return atomic_exchange(&wake->was_poked, false);
}

bool wake_wait(struct wake *wake, struct deadline deadline)
{
    struct pollfd fd = {.fd = wake->epoll_fd, .events = POLLIN};
    int ready;

    do
        ready = poll(&fd, 1, (int)deadline_left_ms(deadline));
    while (ready < 0 && errno == EINTR);
    if (ready > 0)
        drain(wake);
    return ready > 0;
}

int wake_fd(const struct wake *wake) { return wake->epoll_fd; }
