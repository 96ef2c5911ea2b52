/* Where the control socket of a plan directory lies; shared by both of its ends. */
#ifndef USHER_SERVE_CONTROL_ADDRESS_H
#define USHER_SERVE_CONTROL_ADDRESS_H

#include <sys/un.h>

#include "usher/host/error.h"

/* False: the path is longer than a UNIX socket's may be (107 bytes). */
USHER_MUST_CHECK bool control_address_of(const char *plan_dir, struct sockaddr_un *out_address, struct usher_error *err);

#endif
