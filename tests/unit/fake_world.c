#include "fake_world.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "scratch.h"

static void hang(bool hangs, struct deadline deadline)
{
    int64_t left_ms = deadline_left_ms(deadline);

    if (hangs)
        poll(NULL, 0, (int)(left_ms < 3000 ? left_ms : 3000));
}

static void hang_api(struct fake_world *fake, struct deadline deadline)
{
    hang(fake->api_hangs && !(fake->gives_way && fake->is_poked), deadline);
}

static void api_gives_way(void *self, bool gives_way) { ((struct fake_world *)self)->gives_way = gives_way; }

static bool look(void *self, const struct look_request *request, struct deadline deadline, struct cluster_view *out,
                 struct usher_error *err)
{
    struct fake_world *fake = self;

    (void)request;
    (void)err;
    fake->looks++;
    hang(fake->etcd_hangs, deadline);
    *out = fake->view;
    return true;
}

/* Addresses are http://INDEX: of the list. */
static size_t index_of(const char *address) { return (size_t)(address[strlen("http://")] - '0'); }

static void statuses(void *self, const char *const *addresses, size_t count, struct deadline deadline, struct etcd_status *out, bool *known)
{
    struct fake_world *fake = self;

    (void)deadline;
    fake->status_calls++;
    for (size_t i = 0; i < count; i++) {
        size_t at = index_of(addresses[i]);
        known[i] = fake->answers_status[at];
        out[i] = (struct etcd_status){.cluster = fake->view.cluster, .member = fake->view.list.members[at].id, .leader = {1}};
        out[i].is_learner = fake->view.list.members[at].is_learner;
        out[i].raft_index = out[i].raft_applied_index = fake->raft_index[at];
    }
}

static void gauges(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                   struct gauge_reading *out)
{
    struct fake_world *fake = self;

    (void)addresses;
    (void)target;
    (void)deadline;
    fake->gauge_reads++;
    fake->received_bytes += fake->bytes_a_read;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct gauge_reading){.was_read = !fake->gauges_unread,
                                        .shows_connected = fake->shows_connected,
                                        .has_received_bytes = fake->counts_bytes,
                                        .received_bytes = fake->received_bytes};
}

static void add_learner(void *self, const char *address, const struct url_list *peer_urls, struct deadline deadline,
                        struct etcd_answer *out)
{
    struct fake_world *fake = self;

    (void)deadline;
    assert(peer_urls->count > 0);
    fake->adds++;
    snprintf(fake->written_to, sizeof fake->written_to, "%s", address);
    *out = fake->answer;
}

static void update_peer_urls(void *self, const char *address, struct member_id id, const struct url_list *peer_urls,
                             struct deadline deadline, struct etcd_answer *out)
{
    struct fake_world *fake = self;

    (void)id;
    (void)deadline;
    assert(peer_urls->count > 0);
    fake->updates++;
    snprintf(fake->written_to, sizeof fake->written_to, "%s", address);
    *out = fake->answer;
}

static void promote(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    struct fake_world *fake = self;

    (void)address;
    (void)deadline;
    fake->promotions++;
    fake->promoted = id;
    *out = fake->answer;
}

static void remove_member(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    struct fake_world *fake = self;

    (void)deadline;
    fake->removals++;
    snprintf(fake->written_to, sizeof fake->written_to, "%s", address);
    fake->removed = id;
    *out = fake->answer;
}

static void move_leader(void *self, const char *address, struct member_id to, struct deadline deadline, struct etcd_answer *out)
{
    struct fake_world *fake = self;

    (void)address;
    (void)to;
    (void)deadline;
    fake->moves++;
    *out = fake->answer;
}

static enum tri port_accepts(void *self, const char *address, struct deadline deadline)
{
    (void)self;
    (void)address;
    (void)deadline;
    return TRI_NO;
}

