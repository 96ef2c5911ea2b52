/* etcd's start from a plan, on real files: the WAL's header and the lock that the usher looks at are there, the rest of the data is not. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"
#include "usher/host/text_file.h"
#include "usher/member/plan.h"

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t length = 0;

    for (; value >= 0x80; value >>= 7)
        out[length++] = (uint8_t)(value | 0x80);
    out[length++] = (uint8_t)value;
    return length;
}

static size_t put_record(uint8_t *out, uint8_t type, uint32_t crc, const uint8_t *data, size_t data_bytes)
{
    uint8_t body[64];
    size_t length = 0, pad;
    uint64_t word;

    body[length++] = 0x08;
    body[length++] = type;
    body[length++] = 0x10;
    length += put_varint(body + length, crc);
    if (data_bytes > 0) {
        body[length++] = 0x1a;
        length += put_varint(body + length, data_bytes);
        memcpy(body + length, data, data_bytes);
        length += data_bytes;
    }
    pad = (8 - length % 8) % 8;
    word = length | (pad > 0 ? (0x80ULL | pad) << 56 : 0);
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(word >> (8 * i));
    memcpy(out + 8, body, length);
    memset(out + 8 + length, 0, pad);
    return 8 + length + pad;
}

static bool write_file(const char *path, const uint8_t *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = file >= 0 && write(file, bytes, length) == (ssize_t)length;

    if (file >= 0)
        close(file);
    return is_written;
}

static bool make_data(const char *data_dir, struct cluster_id cluster, struct member_id id)
{
    static const char *const folders[] = {"", "/member", "/member/snap", "/member/wal"};
    char path[PATH_BYTES + 64];
    uint8_t metadata[24], wal[256];
    size_t length = 0, wal_bytes;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s%s", data_dir, folders[i]);
        mkdir(path, 0700);
    }
    metadata[length++] = 0x08;
    length += put_varint(metadata + length, id.value);
    metadata[length++] = 0x10;
    length += put_varint(metadata + length, cluster.value);
    wal_bytes = put_record(wal, 4, 0, NULL, 0);
    wal_bytes += put_record(wal + wal_bytes, 1, crc32c(metadata, length), metadata, length);
    snprintf(path, sizeof path, "%s/member/snap/db", data_dir);
    if (!write_file(path, (const uint8_t *)"db", 2))
        return false;
    snprintf(path, sizeof path, "%s/member/wal/0000000000000000-0000000000000000.wal", data_dir);
    return write_file(path, wal, wal_bytes);
}

static bool launch_value(const char *body, const char *key, char *out, size_t out_bytes)
{
    const char *at = strstr(body, key), *end;

    if (at == NULL)
        return false;
    at += strlen(key);
    end = strchr(at, '\n');
    if (end == NULL || (size_t)(end - at) >= out_bytes)
        return false;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
    return true;
}

/* Count and URLs of a peer's list must be those of the plan; our own entry must not have been started by another etcd. */
static bool may_join(int slot, const char *initial_cluster)
{
    char text[INITIAL_CLUSTER_BYTES], *rest = text, *item;
    size_t matched = 0, entries = 0;
    bool reaches_one = false;
    const struct sim_member *own = etcd_member_at(slot);

    snprintf(text, sizeof text, "%s", initial_cluster);
    while ((item = strsep(&rest, ",")) != NULL) {
        const char *url = strchr(item, '=');
        int of = url == NULL ? -1 : sim_slot_of_url(url + 1);
        entries++;
        matched += of >= 0 && etcd_member_at(of) != NULL ? 1 : 0;
        reaches_one |= of >= 0 && of != slot && etcd_answers(of) && pods_are_linked(slot, of);
    }
    return reaches_one && matched == entries && entries == sim_etcd.count && own != NULL && !own->is_started;
}

static bool first_start(int slot, struct sim_process *out)
{
    const struct settings *settings = &sim_pods.of[slot].settings;
    char path[PATH_BYTES + 32], cluster[INITIAL_CLUSTER_BYTES], state[32];
    struct bounded_text text;
    bool is_read;

    snprintf(path, sizeof path, "%s/launch", settings->plan_dir);
    bounded_text_init(&text, 64 * 1024);
    is_read = text_file_read(path, 64 * 1024, &text, NULL) == TEXT_FILE_READ &&
              launch_value(bounded_text_c(&text), "\ninitial-cluster=", cluster, sizeof cluster) &&
              launch_value(bounded_text_c(&text), "\ninitial-cluster-state=", state, sizeof state);
    bounded_text_done(&text);
    if (!is_read)
        return false;
    if (strcmp(state, "new") == 0) {
        sim_etcd.cluster.value = chance_next() | 1;
        sim_etcd.count = 1;
        sim_etcd.members[0] = (struct sim_member){.id = {chance_next() | 1}, .slot = slot, .is_started = true};
        *etcd_logged(sim_etcd.members[0].id) = sim_etcd.commit = chance_between(100, 20000);
        rules_founded(slot);
    } else if (!may_join(slot, cluster)) {
        return false;
    }
    out->cluster = sim_etcd.cluster;
    out->id = etcd_member_at(slot)->id;
    return make_data(settings->data_dir, out->cluster, out->id);
}

bool etcd_start(int slot)
{
    struct sim_process *process = &sim_etcd.processes[slot];
    struct sim_process fresh = {.lock = -1};
    struct wal_facts wal = {0};
    char path[PATH_BYTES + 64];

    if (!pod_reads_wal(slot, &wal)) {
        rules_broken("etcd of slot %d was to start on data that is not whole", slot);
        return false;
    }
    if (wal.state == WAL_IDS) {
        fresh.cluster = wal.cluster;
        fresh.id = wal.member;
    } else if (!first_start(slot, &fresh)) {
        return false;
    }
    rules_started(slot, fresh.id);
    snprintf(path, sizeof path, "%s/member/snap/db", sim_pods.of[slot].settings.data_dir);
    fresh.lock = open(path, O_RDWR | O_CLOEXEC);
    if (fresh.lock < 0 || flock(fresh.lock, LOCK_EX | LOCK_NB) != 0)
        rules_broken("etcd of slot %d cannot lock its data", slot);
    fresh.is_running = true;
    fresh.started_at_ms = sim_now_ms();
    fresh.ports_at_ms = sim_now_ms() + chance_between(50, 1500);
    *process = fresh;
    sim_counts.starts++;
    sim_say("etcd: slot %d runs as %llx", slot, (unsigned long long)fresh.id.value);
    return true;
}

void etcd_stop(int slot)
{
    struct sim_process *process = &sim_etcd.processes[slot];

    if (!process->is_running)
        return;
    if (process->lock >= 0)
        close(process->lock);
    *process = (struct sim_process){.lock = -1};
    sim_say("etcd: slot %d has ended", slot);
}
