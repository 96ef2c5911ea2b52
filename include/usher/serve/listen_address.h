/* `--listen`: where probes and metrics are answered. ":2383" (every address, IPv6 and IPv4), "127.0.0.1:2383", "[::1]:2383". */
#ifndef USHER_SERVE_LISTEN_ADDRESS_H
#define USHER_SERVE_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "usher/host/error.h"

struct listen_address {
    char host[64]; /* "" = every address; else an IPv4 or IPv6 address without brackets */
    bool is_ipv6;
    uint16_t port; /* 0 = any free one (tests) */
};

/* Names are refused: what they resolve to can change, and a probe port must not wait for DNS. err says what is allowed
 * (USHER_EXIT_USAGE). */
USHER_MUST_CHECK bool listen_address_parse(const char *text, struct listen_address *out_address, struct usher_error *err);

/* A listening, non-blocking, close-on-exec TCP socket. For "every address": one IPv6 socket that takes IPv4, too; where the machine
 * has no IPv6, an IPv4 one. out_port = the port that it got. err names the address and what the kernel said. The caller closes the
 * socket. */
USHER_MUST_CHECK bool listen_address_open(const struct listen_address *address, int *out_socket, uint16_t *out_port,
                                          struct usher_error *err);

#endif
