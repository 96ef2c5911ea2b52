#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

enum { PARTS_MAX = 16 };

void say(const char *first, ...)
{
    struct iovec parts[PARTS_MAX];
    int count = 0;
    va_list values;

    parts[count++] = (struct iovec){(void *)(unsigned long)"etcd-usher-exec: ", 17};
    va_start(values, first);
    for (const char *part = first; part != NULL && count < PARTS_MAX - 1; part = va_arg(values, const char *))
        parts[count++] = (struct iovec){(void *)(unsigned long)part, strlen(part)};
    va_end(values);
    parts[count++] = (struct iovec){(void *)(unsigned long)"\n", 1};
    if (writev(STDERR_FILENO, parts, count) < 0)
        return; /* nobody reads: nothing to do about it */
}

long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
