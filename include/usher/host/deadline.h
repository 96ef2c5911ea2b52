/* Monotonic time, in milliseconds, and the one deadline object that is passed down. */
#ifndef USHER_HOST_DEADLINE_H
#define USHER_HOST_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t at_ms; /* on the monotonic clock; INT64_MAX = never */
};

int64_t monotonic_ms(void); /* CLOCK_MONOTONIC */
int64_t monotonic_us(void);
struct deadline deadline_in_ms(int64_t from_now_ms); /* negative = already over */
struct deadline deadline_never(void);
struct deadline deadline_earlier(struct deadline a, struct deadline b);
int64_t deadline_left_ms(struct deadline deadline); /* 0 when over; at most INT32_MAX, so that poll() and curl take it */
bool deadline_is_over(struct deadline deadline);

#endif
