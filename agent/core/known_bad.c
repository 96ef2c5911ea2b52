#include "usher/core/known_bad.h"

#include <stdbool.h>
#include <stddef.h>

struct range {
    unsigned major, minor, first, last; /* patch levels, both included */
    const char *sentence;
};

/* The first that fits is said: what loses data comes first. The numbers are etcd's issues. */
static const struct range ranges[] = {
    {3, 5, 0, 2, "members may end with different data after a crash (etcd issue 13766); 3.5.3 mends it"},
    {3, 4, 0, 20, "a single member may lose an acknowledged write in a crash (etcd issue 14370); 3.4.21 mends it"},
    {3, 5, 3, 4, "a single member may lose an acknowledged write in a crash (etcd issue 14370); 3.5.5 mends it"},
    {3, 6, 0, 3, "it may panic at its start after a member was removed, added and promoted (etcd issue 20340); 3.6.4 mends it"},
    {3, 5, 5, 19,
     "a promotion is not written to its v3 store, which stops a later upgrade to 3.6 (etcd issue 19557); 3.5.26 or later first"},
};

static bool number(const char **at, unsigned *out)
{
    unsigned value = 0, digits = 0;

    for (; **at >= '0' && **at <= '9' && digits < 6; (*at)++, digits++)
        value = value * 10 + (unsigned)(**at - '0');
    *out = value;
    return digits > 0;
}

static bool take(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

const char *known_bad_etcd(const char *version)
{
    unsigned major, minor, patch;

    if (!number(&version, &major) || !take(&version, '.') || !number(&version, &minor) || !take(&version, '.') || !number(&version, &patch))
        return NULL;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].major == major && ranges[i].minor == minor && patch >= ranges[i].first && patch <= ranges[i].last)
            return ranges[i].sentence;
    return NULL;
}
