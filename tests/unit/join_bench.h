/* A pod and its cluster for the tests of the join decision: facts that a test bends where its row differs. */
#ifndef USHER_TESTS_JOIN_BENCH_H
#define USHER_TESTS_JOIN_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/join_decision.h"

struct bench {
    struct join_facts facts;
    struct cluster_view view;
    struct set_record record;
};

enum { BENCH_CLUSTER = 0xc1, BENCH_OTHER_CLUSTER = 0xc2, BENCH_OURS = 0xa0 };

#define BENCH_URL "http://pod-0:2380"

static inline void bench_set(char *out, size_t bytes, const char *text) { snprintf(out, bytes, "%s", text); }

/* Member `id` with peer URL http://pod-<n>:2380, started. */
static inline struct member *bench_member(struct bench *bench, uint64_t id, unsigned n)
{
    struct member *member = &bench->view.list.members[bench->view.list.count++];
    memset(member, 0, sizeof *member);
    member->id.value = id;
    member->peer_urls.count = member->client_urls.count = 1;
    snprintf(member->peer_urls.url[0], URL_BYTES, "http://pod-%u:2380", n);
    snprintf(member->client_urls.url[0], URL_BYTES, "http://pod-%u:2379", n);
    snprintf(member->name, NAME_BYTES, "pod-%u", n);
    return member;
}

static inline struct endpoint_view *bench_endpoint(struct bench *bench, uint64_t id, uint64_t cluster, enum endpoint_state state)
{
    struct endpoint_view *endpoint = &bench->view.endpoints[bench->view.endpoint_count++];
    memset(endpoint, 0, sizeof *endpoint);
    snprintf(endpoint->address, URL_BYTES, "http://endpoint-%zu:2379", bench->view.endpoint_count);
    endpoint->state = state;
    endpoint->member.value = id;
    endpoint->cluster.value = cluster;
    endpoint->db_size_bytes = -1;
    return endpoint;
}

/* A pod of slot pod-0 with an empty, fresh volume; three others (0xa1 to 0xa3) form a healthy cluster; the set record is empty. */
static inline struct bench *bench_new(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct join_facts *facts = &bench->facts;

    if (bench == NULL)
        abort();
    facts->etcd_lives_here = TRI_NO;
    facts->data_place = PLACE_GOOD;
    facts->wal.state = WAL_NONE;
    facts->volume.is_readable = TRI_YES;
    facts->volume.is_another_slots = TRI_NO;
    facts->view = &bench->view;
    facts->record = &bench->record;
    facts->removal_keeps_quorum = TRI_YES;
    facts->since_our_removal_ms = -1;
    facts->free_bytes = -1;
    bench_set(facts->settings.slot_name, NAME_BYTES, "pod-0");
    bench_set(facts->settings.name, NAME_BYTES, "pod-0");
    facts->settings.peer_urls.count = 1;
    bench_set(facts->settings.peer_urls.url[0], URL_BYTES, BENCH_URL);
    facts->settings.bootstrap = BOOTSTRAP_RECORD;
    facts->settings.rejoin = REJOIN_AT_START;
    facts->settings.stale_data = DATA_POLICY_ACT;
    facts->settings.lost_data = DATA_POLICY_ACT;
    facts->settings.unreadable_data = DATA_POLICY_REFUSE;
    facts->settings.has_set_record = true;
    bench->record.state = RECORD_EMPTY;
    bench->view.live = LIVE_REACHABLE;
    bench->view.cluster.value = BENCH_CLUSTER;
    for (unsigned n = 1; n <= 3; n++) {
        bench_member(bench, BENCH_OURS + n, n);
        bench_endpoint(bench, BENCH_OURS + n, BENCH_CLUSTER, ENDPOINT_SERVING);
    }
    return bench;
}

/* Nobody answers. */
static inline void bench_unreachable(struct bench *bench)
{
    bench->view.live = LIVE_UNREACHABLE;
    bench->view.list.count = 0;
    bench->view.cluster.value = 0;
    for (size_t i = 0; i < bench->view.endpoint_count; i++) {
        bench->view.endpoints[i].state = ENDPOINT_UNREACHABLE;
        bench->view.endpoints[i].member.value = bench->view.endpoints[i].cluster.value = 0;
    }
}

static inline void bench_no_quorum(struct bench *bench)
{
    bench_unreachable(bench);
    bench->view.live = LIVE_NO_QUORUM;
    bench->view.endpoints[0].state = ENDPOINT_NO_QUORUM;
}

/* Our data directory holds member BENCH_OURS of BENCH_CLUSTER. */
static inline void bench_with_data(struct bench *bench)
{
    bench->facts.wal.state = WAL_IDS;
    bench->facts.wal.cluster.value = BENCH_CLUSTER;
    bench->facts.wal.member.value = BENCH_OURS;
}

/* ... and the list holds that member, with our URL. */
static inline struct member *bench_listed(struct bench *bench) { return bench_member(bench, BENCH_OURS, 0); }

static inline void bench_recorded(struct bench *bench)
{
    bench->record.state = RECORD_CLUSTER;
    bench->record.cluster.value = BENCH_CLUSTER;
    bench->record.slot_count = 1;
    bench_set(bench->record.slots[0].name, NAME_BYTES, "pod-0");
    bench->record.slots[0].id.value = BENCH_OURS;
}

static inline void bench_permit(struct bench *bench, const char *text)
{
    permit_list_parse(&bench->facts.file_permits, text, PERMIT_FROM_FILE);
}

#endif
