#include "usher/serve/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_address.h"

bool control_address_of(const char *plan_dir, struct sockaddr_un *out_address, struct usher_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", plan_dir, CONTROL_SOCKET_NAME);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        return usher_error_set(err, "--plan-dir: the path '%s/%s' is too long for a socket (at most %zu bytes); choose a shorter one",
                               plan_dir, CONTROL_SOCKET_NAME, sizeof address.sun_path - 1);
    *out_address = address;
    return true;
}

struct asking {
    int fd;
    struct deadline deadline;
    struct bounded_text line;
};

static void asking_done(struct asking *asking)
{
    if (asking->fd >= 0)
        close(asking->fd);
    bounded_text_done(&asking->line);
}

static bool wait_for(struct asking *asking, short events, struct usher_error *err)
{
    struct pollfd one = {.fd = asking->fd, .events = events};
    for (;;) {
        if (deadline_is_over(asking->deadline)) {
            usher_error_set(err, "the sidecar gave no verdict in time; whether it acts later is not known: look at the member list");
            if (err)
                err->exit = USHER_EXIT_TIMEOUT;
            return false;
        }
        int ready = poll(&one, 1, (int)deadline_left_ms(asking->deadline));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return usher_error_errno(err, errno, "cannot wait for the sidecar");
    }
}

static bool ask(struct asking *asking, const struct sockaddr_un *address, const char *line, struct usher_error *err)
{
    asking->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking->fd < 0)
        return usher_error_errno(err, errno, "cannot make a socket");
    if (connect(asking->fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return usher_error_errno(err, errno, "no sidecar answers at %s; is it running, with the same --plan-dir?", address->sun_path);
    char request[CONTROL_REQUEST_BYTES];
    int length = snprintf(request, sizeof request, "%s\n", line);
    if (length < 0 || (size_t)length >= sizeof request)
        return usher_error_set(err, "the request is too long");
    /* A fresh socket's buffer takes one short line whole. */
    if (send(asking->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        return usher_error_errno(err, errno, "the sidecar at %s takes no request", address->sun_path);
    return true;
}

/* "done <exit> <reason> <text>" after the word. */
static bool read_done(char *rest, struct control_verdict *out_verdict, struct bounded_text *text_or_null, struct usher_error *err)
{
    struct control_verdict verdict = {.exit = USHER_EXIT_FAILED};
    if (rest[0] < '0' || rest[0] > '4' || rest[1] != ' ')
        return usher_error_set(err, "the sidecar's answer has no exit code: '%.100s'", rest);
    verdict.exit = (enum usher_exit)(rest[0] - '0');
    char *reason = rest + 2;
    size_t reason_length = strcspn(reason, " ");
    if (reason_length == 0 || reason_length >= sizeof verdict.reason)
        return usher_error_set(err, "the sidecar's answer has no reason: '%.100s'", rest);
    memcpy(verdict.reason, reason, reason_length);
    const char *words = reason + reason_length + (reason[reason_length] == ' ');
    if (text_or_null && !bounded_text_add_c(text_or_null, words))
        return usher_error_set(err, "no memory for the sidecar's answer");
    *out_verdict = verdict;
    return true;
}

/* One whole line into asking->line, without its newline. Byte by byte: there are few of them, and nothing is read past the line. */
static bool read_line(struct asking *asking, struct usher_error *err)
{
    bounded_text_reset(&asking->line);
    for (;;) {
        char block[4096];
        ssize_t got = recv(asking->fd, block, sizeof block, MSG_PEEK);
        if (got == 0)
            return usher_error_set(err, "the sidecar went away without a verdict; what it did is not known: look at the member list");
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return usher_error_errno(err, errno, "the sidecar's answer cannot be read");
        if (got < 0) {
            if (!wait_for(asking, POLLIN, err))
                return false;
            continue;
        }
        const char *end = memchr(block, '\n', (size_t)got);
        size_t taken = end ? (size_t)(end - block) : (size_t)got;
        if (!bounded_text_add(&asking->line, block, taken))
            return usher_error_set(err, "the sidecar's answer is longer than %d bytes", CONTROL_ANSWER_BYTES);
        if (recv(asking->fd, block, taken + (end ? 1 : 0), 0) < 0)
            return usher_error_errno(err, errno, "the sidecar's answer cannot be read");
        if (end)
            return true;
    }
}

bool control_ask(const char *plan_dir, const char *line, struct deadline deadline, control_on_progress on_progress_or_null,
                 void *progress_self, struct control_verdict *out_verdict, struct bounded_text *out_text_or_null, struct usher_error *err)
{
    struct sockaddr_un address;
    if (!control_address_of(plan_dir, &address, err))
        return false;
    struct asking asking USHER_CLEANUP(asking_done) = {.fd = -1, .deadline = deadline};
    bounded_text_init(&asking.line, CONTROL_ANSWER_BYTES);
    if (!ask(&asking, &address, line, err))
        return false;
    for (;;) {
        if (!read_line(&asking, err))
            return false;
        char *text = asking.line.data;
        if (text && strncmp(text, CONTROL_DONE, strlen(CONTROL_DONE)) == 0)
            return read_done(text + strlen(CONTROL_DONE), out_verdict, out_text_or_null, err);
        if (text && strncmp(text, CONTROL_PROGRESS, strlen(CONTROL_PROGRESS)) == 0 && on_progress_or_null)
            on_progress_or_null(progress_self, text + strlen(CONTROL_PROGRESS));
    }
}
