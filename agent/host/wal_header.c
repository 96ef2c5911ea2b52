/* The WAL's frames: an 8-byte little-endian word (low 56 bits = record length; top bit set: bits 56 to 58 = pad bytes), the record (protobuf:
 * 1 type varint, 2 crc varint, 3 data bytes), padding. Each segment begins with a crc record (the running value) and a metadata record
 * (1 NodeID varint, 2 ClusterID varint). CRC-32C is written out here: zlib has another polynomial, and no small library of Debian's has
 * this one. */
#include "usher/host/wal_header.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES = 4096, RECORD_CRC = 4, RECORD_METADATA = 1 };

static uint32_t crc32c_extend(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

struct span {
    const uint8_t *at, *end;
};

static bool read_varint(struct span *span, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (span->at >= span->end)
            return false;
        byte = *span->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

struct record {
    uint64_t type, crc;
    struct span data;
};

/* One protobuf field of wire type 0 or 2; others do not occur. */
static bool read_field(struct span *span, uint64_t *out_number, uint64_t *out_value, struct span *out_bytes)
{
    uint64_t key;

    if (!read_varint(span, &key) || !read_varint(span, out_value))
        return false;
    *out_number = key >> 3;
    *out_bytes = (struct span){NULL, NULL};
    if ((key & 7) == 0)
        return true;
    if ((key & 7) != 2 || *out_value > (uint64_t)(span->end - span->at))
        return false;
    *out_bytes = (struct span){span->at, span->at + *out_value};
    span->at += *out_value;
    return true;
}

static bool read_record(struct span *frames, struct record *out)
{
    uint64_t word = 0, length, pad = 0;
    struct span body;

    if (frames->end - frames->at < 8)
        return false;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | frames->at[i];
    frames->at += 8;
    length = word & 0xffffffffffffffULL;
    if (word >> 63 != 0)
        pad = word >> 56 & 7;
    if (length == 0 || length + pad > (uint64_t)(frames->end - frames->at))
        return false;
    body = (struct span){frames->at, frames->at + length};
    frames->at += length + pad;
    *out = (struct record){0};
    while (body.at < body.end) {
        uint64_t number, value;
        struct span bytes;
        if (!read_field(&body, &number, &value, &bytes))
            return false;
        if (number == 1)
            out->type = value;
        else if (number == 2)
            out->crc = value;
        else if (number == 3)
            out->data = bytes;
    }
    return true;
}

bool wal_header_parse(const uint8_t *bytes, size_t length_bytes, struct cluster_id *out_cluster, struct member_id *out_member,
                      struct usher_error *err)
{
    struct span frames = {bytes, bytes + length_bytes};
    struct record seed, metadata;
    uint64_t node = 0, cluster = 0;

    if (!read_record(&frames, &seed) || seed.type != RECORD_CRC)
        return usher_error_set(err, "it does not begin with a WAL's checksum record");
    if (!read_record(&frames, &metadata) || metadata.type != RECORD_METADATA || metadata.data.at == NULL)
        return usher_error_set(err, "its second record is not a WAL's metadata");
    if (crc32c_extend((uint32_t)seed.crc, metadata.data.at, (size_t)(metadata.data.end - metadata.data.at)) != metadata.crc)
        return usher_error_set(err, "the checksum of its metadata is wrong");
    while (metadata.data.at < metadata.data.end) {
        uint64_t number, value;
        struct span nested;
        if (!read_field(&metadata.data, &number, &value, &nested))
            return usher_error_set(err, "its metadata cannot be read");
        if (number == 1)
            node = value;
        else if (number == 2)
            cluster = value;
    }
    if (node == 0 || cluster == 0)
        return usher_error_set(err, "its metadata names no member or no cluster");
    out_cluster->value = cluster;
    out_member->value = node;
    return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);
    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

enum directory_state { DIRECTORY_UNKNOWN = 0, DIRECTORY_ABSENT, DIRECTORY_EMPTY, DIRECTORY_FILLED, DIRECTORY_UNREADABLE };

/* A link to nowhere is a volume that is not mounted, not an absence. */
static bool is_dangling(const char *path)
{
    struct stat entry;
    return lstat(path, &entry) == 0 && S_ISLNK(entry.st_mode);
}

/* `suffix` NULL: any entry counts. out_first (may be NULL): the entry that sorts first. errno tells why a directory is unreadable. */
static enum directory_state look_into(const char *path, const char *suffix, char *out_first, size_t first_bytes)
{
    DIR *directory = opendir(path);
    enum directory_state state = DIRECTORY_EMPTY;
    const struct dirent *entry;

    if (directory == NULL)
        return errno == ENOENT && !is_dangling(path) ? DIRECTORY_ABSENT : DIRECTORY_UNREADABLE;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, "lost+found") == 0)
            continue;
        if (suffix != NULL && !has_suffix(entry->d_name, suffix))
            continue;
        if (out_first != NULL && (state != DIRECTORY_FILLED || strcmp(entry->d_name, out_first) < 0))
            snprintf(out_first, first_bytes, "%s", entry->d_name);
        state = DIRECTORY_FILLED;
    }
    if (errno != 0)
        state = DIRECTORY_UNREADABLE;
    closedir(directory);
    return state;
}

