/* etcd's replies and metrics. */
#include <string.h>

#include "targets.h"
#include "usher/etcd/etcd_wire.h"

static void check_member(const struct member *member)
{
    fuzz_require(member_id_is_known(member->id), "no member without an ID");
    fuzz_require(fuzz_is_terminated(member->name, sizeof member->name), "names end");
    fuzz_require(member->peer_urls.count <= MEMBER_URLS_MAX && member->client_urls.count <= MEMBER_URLS_MAX, "URLs within their bound");
    for (size_t i = 0; i < member->peer_urls.count; i++)
        fuzz_require(fuzz_is_terminated(member->peer_urls.url[i], URL_BYTES), "peer URLs end");
    for (size_t i = 0; i < member->client_urls.count; i++)
        fuzz_require(fuzz_is_terminated(member->client_urls.url[i], URL_BYTES), "client URLs end");
}

static void feed_list(const char *bytes, size_t length)
{
    static struct member_list list;
    struct etcd_header header;
    struct usher_error err = {0};

    memset(&list, FUZZ_UNTOUCHED, sizeof list);
    memset(&header, FUZZ_UNTOUCHED, sizeof header);
    if (!etcd_wire_read_list(bytes, length, &header, &list, &err)) {
        fuzz_require(fuzz_is_untouched(&list, sizeof list) && fuzz_is_untouched(&header, sizeof header), "a failed read touches nothing");
        fuzz_require(err.text[0] != '\0', "a failure is told");
        return;
    }
    fuzz_require(cluster_id_is_known(header.cluster) && member_id_is_known(header.member), "a list says whose it is");
    fuzz_require(list.count > 0 && list.count <= MEMBERS_MAX, "a list has members, within the bound");
    for (size_t i = 0; i < list.count; i++) {
        check_member(&list.members[i]);
        for (size_t k = 0; k < i; k++)
            fuzz_require(!member_id_equals(list.members[i].id, list.members[k].id), "each ID once");
    }
}

static void feed_status(const char *bytes, size_t length)
{
    struct etcd_status status;
    struct usher_error err = {0};

    memset(&status, FUZZ_UNTOUCHED, sizeof status);
    if (!etcd_wire_read_status(bytes, length, &status, &err)) {
        fuzz_require(fuzz_is_untouched(&status, sizeof status), "a failed read touches nothing");
        return;
    }
    fuzz_require(cluster_id_is_known(status.cluster) && member_id_is_known(status.member), "a status says whose it is");
    fuzz_require(fuzz_is_terminated(status.version, sizeof status.version), "the version ends");
    fuzz_require(fuzz_is_terminated(status.errors, sizeof status.errors), "the errors end");
}

static void feed_answers(const char *bytes, size_t length)
{
    struct etcd_header header;
    struct member_id added;
    char token[64], message[PROBLEM_BYTES];
    struct usher_error err = {0};

    memset(&header, FUZZ_UNTOUCHED, sizeof header);
    memset(&added, FUZZ_UNTOUCHED, sizeof added);
    memset(token, FUZZ_UNTOUCHED, sizeof token);
    if (etcd_wire_read_added(bytes, length, &header, &added, &err))
        fuzz_require(member_id_is_known(added) && member_id_is_known(header.member), "an added member has an ID");
    else
        fuzz_require(fuzz_is_untouched(&added, sizeof added), "a failed read touches nothing");
    memset(&header, FUZZ_UNTOUCHED, sizeof header);
    if (etcd_wire_read_header(bytes, length, &header, &err))
        fuzz_require(cluster_id_is_known(header.cluster) && member_id_is_known(header.member), "a header says whose it is");
    else
        fuzz_require(fuzz_is_untouched(&header, sizeof header), "a failed read touches nothing");
    if (etcd_wire_read_token(bytes, length, token, sizeof token, &err))
        fuzz_require(token[0] != '\0' && fuzz_is_terminated(token, sizeof token), "a token is one");
    memset(message, FUZZ_UNTOUCHED, sizeof message);
    etcd_wire_read_refusal(bytes, length, message, sizeof message);
    fuzz_require(fuzz_is_terminated(message, sizeof message), "etcd's words end");
    if (etcd_wire_is_object(bytes, length))
        fuzz_require(memchr(bytes, '{', length) != NULL, "an object has a brace");
}

static void feed_gauges(const char *bytes, size_t length)
{
    struct gauge_reading reading = {0};

    (void)etcd_wire_has_gauges(bytes, length);
    etcd_wire_read_gauges(bytes, length, (struct member_id){0xdfe98ad3e9a0344d}, &reading);
    fuzz_require(reading.has_received_bytes || reading.received_bytes == 0, "bytes that were not told are none");
}

const struct fuzz_target fuzz_etcd[] = {
    {"member list", feed_list, {"wire/replies"}, "list"},
    {"status", feed_status, {"wire/replies"}, "status"},
    {"answers", feed_answers, {"wire/replies"}, NULL},
    {"gauges", feed_gauges, {"wire/replies"}, "metrics"},
    {0},
};
