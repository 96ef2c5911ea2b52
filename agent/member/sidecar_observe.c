/* What a turn sees: our own etcd first, others when we need them. */
#include <string.h>

#include "usher/core/known_bad.h"
#include "usher/host/log.h"
#include "usher/host/wal_header.h"
#include "usher/member/observe.h"
#include "usher/member/sidecar.h"

enum { TURN_LOOK_MS = 2000, SEEDS_RETRY_MS = 5000 };

/* A learner's own etcd answers no list, and --endpoints may name nobody who still lives: the record's client URLs then lead to the others. */
static void read_record_once(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    int64_t now_ms = usher->world->now_ms(usher->world->self);

    if ((usher->record.state != RECORD_UNKNOWN && usher->record.state != RECORD_UNREADABLE) || now_ms < sidecar->seeds_again_at_ms)
        return;
    sidecar->seeds_again_at_ms = now_ms + SEEDS_RETRY_MS;
    observe_record(usher);
    if (usher->record.state == RECORD_UNREADABLE && sidecar->record_again_at_ms < sidecar->seeds_again_at_ms)
        sidecar->record_again_at_ms = sidecar->seeds_again_at_ms; /* an API that hangs costs a second in five, not two */
}

static void judge_own(struct sidecar *sidecar)
{
    const struct endpoint_view *own = &sidecar->usher.view.endpoints[0];
    struct own_etcd *out = &sidecar->own;

    *out = (struct own_etcd){0};
    if (sidecar->usher.view.endpoint_count == 0)
        return;
    switch (own->state) {
    case ENDPOINT_SERVING:
        out->has_quorum = true;
        out->port_accepts = TRI_YES;
        break;
    case ENDPOINT_LEARNER:
    case ENDPOINT_NO_QUORUM:
    case ENDPOINT_REFUSES:
        out->port_accepts = TRI_YES;
        break;
    case ENDPOINT_UNREACHABLE:
        out->port_accepts = TRI_NO;
        break;
    case ENDPOINT_UNKNOWN:
        break;
    }
    out->answered = member_id_is_known(own->member) && cluster_id_is_known(own->cluster);
    if (known_bad_etcd(own->version) != NULL && !sidecar->version_was_told) {
        sidecar->version_was_told = true;
        log_warn("our etcd is %s: %s", own->version, known_bad_etcd(own->version));
    }
    out->is_learner = own->is_learner;
    out->leader = own->leader;
    out->raft_term = own->raft_term;
}

static bool answers_as_us(const struct sidecar *sidecar)
{
    const struct endpoint_view *own = &sidecar->usher.view.endpoints[0];
    return sidecar->own.answered && member_id_equals(own->member, sidecar->id) && cluster_id_equals(own->cluster, sidecar->cluster);
}

static void set_identity(struct sidecar *sidecar, struct cluster_id cluster, struct member_id id)
{
    sidecar->cluster = cluster;
    sidecar->id = id;
}

/* Who we are is what our WAL says, and before there is one what the join record says; never what answers at --local-endpoint: a wrong
 * address there must not make us ready in another member's name, or take that member out when we leave. */
static void read_identity(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    const struct wal_facts *wal = &usher->facts.wal;
    bool was_disowned = sidecar->is_disowned;

    usher->facts.etcd_lives_here = TRI_UNKNOWN;
    sidecar->is_disowned = false;
    if (sidecar->start_is_settled && answers_as_us(sidecar))
        return;
    wal_header_read(usher->settings->data_dir, usher->settings->wal_dir, &usher->facts.wal, &usher->wal_problem);
    usher->facts.etcd_lives_here = wal_etcd_holds_lock(usher->settings->data_dir);
    if (wal->state == WAL_IDS)
        set_identity(sidecar, wal->cluster, wal->member);
    else if (wal->state == WAL_NONE || wal->state == WAL_REMAINS) /* what cannot be read changes nothing */
        set_identity(sidecar, usher->notes.join_record.cluster, usher->notes.join_record.member);
    if (!sidecar->own.answered || answers_as_us(sidecar))
        return;
    sidecar->is_disowned = true;
    sidecar->own = (struct own_etcd){0};
    if (!was_disowned)
        log_warn("what answers at --local-endpoint=%s is not the member of %s; its answers do not count", usher->settings->local_endpoint,
                 usher->settings->data_dir);
}

static void note_times(struct sidecar *sidecar, int64_t began_ms)
{
    if (sidecar->own.port_accepts == TRI_YES)
        sidecar->port_accepted_at_ms = began_ms;
    if (sidecar->own.has_quorum)
        sidecar->quorum_read_at_ms = began_ms;
}

static bool is_only_voter(const struct member_list *list, struct member_id id)
{
    size_t voters = 0;

    for (size_t i = 0; i < list->count; i++)
        voters += list->members[i].is_learner ? 0 : 1;
    return voters == 1 && member_list_find(list, id) != NULL && !member_list_find(list, id)->is_learner;
}

static void judge_membership(struct sidecar *sidecar, int64_t began_ms)
{
    const struct cluster_view *view = &sidecar->usher.view;
    const struct member *ours;

    if (!member_id_is_known(sidecar->id))
        sidecar->membership = MEMBERSHIP_UNKNOWN;
    if (view->live != LIVE_REACHABLE || !cluster_id_equals(view->cluster, sidecar->cluster) || !member_id_is_known(sidecar->id))
        return;
    sidecar->list_read_at_ms = began_ms;
    ours = member_list_find(&view->list, sidecar->id);
    sidecar->membership = ours == NULL ? MEMBERSHIP_NONE : ours->is_learner ? MEMBERSHIP_LEARNER : MEMBERSHIP_VOTER;
    sidecar->is_last_voter = is_only_voter(&view->list, sidecar->id);
}

void sidecar_observe(struct sidecar *sidecar, bool looks_wide)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    struct look_request request = {.first_barrier_is_enough = true, .includes_own = true, .wanted = sidecar->cluster};
    bool is_settled_voter = sidecar->membership == MEMBERSHIP_VOTER && sidecar->own.has_quorum && sidecar->start_is_settled;
    int64_t began_ms = world->now_ms(world->self);
    struct usher_error err = {0};

    if (usher->notes_state == USHER_FILE_UNKNOWN)
        usher->notes_state = usher_file_read(usher->settings->data_dir, &usher->notes, &usher->notes_problem);
    observe_add_address(&request, usher->settings->local_endpoint, true);
    if (looks_wide || sidecar->ghost.is_due || sidecar->janitor.is_due || !is_settled_voter) {
        read_record_once(sidecar);
        observe_add_known_addresses(usher, &request);
    }
    usher->counters.looks++;
    if (!world->look(world->self, &request, deadline_in_ms(TURN_LOOK_MS), &usher->view, &err)) {
        usher->counters.look_failures++;
        usher->view.live = LIVE_UNKNOWN;
        usher->view.endpoint_count = usher->view.list.count = 0;
        return;
    }
    judge_own(sidecar);
    read_identity(sidecar);
    usher_watch_learner(usher, sidecar->id);
    note_times(sidecar, began_ms);
    judge_membership(sidecar, began_ms);
}
