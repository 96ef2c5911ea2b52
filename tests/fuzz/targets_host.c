/* Files that others may have written or torn, and what people type. */
#include <stdlib.h>
#include <string.h>

#include "targets.h"
#include "usher/core/join_decision.h"
#include "usher/core/permit.h"
#include "usher/host/record_json.h"
#include "usher/host/settings.h"
#include "usher/host/wal_header.h"
#include "usher/member/facts_json.h"
#include "usher/serve/listen_address.h"

static void feed_wal(const char *bytes, size_t length)
{
    struct cluster_id cluster;
    struct member_id member;
    struct usher_error err = {0};

    memset(&cluster, FUZZ_UNTOUCHED, sizeof cluster);
    memset(&member, FUZZ_UNTOUCHED, sizeof member);
    if (wal_header_parse((const uint8_t *)bytes, length, &cluster, &member, &err))
        fuzz_require(cluster_id_is_known(cluster) && member_id_is_known(member), "a WAL says whose it is");
    else
        fuzz_require(fuzz_is_untouched(&cluster, sizeof cluster) && fuzz_is_untouched(&member, sizeof member) && err.text[0] != '\0',
                     "a failed read touches nothing, and says why");
}

static bool read_record(const char *bytes, size_t length, struct set_record *out)
{
    struct usher_error err = {0};

    memset(out, FUZZ_UNTOUCHED, sizeof *out);
    if (record_json_read(bytes, length, out, &err))
        return true;
    fuzz_require(fuzz_is_untouched(out, sizeof *out) && err.text[0] != '\0', "a failed read touches nothing, and says why");
    return false;
}

static void feed_record(const char *bytes, size_t length)
{
    static struct set_record record, again;
    struct bounded_text text;
    struct usher_error err = {0};

    if (!read_record(bytes, length, &record))
        return;
    fuzz_require(record.state == RECORD_EMPTY || record.state == RECORD_CLAIMED || record.state == RECORD_CLUSTER, "its state is settled");
    fuzz_require(record.state != RECORD_EMPTY || (!cluster_id_is_known(record.cluster) && record.claim.slot[0] == '\0'),
                 "a record with a claim or a cluster is not empty");
    fuzz_require(record.slot_count <= SLOTS_MAX && record.endpoint_count <= REMEMBERED_MAX && record.forgotten_count <= FORGOTTEN_MAX,
                 "within its bounds");
    for (size_t i = 0; i < record.slot_count; i++)
        fuzz_require(fuzz_is_terminated(record.slots[i].name, NAME_BYTES), "slot names end");
    bounded_text_init(&text, 256 * 1024);
    if (record_json_write(&record, bytes, length, &text, &err) && !text.overflowed) {
        fuzz_require(read_record(bounded_text_c(&text), text.length_bytes, &again), "what was written can be read");
        fuzz_require(again.state == record.state && again.cluster.value == record.cluster.value && again.slot_count == record.slot_count &&
                         again.forgotten_count == record.forgotten_count && strcmp(again.claim.nonce, record.claim.nonce) == 0,
                     "and says the same");
    }
    bounded_text_done(&text);
}

static void feed_facts(const char *bytes, size_t length)
{
    static struct facts_storage storage;
    static struct join_facts facts;
    struct usher_error err = {0};

    if (!facts_json_read(bytes, length, &storage, &facts, &err)) {
        fuzz_require(err.text[0] != '\0', "a failure is told");
        return;
    }
    fuzz_require(storage.view.endpoint_count <= ENDPOINTS_MAX && storage.view.list.count <= MEMBERS_MAX, "within its bounds");
    (void)join_decide(&facts); /* any facts have a decision */
}

static void feed_permits(const char *bytes, size_t length)
{
    struct permit_list list = {0};

    (void)length;
    permit_list_parse(&list, bytes, PERMIT_FROM_RECORD);
    fuzz_require(list.count <= PERMITS_MAX, "within its bound");
    for (size_t i = 0; i < list.count; i++)
        fuzz_require(list.permits[i].kind != PERMIT_UNKNOWN && list.permits[i].name[0] != '\0' &&
                         fuzz_is_terminated(list.permits[i].name, PERMIT_NAME_BYTES),
                     "a permit says what for");
}

static void feed_typed(const char *bytes, size_t length)
{
    struct listen_address address;
    struct usher_error err = {0};
    int64_t value = -1;
    uint64_t id = 0;

    (void)length;
    if (duration_parse(bytes, &value, &err))
        fuzz_require(value >= 0, "no time is negative");
    value = -1;
    if (size_parse(bytes, &value, &err))
        fuzz_require(value >= 0, "no size is negative");
    if (id_from_hex(bytes, &id))
        fuzz_require(id != 0, "0 is no ID");
    if (!listen_address_parse(bytes, &address, &err))
        fuzz_require(err.text[0] != '\0', "a failure is told");
}

const struct fuzz_target fuzz_host[] = {
    {"WAL header", feed_wal, {"unit/wal-headers"}, NULL},      {"set record", feed_record, {"fuzz/corpus/record"}, NULL},
    {"facts", feed_facts, {"fuzz/corpus/facts"}, NULL},        {"permits", feed_permits, {"fuzz/corpus/permits"}, NULL},
    {"typed values", feed_typed, {"fuzz/corpus/typed"}, NULL}, {0},
};
