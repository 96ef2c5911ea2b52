/* The set record in a file that all slots share (`--set-record=file:PATH`): read whole, written by lock + compare + rename. A limit: on a
 * network mount that hangs, a call may outlast its deadline. */
#ifndef USHER_HOST_RECORD_FILE_H
#define USHER_HOST_RECORD_FILE_H

#include "usher/core/set_record.h"
#include "usher/host/deadline.h"
#include "usher/host/error.h"

enum { RECORD_FILE_BYTES = 256 * 1024 };

/* An absent file is an EMPTY record only while its directory is there and can be read; anything else unreadable is a failure (false): it is
 * never "empty". out->version = digest of the bytes. */
USHER_MUST_CHECK bool record_file_read(const char *path, struct deadline deadline, struct set_record *out, struct usher_error *err);

/* Writes if the file still has record->version. False with *out_conflict: somebody else wrote first. The lock (PATH.lock) is polled until the
 * deadline. */
USHER_MUST_CHECK bool record_file_swap(const char *path, const struct set_record *record, struct deadline deadline, bool *out_conflict,
                                       struct usher_error *err);

#endif
