/* Small files: read with a cap, written whole (temporary name, fsync, rename, fsync of the directory). */
#ifndef USHER_HOST_TEXT_FILE_H
#define USHER_HOST_TEXT_FILE_H

#include <sys/types.h>

#include "usher/host/bounded_text.h"
#include "usher/host/error.h"

enum text_file_state { TEXT_FILE_UNKNOWN = 0, TEXT_FILE_ABSENT, TEXT_FILE_READ, TEXT_FILE_UNREADABLE };

/* ABSENT only for ENOENT/ENOTDIR of the file itself; anything else that fails, or that is no regular file, is UNREADABLE with err set:
 * unreadable is never "absent". */
USHER_MUST_CHECK enum text_file_state text_file_read(const char *path, size_t max_bytes, struct bounded_text *out_text,
                                                     struct usher_error *err);
/* Would text_file_write() of so many bytes go through just now? Writes them to a temporary file beside `path`, which goes again. */
USHER_MUST_CHECK bool text_file_can_write(const char *path, size_t length_bytes, struct usher_error *err);
/* Mode is set exactly (no umask). `durable` = fsync file and directory. On failure the old file stands, the temporary one is gone. */
USHER_MUST_CHECK bool text_file_write(const char *path, const char *text, size_t length_bytes, mode_t mode, bool durable,
                                      struct usher_error *err);
USHER_MUST_CHECK bool text_file_remove(const char *path, struct usher_error *err); /* absent = success */

#endif