static void wal_path(const char *data_dir, const char *wal_dir, char *out, size_t bytes)
{
    if (wal_dir != NULL && wal_dir[0] != '\0')
        snprintf(out, bytes, "%s", wal_dir);
    else
        snprintf(out, bytes, "%s/member/wal", data_dir);
}

static void read_segment(const char *path, struct wal_facts *out, struct usher_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    size_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        usher_error_errno(err, errno, "cannot open %s", path);
        return;
    }
    while (length < sizeof bytes) {
        ssize_t count = read(fd, bytes + length, sizeof bytes - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            usher_error_errno(err, errno, "cannot read %s", path);
            close(fd);
            return;
        }
        if (count == 0)
            break;
        length += (size_t)count;
    }
    close(fd);
    if (wal_header_parse(bytes, length, &out->cluster, &out->member, err)) {
        out->state = WAL_IDS;
    } else {
        usher_error_wrap(err, "%s", path);
        out->state = WAL_TORN;
    }
}

void wal_header_read(const char *data_dir, const char *wal_dir, struct wal_facts *out, struct usher_error *err)
{
    char member[4096], wal[4096], snap[4096], first[256] = "", path[4600];
    enum directory_state wal_state, snap_state = DIRECTORY_UNKNOWN;

    *out = (struct wal_facts){.state = WAL_UNREADABLE};
    wal_path(data_dir, wal_dir, wal, sizeof wal);
    snprintf(member, sizeof member, "%s/member", data_dir);
    snprintf(snap, sizeof snap, "%s/member/snap", data_dir);
    wal_state = look_into(wal, ".wal", first, sizeof first);
    if (wal_state != DIRECTORY_UNREADABLE)
        snap_state = look_into(snap, NULL, NULL, 0);
    if (wal_state == DIRECTORY_UNREADABLE || snap_state == DIRECTORY_UNREADABLE) {
        usher_error_errno(err, errno, "cannot look into %s", wal_state == DIRECTORY_UNREADABLE ? wal : snap);
        return;
    }
    if (snap_state == DIRECTORY_ABSENT && look_into(member, NULL, NULL, 0) == DIRECTORY_UNREADABLE) {
        usher_error_errno(err, errno, "cannot look into %s", member);
        return;
    }
    if (wal_state != DIRECTORY_FILLED) {
        out->state = snap_state == DIRECTORY_FILLED ? WAL_REMAINS : WAL_NONE;
        if (out->state == WAL_REMAINS)
            usher_error_set(err, "%s holds files, but there is no WAL in %s", snap, wal);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", wal, first);
    read_segment(path, out, err);
    snprintf(path, sizeof path, "%s/db", snap);
    if (out->state == WAL_IDS && access(path, F_OK) != 0) {
        /* etcd would start with an empty store under a living ID */
        *out = (struct wal_facts){.state = WAL_UNREADABLE};
        usher_error_set(err, "%s names a member, but %s is missing", wal, path);
    }
}

static bool is_same_directory(const char *path, const char *wal_dir, const char *data_dir)
{
    char configured[4096];

    wal_path(data_dir, wal_dir, configured, sizeof configured);
    return strcmp(path, configured) == 0;
}

static bool wal_lies_in(const char *base, const char *data_dir, const char *wal_dir, char *out_path, size_t path_bytes)
{
    static const char *const places[] = {"wal", "member/wal"};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[4096], first[256];
        snprintf(path, sizeof path, "%s/%s", base, places[i]);
        if (is_same_directory(path, wal_dir, data_dir) || look_into(path, ".wal", first, sizeof first) != DIRECTORY_FILLED)
            continue;
        snprintf(out_path, path_bytes, "%s/%s", path, first);
        return true;
    }
    return false;
}

bool wal_lies_elsewhere(const char *data_dir, const char *wal_dir, char *out_path, size_t path_bytes)
{
    char base[4096];
    const char *slash = strrchr(data_dir, '/');
    const struct dirent *entry;
    DIR *directory;
    bool is_found = false;

    if (wal_lies_in(data_dir, data_dir, wal_dir, out_path, path_bytes))
        return true;
    if (slash != NULL && slash != data_dir) {
        snprintf(base, sizeof base, "%.*s", (int)(slash - data_dir), data_dir);
        if (wal_lies_in(base, data_dir, wal_dir, out_path, path_bytes))
            return true;
    }
    directory = opendir(data_dir);
    while (directory != NULL && !is_found && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "member") == 0 || strncmp(entry->d_name, "usher-archive-", 14) == 0)
            continue;
        snprintf(base, sizeof base, "%s/%s", data_dir, entry->d_name);
        is_found = wal_lies_in(base, data_dir, wal_dir, out_path, path_bytes);
    }
    if (directory != NULL)
        closedir(directory);
    return is_found;
}

enum tri wal_etcd_holds_lock(const char *data_dir)
{
    char path[4096];
    enum tri verdict = TRI_UNKNOWN;
    int fd;

    snprintf(path, sizeof path, "%s/member/snap/db", data_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? TRI_NO : TRI_UNKNOWN;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        verdict = TRI_NO;
    else if (errno == EWOULDBLOCK)
        verdict = TRI_YES;
    close(fd); /* gives the lock back */
    return verdict;
}
