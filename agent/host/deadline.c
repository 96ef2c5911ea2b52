#include "usher/host/deadline.h"

#include <time.h>

int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock on Linux */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t monotonic_ms(void) { return monotonic_us() / 1000; }

/* Saturates: a time beyond the clock's end is never. */
struct deadline deadline_in_ms(int64_t from_now_ms)
{
    int64_t now_ms = monotonic_ms();
    return (struct deadline){from_now_ms > INT64_MAX - now_ms ? INT64_MAX : from_now_ms < 0 ? now_ms : now_ms + from_now_ms};
}

struct deadline deadline_never(void) { return (struct deadline){INT64_MAX}; }

struct deadline deadline_earlier(struct deadline a, struct deadline b) { return a.at_ms <= b.at_ms ? a : b; }

int64_t deadline_left_ms(struct deadline deadline)
{
    int64_t left_ms;

    if (deadline.at_ms == INT64_MAX)
        return INT32_MAX;
    left_ms = deadline.at_ms - monotonic_ms();
    return left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : left_ms;
}

bool deadline_is_over(struct deadline deadline) { return deadline_left_ms(deadline) == 0; }
