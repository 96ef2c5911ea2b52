/* Who wrote this WAL: the first two records of its first segment (facts: etcd 3.4 to 3.7 share the format). */
#ifndef USHER_HOST_WAL_HEADER_H
#define USHER_HOST_WAL_HEADER_H

#include "usher/core/ids.h"
#include "usher/core/join_facts.h"
#include "usher/host/error.h"

/* Reads what lies in the data directory. `wal_dir` NULL or "" = <data_dir>/member/wal.
 * out->state: WAL_NONE (no *.wal and member/snap is absent or empty), WAL_IDS, WAL_REMAINS (no *.wal, something in member/snap),
 * WAL_TORN (a *.wal whose first two records are short, of a wrong CRC or not a WAL), WAL_UNREADABLE (EACCES, EIO, a link to
 * nowhere, a file where a directory should be, or ids without member/snap/db). Reads at most 4 KiB of one file, the one with the lowest name. err carries the detail for the last two and for remains. */
void wal_header_read(const char *data_dir, const char *wal_dir, struct wal_facts *out, struct usher_error *err);

/* The parser itself, for the unit tests and the fuzzer. False: torn, err says where. */
USHER_MUST_CHECK bool wal_header_parse(const uint8_t *bytes, size_t length_bytes, struct cluster_id *out_cluster,
                                       struct member_id *out_member, struct usher_error *err);

/* A *.wal where the configured directories do not look: in `wal/` or `member/wal/` one level up or down of data_dir (archives and
 * the configured WAL directory aside). True, with its path in out_path: the data directory is probably wrong (G3). */
bool wal_lies_elsewhere(const char *data_dir, const char *wal_dir, char *out_path, size_t path_bytes);

/* TRI_YES: an etcd holds the flock on member/snap/db. TRI_NO: file absent or lock free. */
enum tri wal_etcd_holds_lock(const char *data_dir);

#endif
