/* What is done to the data directory: looked at, moved aside inside its own volume, thinned. Never "rm -rf member" on anything that had a
 * WAL, save by permit. */
#ifndef USHER_HOST_DATA_DIR_H
#define USHER_HOST_DATA_DIR_H

#include "usher/core/join_facts.h"
#include "usher/host/error.h"

#define USHER_ARCHIVE_PREFIX "usher-archive-"

/* G3. `needs_mount`: in Kubernetes the directory must be on a mounted volume (/proc/self/mountinfo: not the container's root mount). */
enum data_place data_dir_place(const char *data_dir, const char *wal_dir, bool needs_mount, char *out_detail, size_t detail_bytes);
int64_t data_dir_free_bytes(const char *data_dir); /* -1 unknown */
/* What lies in member/snap: the database, or a snapshot on its way. 0: nothing, or not known. */
int64_t data_dir_snap_bytes(const char *data_dir);
bool data_dir_has_archive(const char *data_dir);

/* Moves member/ (and a separate WAL directory's contents: snap first, WAL last) to <prefix><UTC time>-<why>-<member hex>. Holds the flock on
 * member/snap/db while it renames; refuses while an etcd holds it. One rename inside the volume; fsyncs the directory. */
USHER_MUST_CHECK bool data_dir_archive(const char *data_dir, const char *wal_dir, const char *why, struct member_id id,
                                       char *out_archive_path, size_t path_bytes, struct usher_error *err);
/* J6: deletes the remains of our own aborted first start (no WAL may lie there: checked again, else refuses). Permit drop=: `even_with_wal`. */
USHER_MUST_CHECK bool data_dir_delete_member(const char *data_dir, const char *wal_dir, bool even_with_wal, struct usher_error *err);
/* Keeps the newest `keep` archives that hold a WAL, be it in their half in a separate WAL directory, which stays or goes with them; those
 * without a WAL go too, and do not count. */
USHER_MUST_CHECK bool data_dir_thin_archives(const char *data_dir, const char *wal_dir, unsigned keep, struct usher_error *err);

#endif
