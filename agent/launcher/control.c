#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher.h"
#include "usher/serve/control_protocol.h"

static int connect_to_sidecar(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *directory = plan_directory();
    size_t length = strlen(directory), name_length = strlen(CONTROL_SOCKET_NAME);
    int fd;

    if (length + name_length + 2 > sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, directory, length);
    address.sun_path[length] = '/';
    memcpy(address.sun_path + length + 1, CONTROL_SOCKET_NAME, name_length + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* One answer line. -2 = go on; else the exit code. */
static int take_line(const char *line)
{
    if (strncmp(line, CONTROL_PROGRESS, strlen(CONTROL_PROGRESS)) == 0) {
        say(line + strlen(CONTROL_PROGRESS), END);
        return -2;
    }
    if (strncmp(line, CONTROL_DONE, strlen(CONTROL_DONE)) != 0)
        return -2;
    line += strlen(CONTROL_DONE);
    say(line + strcspn(line, " "), END);
    return line[0] >= '0' && line[0] <= '9' ? line[0] - '0' : 1;
}

static int read_answers(int fd, long long until_ms)
{
    char buffer[CONTROL_LEAVE_ANSWER_BYTES * 2];
    size_t length = 0;

    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        long long left_ms = until_ms - now_ms();
        ssize_t count;
        char *newline;
        if (left_ms <= 0)
            return -1;
        if (poll(&poll_fd, 1, (int)left_ms) < 0 && errno != EINTR)
            return -1;
        if (poll_fd.revents == 0)
            continue;
        count = read(fd, buffer + length, sizeof buffer - 1 - length);
        if (count <= 0)
            return -1;
        length += (size_t)count;
        buffer[length] = '\0';
        while ((newline = strchr(buffer, '\n')) != NULL) {
            int code;
            *newline = '\0';
            code = take_line(buffer);
            if (code != -2)
                return code;
            length -= (size_t)(newline + 1 - buffer);
            memmove(buffer, newline + 1, length + 1);
        }
        if (length >= sizeof buffer - 1)
            return -1;
    }
}

int control_leave(long limit_ms)
{
    static const char line[] = CONTROL_LEAVE_HOOK "\n";
    int fd = connect_to_sidecar();
    int code = -1;

    if (fd < 0)
        return -1;
    if (write(fd, line, sizeof line - 1) == (ssize_t)(sizeof line - 1))
        code = read_answers(fd, now_ms() + limit_ms);
    close(fd);
    return code;
}

long leave_limit_ms(void)
{
    const char *text = getenv("USHER_LEAVE_TIMEOUT");
    char *end = NULL;
    long value = text != NULL ? strtol(text, &end, 10) : 0;

    if (text == NULL || value <= 0)
        return 27 * 1000;
    if (strcmp(end, "ms") == 0)
        return value + 2000;
    return (strcmp(end, "m") == 0 ? value * 60 : value) * 1000 + 2000;
}