static void read_pod(void *self, const char *name, struct deadline deadline, struct pod_facts *out, struct usher_error *err)
{
    struct fake_world *fake = self;

    hang_api(fake, deadline);
    if (name == NULL)
        fake->own_pod_reads++;
    else
        fake->other_pod_reads++;
    if (name != NULL)
        snprintf(fake->other_pod_name, sizeof fake->other_pod_name, "%s", name);
    *out = fake->api_hangs ? (struct pod_facts){.ordinal = -1, .grace_left_ms = -1} : name == NULL ? fake->own_pod : fake->other_pod;
    if (out->answer == API_UNKNOWN)
        usher_error_set(err, "the test's API server does not say");
}

static void read_set(void *self, const char *name, struct deadline deadline, struct stateful_set_facts *out, struct usher_error *err)
{
    struct fake_world *fake = self;

    (void)name;
    hang_api(fake, deadline);
    fake->set_reads++;
    *out = fake->api_hangs ? (struct stateful_set_facts){.replicas = -1} : fake->set;
    if (out->answer == API_UNKNOWN)
        usher_error_set(err, "the test's API server does not say");
}

static void event(void *self, bool is_warning, const char *reason, const char *message)
{
    struct fake_world *fake = self;

    (void)is_warning;
    fake->events++;
    fake->events_before_verdict += fake->verdicts == 0 ? 1 : 0;
    snprintf(fake->last_event, sizeof fake->last_event, "%s", reason);
    snprintf(fake->last_event_text, sizeof fake->last_event_text, "%s", message);
}

static int64_t now_ms(void *self) { return monotonic_ms() + ((const struct fake_world *)self)->jumped_ms; }

static uint64_t some(void *self)
{
    (void)self;
    return 7;
}

static bool wait_for(void *self, struct deadline deadline)
{
    (void)deadline;
    return ((const struct fake_world *)self)->is_poked;
}

static bool is_stopping(void *self)
{
    (void)self;
    return false;
}

static bool record_read(void *self, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    struct fake_world *fake = self;

    fake->record_reads++;
    if (!fake->only_writes_hang)
        hang_api(fake, deadline);
    if (fake->record_is_unreadable)
        return usher_error_set(err, "the test's record is not readable");
    *out = fake->record;
    return true;
}

static bool record_swap(void *self, const struct set_record *record, struct deadline deadline, bool *out_conflict, struct usher_error *err)
{
    struct fake_world *fake = self;

    fake->record_swaps++;
    hang_api(fake, deadline);
    *out_conflict = false;
    if (fake->swap_fails || fake->api_hangs)
        return usher_error_set(err, "the test's record is not writable");
    fake->record = *record;
    return true;
}

