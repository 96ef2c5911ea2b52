#include "usher/serve/listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 256 };

static bool bad_address(const char *text, struct usher_error *err)
{
    usher_error_set(err, "--listen: '%.200s' is not an address to listen on; allowed: \":2383\", \"127.0.0.1:2383\", \"[::1]:2383\"", text);
    if (err)
        err->exit = USHER_EXIT_USAGE;
    return false;
}

static bool port_parse(const char *text, uint16_t *out_port)
{
    size_t length = strlen(text);
    if (length < 1 || length > 5 || strspn(text, "0123456789") != length)
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    if (value > UINT16_MAX)
        return false;
    *out_port = (uint16_t)value;
    return true;
}

bool listen_address_parse(const char *text, struct listen_address *out_address, struct usher_error *err)
{
    struct listen_address address = {.host = ""};
    const char *colon = strrchr(text, ':');
    if (!colon || !port_parse(colon + 1, &address.port))
        return bad_address(text, err);
    const char *host = text;
    size_t host_length = (size_t)(colon - text);
    if (host_length > 0 && host[0] == '[') {
        if (host_length < 3 || host[host_length - 1] != ']')
            return bad_address(text, err);
        host++;
        host_length -= 2;
        address.is_ipv6 = true;
    }
    if (host_length >= sizeof address.host)
        return bad_address(text, err);
    memcpy(address.host, host, host_length);
    if (host_length > 0) {
        unsigned char bytes[sizeof(struct in6_addr)];
        if (inet_pton(address.is_ipv6 ? AF_INET6 : AF_INET, address.host, bytes) != 1)
            return bad_address(text, err);
    }
    *out_address = address;
    return true;
}

/* The socket, or -1 with errno. */
static int open_bound(int family, const struct sockaddr *where, socklen_t where_bytes)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    bool is_set = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (family == AF_INET6)
        is_set = is_set && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    if (is_set && bind(fd, where, where_bytes) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

static int open_ipv6(const struct listen_address *address)
{
    struct sockaddr_in6 where = {.sin6_family = AF_INET6, .sin6_port = htons(address->port), .sin6_addr = IN6ADDR_ANY_INIT};
    if (address->host[0])
        (void)inet_pton(AF_INET6, address->host, &where.sin6_addr);
    return open_bound(AF_INET6, (const struct sockaddr *)&where, sizeof where);
}

static int open_ipv4(const struct listen_address *address)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    if (address->host[0])
        (void)inet_pton(AF_INET, address->host, &where.sin_addr);
    return open_bound(AF_INET, (const struct sockaddr *)&where, sizeof where);
}

static bool port_of(int fd, uint16_t *out_port)
{
    struct sockaddr_storage where;
    socklen_t where_bytes = sizeof where;
    if (getsockname(fd, (struct sockaddr *)&where, &where_bytes) != 0)
        return false;
    /* The port lies at the same place in both. */
    struct sockaddr_in as_ipv4;
    memcpy(&as_ipv4, &where, sizeof as_ipv4);
    *out_port = ntohs(as_ipv4.sin_port);
    return true;
}

bool listen_address_open(const struct listen_address *address, int *out_socket, uint16_t *out_port, struct usher_error *err)
{
    bool is_every = !address->host[0];
    int fd = is_every || address->is_ipv6 ? open_ipv6(address) : open_ipv4(address);
    /* No IPv6 on this machine: anything but "the port is taken" is a reason to try IPv4 alone. */
    if (fd < 0 && is_every && errno != EADDRINUSE && errno != EACCES)
        fd = open_ipv4(address);
    if (fd < 0)
        return usher_error_errno(err, errno, "cannot listen on %s%s%s:%u for probes and metrics (--listen)", address->is_ipv6 ? "[" : "",
                                 address->host, address->is_ipv6 ? "]" : "", (unsigned)address->port);
    uint16_t port;
    if (!port_of(fd, &port)) {
        int number = errno;
        close(fd);
        return usher_error_errno(err, number, "cannot read the port that was given for --listen");
    }
    *out_socket = fd;
    *out_port = port;
    return true;
}
