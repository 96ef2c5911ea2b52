/* A folder of its own for a test, gone afterwards; and the few file operations that tests of files need. Each fails the test on error. */
#ifndef USHER_TESTS_UNIT_SCRATCH_H
#define USHER_TESTS_UNIT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Setup and teardown for cmocka: *state = the folder's path (char *). */
int scratch_make(void **state);
int scratch_remove(void **state);

/* `format` names a path; the result stands until the 64th next call. */
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
void scratch_mkdir(const char *path);                                   /* with its parents */
void scratch_write(const char *path, const void *bytes, size_t length); /* with its parents */
size_t scratch_read(const char *path, char *out, size_t out_bytes);     /* zero-terminated; fails when it does not fit */
bool scratch_exists(const char *path);                                  /* a dangling symlink exists, too */
unsigned scratch_count(const char *directory, const char *prefix);      /* entries that begin so; 0 when it cannot be opened */
mode_t scratch_mode(const char *path);
/* The path of the only entry of `directory` that begins with `prefix`. */
const char *scratch_only(const char *directory, const char *prefix);

#endif
