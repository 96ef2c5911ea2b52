/* What a turn sees: our own etcd first, others when we need them. */
#include <string.h>

#include "usher/host/log.h"
#include "usher/host/wal_header.h"
#include "usher/member/observe.h"
#include "usher/member/sidecar.h"

enum { TURN_LOOK_MS = 2000 };

static void add_address(struct look_request *request, const char *text)
{
    if (request->address_count < ENDPOINTS_MAX) {
        request->addresses[request->address_count].text = text;
        request->addresses[request->address_count].is_remembered = true;
        request->address_count++;
    }
}

static void add_others(const struct usher *usher, struct look_request *request)
{
    for (size_t i = 0; i < usher->notes.endpoint_count; i++)
        add_address(request, usher->notes.endpoints[i]);
    for (size_t i = 0; i < usher->settings->endpoint_count; i++)
        add_address(request, usher->settings->endpoints[i]);
    for (size_t i = 0; i < usher->settings->remote_endpoint_count; i++)
        add_address(request, usher->settings->remote_endpoints[i]);
}

static void judge_own(struct sidecar *sidecar, int64_t began_ms)
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
    out->is_learner = own->is_learner;
    out->leader = own->leader;
    if (out->answered) {
        sidecar->id = own->member;
        sidecar->cluster = own->cluster;
    }
    if (out->port_accepts == TRI_YES)
        sidecar->port_accepted_at_ms = began_ms;
    if (out->has_quorum)
        sidecar->quorum_read_at_ms = began_ms;
}

/* Identity from the WAL while our etcd does not say it itself. */
static void read_identity(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;

    usher->facts.etcd_lives_here = TRI_UNKNOWN;
    if (sidecar->own.answered && sidecar->start_is_settled)
        return;
    wal_header_read(usher->settings->data_dir, usher->settings->wal_dir, &usher->facts.wal, &usher->wal_problem);
    usher->facts.etcd_lives_here = wal_etcd_holds_lock(usher->settings->data_dir);
    if (!sidecar->own.answered && usher->facts.wal.state == WAL_IDS) {
        sidecar->id = usher->facts.wal.member;
        sidecar->cluster = usher->facts.wal.cluster;
    }
}

static void judge_membership(struct sidecar *sidecar, int64_t began_ms)
{
    const struct cluster_view *view = &sidecar->usher.view;
    const struct member *ours;

    if (view->live != LIVE_REACHABLE || !cluster_id_equals(view->cluster, sidecar->cluster) || !member_id_is_known(sidecar->id))
        return;
    sidecar->list_read_at_ms = began_ms;
    ours = member_list_find(&view->list, sidecar->id);
    sidecar->membership = ours == NULL ? MEMBERSHIP_NONE : ours->is_learner ? MEMBERSHIP_LEARNER : MEMBERSHIP_VOTER;
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
    add_address(&request, usher->settings->local_endpoint);
    if (looks_wide || !is_settled_voter)
        add_others(usher, &request);
    usher->counters.looks++;
    if (!world->look(world->self, &request, deadline_in_ms(TURN_LOOK_MS), &usher->view, &err)) {
        usher->counters.look_failures++;
        usher->view.live = LIVE_UNKNOWN;
        usher->view.endpoint_count = usher->view.list.count = 0;
        return;
    }
    judge_own(sidecar, began_ms);
    read_identity(sidecar);
    judge_membership(sidecar, began_ms);
}
