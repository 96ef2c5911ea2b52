/* A server of raw sockets for tests: a thread for each connection runs the test's own handler, which may do to the wire what it likes. */
#ifndef TESTS_UNIT_FAKE_SERVER_H
#define TESTS_UNIT_FAKE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { FAKE_CONNECTIONS_MAX = 64, FAKE_REQUEST_BYTES = 16384 };

struct fake_server;
/* The connection is closed after it returns. */
typedef void (*fake_handler)(struct fake_server *server, int connection);

struct fake_server {
    fake_handler handler;
    void *self; /* the test's */
    char url[64];
    int listener;
    atomic_int connections, requests;
    atomic_bool is_stopping;
    pthread_t acceptor;
    pthread_mutex_t lock, listener_lock;
    struct fake_connection {
        struct fake_server *server;
        pthread_t thread;
        int fd;
    } open[FAKE_CONNECTIONS_MAX];
    char last_request[FAKE_REQUEST_BYTES]; /* under `lock` while connections live */
};

void fake_server_start(struct fake_server *server, fake_handler handler, void *self);
void fake_server_stop(struct fake_server *server); /* ends handlers that read, write or sleep through fake_*() */
void fake_server_stop_listening(struct fake_server *server);

/* One whole request, head and body; false at the end of the connection. */
bool fake_read(struct fake_server *server, int connection, char request[FAKE_REQUEST_BYTES]);
bool fake_send(int connection, const char *text);
/* With status line, Content-Length and the body. */
bool fake_reply(int connection, int status, const char *body);
/* Closing will send a reset. */
void fake_reset(int connection);
/* False when the server is being stopped. */
bool fake_sleep(struct fake_server *server, int milliseconds);
/* Until the peer closes, or the server is stopped. */
void fake_stay_silent(struct fake_server *server, int connection);

/* A listening socket whose queue is full: a SYN gets no answer. Returns the listener; `out_fillers` hold it full. */
enum { BLACK_HOLE_FILLERS = 8 };
int fake_black_hole(char url[64], int out_fillers[BLACK_HOLE_FILLERS]);
/* A port of 127.0.0.1 on which nobody listens. */
int fake_refusing_port(void);

#endif
