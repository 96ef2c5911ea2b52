/* Probes, status and metrics over HTTP (libmicrohttpd), without a thread of its own: whoever polls its descriptor runs it
 * (serve.h). GET and HEAD only, bodies are thrown away, every connection has a share of memory, of time and of the places that
 * there are.
 *
 * Limits (measured: with the library's defaults 1,100 half-open clients starve the port for ever; an idle timeout alone does not
 * help, because one byte a second renews it):
 * - HTTP_CONNECTIONS_MAX places, HTTP_PER_ADDRESS_MAX for one address, 8 KiB each;
 * - HTTP_REQUEST_MS from the last answer (or the connect) to the next complete answer, whatever trickles in meanwhile; only
 *   HTTP_REQUEST_PRESSED_MS when most places are taken. /prestop is out of this while it waits, with HTTP_PRESTOPS_MAX places of
 * its own. */
#ifndef USHER_SERVE_HTTP_SERVER_H
#define USHER_SERVE_HTTP_SERVER_H

#include "usher/serve/leave_request.h"
#include "usher/serve/metrics_text.h"
#include "usher/serve/snapshot.h"

enum {
    HTTP_CONNECTIONS_MAX = 128,
    HTTP_PER_ADDRESS_MAX = 16,
    HTTP_PRESSED_AT = 96,
    HTTP_REQUEST_MS = 10 * 1000,
    HTTP_REQUEST_PRESSED_MS = 1000,
    HTTP_PRESTOPS_MAX = 12,
};

struct http_server;

struct http_server_parts { /* all borrowed, and outlive the server */
    struct snapshot_board *board;
    struct leave_request *leave;
    const char *version;
    int64_t prestop_limit_ms; /* /prestop is answered after this even if the loop never gave a verdict */
};

/* Takes the listening socket over, also on failure. */
USHER_MUST_CHECK bool http_server_new(const struct http_server_parts *parts, int listen_socket, struct http_server **out_server,
                                      struct usher_error *err);
/* Callers of /prestop that still wait are answered first: this sidecar ends, the member stays as it is. */
void http_server_free(struct http_server *server); /* NULL is fine */

int http_server_fd(const struct http_server *server);    /* readable: call http_server_run() */
int http_server_wait_ms(struct http_server *server);     /* when to run it at the latest; -1 = only when readable */
void http_server_run(struct http_server *server);        /* what came, and what is overdue */
void http_server_leave_news(struct http_server *server); /* leave_request has news: answers who waits */

#endif
