/* What reads bytes that others control, each as a function over any bytes: it must come back, touch nothing outside, and keep what its header
 * promises. `make fuzz` feeds every target with its corpus and mutations of it, under the address and undefined-behaviour sanitizers. */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
    const char *name;
    void (*feed)(const char *bytes, size_t length); /* zero-terminated behind `length` */
    const char *corpus[4];                          /* below tests/: a folder (its files), or "wire/replies" (the bodies of all versions) */
    const char *only;                               /* of that corpus, files whose name begins so; NULL = all */
};

extern const struct fuzz_target fuzz_etcd[], fuzz_host[], fuzz_kube[]; /* ended by a NULL name */

/* A promise was broken: says so and aborts. */
void fuzz_require(bool holds, const char *promise);
/* All `size` bytes are still FUZZ_UNTOUCHED. */
bool fuzz_is_untouched(const void *object, size_t size);
bool fuzz_is_terminated(const char *text, size_t size);
enum { FUZZ_UNTOUCHED = 0xa5 };

#endif
