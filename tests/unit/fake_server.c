#include "fake_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die_unless(bool is_good, const char *what)
{
    if (!is_good) {
        perror(what);
        abort();
    }
}

static int bound_socket(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    die_unless(fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof *address) == 0, "bind");
    die_unless(getsockname(fd, (struct sockaddr *)address, &length) == 0, "getsockname");
    return fd;
}

static void *run_connection(void *self)
{
    struct fake_connection *connection = self;

    connection->server->handler(connection->server, connection->fd);
    pthread_mutex_lock(&connection->server->lock);
    close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&connection->server->lock);
    return NULL;
}

static void *run_acceptor(void *self)
{
    struct fake_server *server = self;

    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC), number;
        if (fd < 0)
            return NULL;
        number = atomic_load(&server->connections);
        die_unless(number < FAKE_CONNECTIONS_MAX, "too many connections");
        pthread_mutex_lock(&server->lock);
        server->open[number] = (struct fake_connection){.server = server, .fd = fd};
        die_unless(pthread_create(&server->open[number].thread, NULL, run_connection, &server->open[number]) == 0, "pthread_create");
        atomic_store(&server->connections, number + 1);
        pthread_mutex_unlock(&server->lock);
    }
}

void fake_server_start(struct fake_server *server, fake_handler handler, void *self)
{
    struct sockaddr_in address;

    memset(server, 0, sizeof *server);
    server->handler = handler;
    server->self = self;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->listener_lock, NULL);
    server->listener = bound_socket(&address);
    die_unless(listen(server->listener, 64) == 0, "listen");
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    die_unless(pthread_create(&server->acceptor, NULL, run_acceptor, server) == 0, "pthread_create");
}

void fake_server_stop_listening(struct fake_server *server)
{
    pthread_mutex_lock(&server->listener_lock); /* a handler may do it, too */
    if (server->listener >= 0) {
        shutdown(server->listener, SHUT_RDWR);
        pthread_join(server->acceptor, NULL);
        close(server->listener);
        server->listener = -1;
    }
    pthread_mutex_unlock(&server->listener_lock);
}

void fake_server_stop(struct fake_server *server)
{
    int count;

    atomic_store(&server->is_stopping, true);
    fake_server_stop_listening(server);
    count = atomic_load(&server->connections);
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < count; i++)
        if (server->open[i].fd >= 0)
            shutdown(server->open[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    for (int i = 0; i < count; i++)
        pthread_join(server->open[i].thread, NULL);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->listener_lock);
}

static size_t body_length(const char *request)
{
    const char *header = strcasestr(request, "\r\nContent-Length:");

    return header == NULL ? 0 : strtoul(header + strlen("\r\nContent-Length:"), NULL, 10);
}

bool fake_read(struct fake_server *server, int connection, char request[FAKE_REQUEST_BYTES])
{
    size_t length = 0;

    for (;;) {
        ssize_t count = recv(connection, request + length, FAKE_REQUEST_BYTES - 1 - length, 0);
        const char *end;
        if (count <= 0)
            return false;
        length += (size_t)count;
        request[length] = '\0';
        end = strstr(request, "\r\n\r\n");
        if (end != NULL && length >= (size_t)(end + 4 - request) + body_length(request))
            break;
    }
    pthread_mutex_lock(&server->lock);
    memcpy(server->last_request, request, length + 1);
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->requests, 1);
    return true;
}

bool fake_send(int connection, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t count = send(connection, text, left, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        text += count;
        left -= (size_t)count;
    }
    return true;
}

bool fake_reply(int connection, int status, const char *body)
{
    char head[128];

    snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n\r\n", status, strlen(body));
    return fake_send(connection, head) && fake_send(connection, body);
}

void fake_reset(int connection)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    die_unless(setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "SO_LINGER");
}

bool fake_sleep(struct fake_server *server, int milliseconds)
{
    for (; milliseconds > 0 && !atomic_load(&server->is_stopping); milliseconds -= 5)
        poll(NULL, 0, 5);
    return !atomic_load(&server->is_stopping);
}

void fake_stay_silent(struct fake_server *server, int connection)
{
    char request[FAKE_REQUEST_BYTES];

    while (fake_read(server, connection, request))
        continue;
}

int fake_black_hole(char url[64], int out_fillers[BLACK_HOLE_FILLERS])
{
    struct sockaddr_in address;
    int listener = bound_socket(&address);

    die_unless(listen(listener, 0) == 0, "listen");
    snprintf(url, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
    for (int i = 0; i < BLACK_HOLE_FILLERS; i++) {
        out_fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        die_unless(out_fillers[i] >= 0, "socket");
        (void)connect(out_fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    return listener;
}

int fake_refusing_port(void)
{
    struct sockaddr_in address;

    close(bound_socket(&address));
    return ntohs(address.sin_port);
}
