/* The one growable buffer. It has a maximum at birth: a hostile or broken peer cannot fill a sidecar's memory. Always
 * zero-terminated, binary-safe by `length_bytes`. */
#ifndef USHER_HOST_BOUNDED_TEXT_H
#define USHER_HOST_BOUNDED_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "usher/compiler.h"

struct bounded_text {
    char *data; /* NULL until the first add; read through bounded_text_c() */
    size_t length_bytes, capacity_bytes, max_bytes;
    bool overflowed; /* an add did not fit or memory was short: later adds fail too, what was added stays */
};

void bounded_text_init(struct bounded_text *text, size_t max_bytes);
void bounded_text_done(struct bounded_text *text);           /* frees; safe on a zeroed or done object */
void bounded_text_reset(struct bounded_text *text);          /* empties, keeps memory */
const char *bounded_text_c(const struct bounded_text *text); /* never NULL */
bool bounded_text_add(struct bounded_text *text, const char *data, size_t length_bytes);
bool bounded_text_add_c(struct bounded_text *text, const char *data);
bool bounded_text_printf(struct bounded_text *text, const char *format, ...) USHER_PRINTF(2, 3);

#endif