void fake_world_init(struct fake_world *fake, const char *folder, size_t voters)
{
    struct settings *settings = &fake->settings;
    struct cluster_view *view = &fake->view;

    memset(fake, 0, sizeof *fake);
    fake->world = (struct world){
        .self = fake,
        .look = look,
        .statuses = statuses,
        .gauges = gauges,
        .add_learner = add_learner,
        .update_peer_urls = update_peer_urls,
        .promote = promote,
        .remove = remove_member,
        .move_leader = move_leader,
        .port_accepts = port_accepts,
        .read_pod = read_pod,
        .read_set = read_set,
        .event = event,
        .api_gives_way = api_gives_way,
        .now_ms = now_ms,
        .random = some,
        .wait = wait_for,
        .is_stopping = is_stopping,
    };
    fake->store = (struct record_store){.self = fake, .keep_ms = 5000, .read = record_read, .swap = record_swap};
    snprintf(settings->data_dir, PATH_BYTES, "%s/data", folder);
    snprintf(settings->plan_dir, PATH_BYTES, "%s/plan", folder);
    scratch_mkdir(settings->data_dir);
    scratch_mkdir(settings->plan_dir);
    snprintf(settings->local_endpoint, URL_BYTES, "http://0");
    snprintf(settings->join.name, NAME_BYTES, "etcd-0");
    snprintf(settings->join.slot_name, NAME_BYTES, "etcd-0");
    snprintf(settings->pod_uid, NAME_BYTES, "pod-uid");
    settings->join.peer_urls.count = 1;
    snprintf(settings->join.peer_urls.url[0], URL_BYTES, "http://etcd-0.peers:2380");
    settings->join.has_set_record = true;
    settings->leave = LEAVE_PROVEN;
    settings->leave_timeout_ms = 25000;
    settings->leaves_by_grace = true;
    settings->ghost_after_ms = 300000;
    settings->promote_samples = 2;
    fake->answer.outcome = CALL_OK;
    view->live = LIVE_REACHABLE;
    view->cluster.value = fake->record.cluster.value = fake->answer.cluster.value = FAKE_CLUSTER;
    for (size_t i = 0; i < voters; i++) {
        struct member *member = &view->list.members[view->list.count++];
        struct endpoint_view *endpoint = &view->endpoints[view->endpoint_count++];
        member->id.value = endpoint->member.value = fake->record.slots[i].id.value = i + 1;
        member->client_urls.count = member->peer_urls.count = 1;
        snprintf(member->name, NAME_BYTES, "etcd-%zu", i);
        snprintf(fake->record.slots[i].name, NAME_BYTES, "etcd-%zu", i);
        snprintf(member->peer_urls.url[0], URL_BYTES, "http://etcd-%zu.peers:2380", i);
        snprintf(member->client_urls.url[0], URL_BYTES, "http://%zu", i);
        snprintf(endpoint->address, URL_BYTES, "http://%zu", i);
        endpoint->cluster.value = FAKE_CLUSTER;
        endpoint->leader.value = 1;
        endpoint->state = ENDPOINT_SERVING;
        fake->record.slot_count++;
        fake->answers_status[i] = true;
    }
    set_record_settle(&fake->record);
    snprintf(fake->record.version, sizeof fake->record.version, "1");
    fake->own_pod = (struct pod_facts){.answer = API_FOUND,
                                       .uid = "pod-uid",
                                       .set_name = "etcd",
                                       .set_uid = "set-uid",
                                       .grace_left_ms = -1,
                                       .data_volume = VOLUME_LASTS,
                                       .wal_volume = VOLUME_LASTS};
    fake->other_pod = (struct pod_facts){.answer = API_NOT_FOUND, .ordinal = -1, .grace_left_ms = -1};
    fake->set = (struct stateful_set_facts){
        .answer = API_FOUND, .name = "etcd", .uid = "set-uid", .replicas = (int64_t)voters, .created = (int64_t)voters};
}

static bool nobody_asks(void *self, enum leave_asked *out_how)
{
    (void)self;
    (void)out_how;
    return false;
}

static void say(void *self, const char *text)
{
    (void)self;
    (void)text;
}

static void done(void *self, enum usher_exit exit, enum reason reason, const char *text, bool is_final)
{
    struct fake_world *fake = self;

    (void)exit;
    (void)text;
    (void)is_final;
    fake->verdicts++;
    fake->verdict = reason;
}

void fake_world_sidecar(struct fake_world *fake, struct sidecar *sidecar)
{
    sidecar_init(sidecar, &fake->settings, &fake->world, &fake->store, &(struct leave_door){fake, nobody_asks, say, done});
    sidecar->id.value = 1;
    sidecar->list_read_at_ms = fake->world.now_ms(fake->world.self);
    sidecar->cluster.value = FAKE_CLUSTER;
    sidecar->membership = MEMBERSHIP_VOTER;
    sidecar->start_is_settled = sidecar->is_recorded = true;
    sidecar->own = (struct own_etcd){.answered = true, .has_quorum = true, .port_accepts = TRI_YES, .leader = {1}};
    sidecar->usher.view = fake->view;
    sidecar->usher.record = fake->record;
}
