#include "usher/serve/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_address.h"
#include "usher/serve/status_json.h"

enum client_state {
    CLIENT_FREE = 0,
    CLIENT_ASKS,   /* its line is not whole yet */
    CLIENT_WAITS,  /* for the verdict on leaving */
    CLIENT_LEAVES, /* `done` is written; the rest of it goes out, then the end */
};

struct client {
    enum client_state state;
    int fd;
    struct deadline deadline;
    size_t line_bytes;
    char line[CONTROL_REQUEST_BYTES];
    uint64_t ticket, said; /* said = number of the last progress line that it got */
    struct bounded_text out;
    size_t sent_bytes;
};

struct control {
    struct control_parts parts;
    struct sockaddr_un address;
    int listen_fd;
    struct client clients[CONTROL_CLIENTS_MAX];
    struct snapshot seen; /* for `status` */
};

static void client_end(struct client *client)
{
    close(client->fd);
    bounded_text_done(&client->out);
    client->state = CLIENT_FREE;
}

static void finish(struct client *client, enum usher_exit exit, const char *reason, const char *text)
{
    (void)bounded_text_printf(&client->out, CONTROL_DONE "%d %s %s\n", (int)exit, reason, text);
    client->state = CLIENT_LEAVES;
    client->deadline = deadline_in_ms(CONTROL_REQUEST_MS);
}

/* False: it is gone, or memory was short. */
static bool flush(struct client *client)
{
    while (client->sent_bytes < client->out.length_bytes) {
        ssize_t sent = send(client->fd, client->out.data + client->sent_bytes, client->out.length_bytes - client->sent_bytes, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        client->sent_bytes += (size_t)sent;
    }
    bounded_text_reset(&client->out);
    client->sent_bytes = 0;
    return !client->out.overflowed;
}

static void answer_status(struct control *control, struct client *client)
{
    struct bounded_text json;
    struct usher_error err = {.exit = USHER_EXIT_FAILED};
    bounded_text_init(&json, CONTROL_ANSWER_BYTES - 256);
    (void)snapshot_board_read(control->parts.board, &control->seen);
    if (status_json_write(&control->seen, control->parts.version, monotonic_ms(), false, &json, &err))
        finish(client, USHER_EXIT_DONE, "status", bounded_text_c(&json));
    else
        finish(client, USHER_EXIT_FAILED, "status", err.text);
    bounded_text_done(&json);
}

static void answer_line(struct control *control, struct client *client)
{
    if (strcmp(client->line, CONTROL_STATUS) == 0) {
        answer_status(control, client);
        return;
    }
    bool is_order = strcmp(client->line, CONTROL_LEAVE_ORDER) == 0;
    if (!is_order && strcmp(client->line, CONTROL_LEAVE_HOOK) != 0) {
        finish(client, USHER_EXIT_USAGE, "unknown",
               "this request is not understood; understood: leave asked, leave evaluate exec-hook, status");
        return;
    }
    client->state = CLIENT_WAITS;
    client->deadline = deadline_in_ms(control->parts.leave_limit_ms);
    client->ticket = leave_request_ask(control->parts.leave, is_order ? LEAVE_ASKED_ORDER : LEAVE_ASKED_HOOK);
}

/* False: the client is gone or talks too much. */
static bool take_line(struct control *control, struct client *client)
{
    ssize_t got = recv(client->fd, client->line + client->line_bytes, sizeof client->line - client->line_bytes, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    client->line_bytes += (size_t)got;
    char *end = memchr(client->line, '\n', client->line_bytes);
    if (!end)
        return client->line_bytes < sizeof client->line;
    *end = '\0';
    answer_line(control, client);
    return true;
}

static void tell_waiting(struct control *control, struct client *client)
{
    struct leave_verdict verdict;
    if (leave_request_verdict(control->parts.leave, client->ticket, &verdict)) {
        finish(client, verdict.exit, reason_name(verdict.reason), verdict.text);
        return;
    }
    char text[LEAVE_TEXT_BYTES];
    uint64_t number = leave_request_progress(control->parts.leave, text, sizeof text);
    if (number != 0 && number != client->said) {
        client->said = number;
        (void)bounded_text_printf(&client->out, CONTROL_PROGRESS "%s\n", text);
    }
    if (deadline_is_over(client->deadline))
        finish(client, USHER_EXIT_TIMEOUT, "unknown",
               "the evaluation did not end in time; the member keeps its seat unless the list says otherwise");
}

/* One that waits has nothing more to say: what it still sends is thrown away, so that the end of its stream can be seen behind it. */
static bool is_gone(const struct client *client)
{
    char bytes[CONTROL_REQUEST_BYTES];
    ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void client_run(struct control *control, struct client *client)
{
    bool is_well = true;
    if (client->state == CLIENT_ASKS)
        is_well = take_line(control, client) && (client->state != CLIENT_ASKS || !deadline_is_over(client->deadline));
    if (is_well && client->state == CLIENT_WAITS) {
        is_well = !is_gone(client);
        if (is_well)
            tell_waiting(control, client);
    }
    is_well = is_well && flush(client);
    bool is_finished = client->state == CLIENT_LEAVES && (client->out.length_bytes == 0 || deadline_is_over(client->deadline));
    if (!is_well || is_finished)
        client_end(client);
}

static void accept_all(struct control *control)
{
    for (;;) {
        int fd = accept4(control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct client *place = NULL;
        for (size_t i = 0; i < CONTROL_CLIENTS_MAX && !place; i++)
            if (control->clients[i].state == CLIENT_FREE)
                place = &control->clients[i];
        if (!place) {
            close(fd);
            continue;
        }
        *place = (struct client){.state = CLIENT_ASKS, .fd = fd, .deadline = deadline_in_ms(CONTROL_REQUEST_MS)};
        bounded_text_init(&place->out, CONTROL_ANSWER_BYTES);
    }
}

void control_run(struct control *control)
{
    accept_all(control);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].state != CLIENT_FREE)
            client_run(control, &control->clients[i]);
}

size_t control_polls(const struct control *control, struct pollfd out_polls[CONTROL_POLLS_MAX])
{
    size_t count = 0;
    out_polls[count++] = (struct pollfd){.fd = control->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        if (client->state == CLIENT_FREE)
            continue;
        short events = client->out.length_bytes > 0 ? POLLOUT : 0;
        if (client->state == CLIENT_ASKS || client->state == CLIENT_WAITS)
            events |= POLLIN;
        out_polls[count++] = (struct pollfd){.fd = client->fd, .events = events};
    }
    return count;
}

int control_wait_ms(const struct control *control)
{
    int64_t wait_ms = -1;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].state == CLIENT_FREE)
            continue;
        int64_t left_ms = deadline_left_ms(control->clients[i].deadline);
        if (wait_ms < 0 || left_ms < wait_ms)
            wait_ms = left_ms;
    }
    return (int)wait_ms;
}

bool control_new(const struct control_parts *parts, const char *plan_dir, struct control **out_control, struct usher_error *err)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return usher_error_errno(err, ENOMEM, "no memory for the control socket");
    control->parts = *parts;
    if (!control_address_of(plan_dir, &control->address, err)) {
        free(control);
        return false;
    }
    const char *path = control->address.sun_path;
    control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_open = control->listen_fd >= 0 && (unlink(path) == 0 || errno == ENOENT) &&
                   bind(control->listen_fd, (const struct sockaddr *)&control->address, sizeof control->address) == 0 &&
                   chmod(path, 0660) == 0 && listen(control->listen_fd, CONTROL_CLIENTS_MAX) == 0;
    if (!is_open) {
        int number = errno;
        if (control->listen_fd >= 0)
            close(control->listen_fd);
        usher_error_errno(err, number, "cannot open the control socket %s (--plan-dir)", path);
        free(control);
        return false;
    }
    *out_control = control;
    return true;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    control_run(control); /* verdicts that are there go out */
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->state == CLIENT_FREE)
            continue;
        if (client->state == CLIENT_WAITS)
            finish(client, USHER_EXIT_FAILED, "unknown", "the sidecar ends without a verdict; look at the member list");
        (void)flush(client);
        client_end(client);
    }
    close(control->listen_fd);
    (void)unlink(control->address.sun_path);
    free(control);
}
