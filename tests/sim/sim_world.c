/* `struct world` over the simulated cluster. Each call takes time, in which others act; an answer can come late, or never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { SLOW_PERCENT = 2, LOST_PERCENT = 4, DIES_PERCENT = 1, API_FAILS_PERCENT = 3, FAIR_MS = 20, ETCD_GIVES_UP_MS = 7000, API_MS = 3000 };

struct side { /* init's world and the sidecar's */
    int slot;
    struct pod *pod;
};

static struct side sides[SLOTS];

void sim_slot_url(int slot, bool is_peer, char out[URL_BYTES])
{
    snprintf(out, URL_BYTES, is_peer ? "http://etcd-%d.peers:2380" : "http://etcd-%d:2379", slot);
}

int sim_slot_of_url(const char *url)
{
    int slot = -1;
    return sscanf(url, "http://etcd-%d", &slot) == 1 && slot >= 0 && slot < SLOTS ? slot : -1;
}

static int64_t left_ms(struct deadline deadline) { return deadline_left_ms(deadline); }

static void sleep_ms(int64_t ms) { task_sleep_until(sim_now_ms() + ms); }

/* Some calls find their usher killed: before anything was sent, or after. */
static void may_die(struct side *side)
{
    if (sim_is_calm || !chance_percent(DIES_PERCENT))
        return;
    sim_say("kill -9: the usher of slot %d, in a call", side->slot);
    rules_fault("killed in a call");
    task_kill(side->pod->init != NULL && !side->pod->init_is_done ? &side->pod->init : &side->pod->sidecar);
    task_sleep_until(INT64_MAX);
    abort();
}

static int64_t some_latency_ms(struct deadline deadline)
{
    int64_t ms = !sim_is_calm && chance_percent(SLOW_PERCENT) ? chance_between(100, 4000) : chance_between(1, 12);
    return ms < left_ms(deadline) ? ms : left_ms(deadline);
}

static bool is_silent(const struct side *side, int to) { return to < 0 || !pods_are_linked(side->slot, to); }

static bool fill_endpoint(const struct side *side, struct endpoint_view *out)
{
    int to = sim_slot_of_url(out->address);
    const struct sim_process *process;

    if (is_silent(side, to) || !etcd_answers(to)) {
        out->state = ENDPOINT_UNREACHABLE;
        snprintf(out->problem, sizeof out->problem, "connection refused");
        return !is_silent(side, to);
    }
    process = &sim_etcd.processes[to];
    out->cluster = process->cluster;
    out->member = process->id;
    out->leader = etcd_has_quorum(to) ? sim_etcd.processes[sim_etcd.leader].id : (struct member_id){0};
    out->is_learner = etcd_member(process->id) != NULL && etcd_member(process->id)->is_learner;
    out->raft_term = (uint64_t)sim_etcd.term;
    out->raft_index = out->raft_applied_index = (uint64_t)*etcd_logged(process->id);
    out->db_size_bytes = 4096;
    snprintf(out->version, sizeof out->version, "3.5.21");
    out->state = out->is_learner ? ENDPOINT_LEARNER : etcd_has_quorum(to) ? ENDPOINT_SERVING : ENDPOINT_NO_QUORUM;
    return out->state != ENDPOINT_NO_QUORUM;
}

static void fill_list(struct member_list *list)
{
    list->count = sim_etcd.count;
    for (size_t i = 0; i < sim_etcd.count; i++) {
        const struct sim_member *from = &sim_etcd.members[i];
        struct member *to = &list->members[i];
        *to = (struct member){.id = from->id, .is_learner = from->is_learner};
        to->peer_urls.count = 1;
        sim_slot_url(from->slot, true, to->peer_urls.url[0]);
        if (!from->is_started)
            continue;
        snprintf(to->name, sizeof to->name, "etcd-%d", from->slot);
        to->client_urls.count = 1;
        sim_slot_url(from->slot, false, to->client_urls.url[0]);
    }
}

static void add_endpoint(struct side *side, const struct look_request *request, size_t i, struct cluster_view *view, bool *all_spoke)
{
    struct endpoint_view *endpoint = &view->endpoints[view->endpoint_count++];

    *endpoint = (struct endpoint_view){.is_remembered = request->addresses[i].is_remembered};
    snprintf(endpoint->address, sizeof endpoint->address, "%s", request->addresses[i].text);
    if (!request->includes_own && sim_slot_of_url(endpoint->address) == side->slot) {
        endpoint->state = ENDPOINT_UNREACHABLE;
        return;
    }
    *all_spoke = fill_endpoint(side, endpoint) && *all_spoke;
    if (endpoint->state == ENDPOINT_SERVING && view->live != LIVE_REACHABLE &&
        (request->wanted.value == 0 || cluster_id_equals(request->wanted, endpoint->cluster))) {
        view->live = LIVE_REACHABLE;
        view->cluster = endpoint->cluster;
        view->list_from = endpoint->member;
        fill_list(&view->list);
    } else if (endpoint->state != ENDPOINT_UNREACHABLE && view->live == LIVE_UNREACHABLE) {
        view->live = LIVE_NO_QUORUM;
    }
}

static bool look(void *self, const struct look_request *request, struct deadline deadline, struct cluster_view *out_view,
                 struct usher_error *err)
{
    struct side *side = self;
    bool all_spoke = true;

    (void)err;
    may_die(side);
    sleep_ms(some_latency_ms(deadline));
    out_view->live = LIVE_UNREACHABLE;
    out_view->endpoint_count = 0;
    out_view->cluster = (struct cluster_id){0};
    out_view->list_from = (struct member_id){0};
    out_view->list.count = 0;
    for (size_t i = 0; i < request->address_count; i++)
        add_endpoint(side, request, i, out_view, &all_spoke);
    if (out_view->live == LIVE_REACHABLE)
        side->pod->must_look = false;
    if (!all_spoke)
        sleep_ms(request->first_barrier_is_enough && out_view->live == LIVE_REACHABLE ? FAIR_MS : left_ms(deadline));
    return true;
}

static void statuses(void *self, const char *const *addresses, size_t count, struct deadline deadline, struct etcd_status *out_statuses,
                     bool *out_known)
{
    struct side *side = self;
    bool all_spoke = true;

    sleep_ms(some_latency_ms(deadline));
    for (size_t i = 0; i < count; i++) {
        struct endpoint_view endpoint = {0};
        snprintf(endpoint.address, sizeof endpoint.address, "%s", addresses[i]);
        all_spoke = (fill_endpoint(side, &endpoint) || endpoint.state == ENDPOINT_NO_QUORUM) && all_spoke;
        out_known[i] = member_id_is_known(endpoint.member);
        out_statuses[i] = (struct etcd_status){.cluster = endpoint.cluster,
                                               .member = endpoint.member,
                                               .leader = endpoint.leader,
                                               .is_learner = endpoint.is_learner,
                                               .raft_term = endpoint.raft_term,
                                               .raft_index = endpoint.raft_index,
                                               .raft_applied_index = endpoint.raft_applied_index,
                                               .db_size_bytes = endpoint.db_size_bytes};
    }
    if (!all_spoke)
        sleep_ms(left_ms(deadline));
}

static void gauges(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                   struct gauge_reading *out_readings)
{
    struct side *side = self;
    bool all_spoke = true;

    sleep_ms(some_latency_ms(deadline));
    for (size_t i = 0; i < count; i++) {
        int at = sim_slot_of_url(addresses[i]), of = etcd_slot_running(target);
        out_readings[i] = (struct gauge_reading){0};
        all_spoke = !is_silent(side, at) && all_spoke;
        if (is_silent(side, at) || !etcd_answers(at))
            continue;
        out_readings[i].was_read = out_readings[i].has_received_bytes = true;
        out_readings[i].shows_connected = of >= 0 && of != at && sim_etcd.linked_since_ms[at][of] >= 0;
        out_readings[i].received_bytes = of >= 0 ? sim_etcd.received[at][of] : 0;
    }
    if (!all_spoke)
        sleep_ms(left_ms(deadline));
}

static bool quorum_read(void *self, const char *address, struct deadline deadline, struct etcd_answer *out_answer)
{
    struct side *side = self;
    int to = sim_slot_of_url(address);

    sleep_ms(some_latency_ms(deadline));
    *out_answer = (struct etcd_answer){.outcome = CALL_NOT_SENT};
    if (is_silent(side, to) || !etcd_has_quorum(to))
        return false;
    out_answer->outcome = CALL_OK;
    out_answer->answered_by = sim_etcd.processes[to].id;
    return true;
}

static void answer_is_lost(struct side *side, struct deadline deadline, struct etcd_answer *out)
{
    sleep_ms(left_ms(deadline) < ETCD_GIVES_UP_MS ? left_ms(deadline) : ETCD_GIVES_UP_MS);
    out->outcome = CALL_UNKNOWN;
    snprintf(out->message, sizeof out->message, "no answer");
    side->pod->must_look = true;
    sim_counts.unknown_outcomes++;
}

static void apply_later(enum change change, struct member_id id, int peer_slot, int asked_by)
{
    for (size_t i = 0; i < LATE_MAX; i++)
        if (sim_etcd.late[i].change == 0) {
            sim_etcd.late[i] = (struct late_change){sim_now_ms() + chance_between(100, 8000), change, id, peer_slot, asked_by};
            return;
        }
}

/* Did the call reach an etcd that takes writes? */
static bool is_delivered(struct side *side, const char *address, struct deadline deadline, int *out_to, struct etcd_answer *out)
{
    int to = sim_slot_of_url(address);

    *out = (struct etcd_answer){.outcome = CALL_NOT_SENT, .message = "connection refused"};
    if (side->pod->must_look)
        rules_broken("I8: slot %d writes again without a look after an unknown outcome", side->slot);
    may_die(side);
    sleep_ms(some_latency_ms(deadline));
    *out_to = to;
    if (is_silent(side, to)) {
        sleep_ms(left_ms(deadline));
        return false;
    }
    if (!etcd_answers(to))
        return false;
    out->answered_by = sim_etcd.processes[to].id;
    out->cluster = sim_etcd.processes[to].cluster;
    if (etcd_member(out->answered_by) != NULL && etcd_member(out->answered_by)->is_learner) {
        out->outcome = CALL_REFUSED;
        out->refusal = REFUSAL_NOT_FOR_LEARNER;
        return false;
    }
    if (etcd_has_quorum(to))
        return true;
    answer_is_lost(side, deadline, out);
    return false;
}

static void write_call(struct side *side, const char *address, enum change change, struct member_id id, int peer_slot,
                       struct deadline deadline, struct etcd_answer *out)
{
    bool is_lost = !sim_is_calm && chance_percent(LOST_PERCENT), is_late = is_lost && chance_percent(50);
    int to;

    if (!is_delivered(side, address, deadline, &to, out))
        return;
    *out = etcd_change(to, change, id, peer_slot, side->slot, !is_late);
    if (out->outcome == CALL_REFUSED)
        sim_counts.refusals++;
    if (is_late && out->outcome == CALL_OK)
        apply_later(change, id, peer_slot, side->slot);
    may_die(side);
    if (is_lost)
        answer_is_lost(side, deadline, out);
    else
        sleep_ms(some_latency_ms(deadline));
}

static void add_learner(void *self, const char *address, const struct url_list *peer_urls, struct deadline deadline,
                        struct etcd_answer *out)
{
    write_call(self, address, CHANGE_ADD, (struct member_id){0}, sim_slot_of_url(peer_urls->url[0]), deadline, out);
}

static void add_voter(void *self, const char *address, const struct url_list *peer_urls, struct deadline deadline, struct etcd_answer *out)
{
    (void)self, (void)address, (void)peer_urls, (void)deadline;
    *out = (struct etcd_answer){.outcome = CALL_NOT_SENT};
    rules_broken("I6: a member was to be added as a voter");
}

static void promote(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    write_call(self, address, CHANGE_PROMOTE, id, -1, deadline, out);
}

static void remove_member(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    write_call(self, address, CHANGE_REMOVE, id, -1, deadline, out);
}

static void update_peer_urls(void *self, const char *address, struct member_id id, const struct url_list *peer_urls,
                             struct deadline deadline, struct etcd_answer *out)
{
    (void)self, (void)address, (void)id, (void)peer_urls, (void)deadline;
    *out = (struct etcd_answer){.outcome = CALL_NOT_SENT};
    rules_broken("peer URLs were to be updated that nobody changed");
}

static void move_leader(void *self, const char *address, struct member_id to, struct deadline deadline, struct etcd_answer *out)
{
    struct side *side = self;
    int at;

    if (!is_delivered(side, address, deadline, &at, out))
        return;
    out->outcome = at == sim_etcd.leader && etcd_move_leader(to) ? CALL_OK : CALL_REFUSED;
    out->refusal = at == sim_etcd.leader ? REFUSAL_BAD_TRANSFEREE : REFUSAL_NOT_LEADER;
}

static enum tri port_accepts(void *self, const char *address, struct deadline deadline)
{
    struct side *side = self;
    int to = sim_slot_of_url(address);

    sleep_ms(1);
    if (!is_silent(side, to))
        return etcd_answers(to) ? TRI_YES : TRI_NO;
    sleep_ms(left_ms(deadline));
    return TRI_UNKNOWN;
}

/* False: the API does not answer in time. */
static bool api_answers(struct side *side, struct deadline deadline, struct usher_error *err)
{
    int64_t limit_ms = left_ms(deadline) < API_MS ? left_ms(deadline) : API_MS;

    if (sim_pods.api_is_down || sim_pods.cut_off[side->slot]) {
        sleep_ms(limit_ms);
        return usher_error_set(err, "the API does not answer");
    }
    sleep_ms(chance_between(1, 20));
    if (!sim_is_calm && chance_percent(API_FAILS_PERCENT))
        return usher_error_set(err, "the API answers 500");
    return true;
}

static void read_pod(void *self, const char *name, struct deadline deadline, struct pod_facts *out, struct usher_error *err)
{
    struct side *side = self;
    int slot = side->slot;
    const struct pod *pod;

    *out = (struct pod_facts){.ordinal = -1, .grace_left_ms = -1};
    if (!api_answers(side, deadline, err) || (name != NULL && sscanf(name, "etcd-%d", &slot) != 1))
        return;
    pod = &sim_pods.of[slot];
    out->answer = pod->exists ? API_FOUND : API_NOT_FOUND;
    if (!pod->exists)
        return;
    snprintf(out->uid, sizeof out->uid, "%d-%u", slot, pod->life);
    snprintf(out->set_name, sizeof out->set_name, "etcd");
    snprintf(out->set_uid, sizeof out->set_uid, "set");
    out->is_deleted = pod->is_deleted;
    out->ordinal = slot;
    out->grace_left_ms = pod->is_deleted ? pod->deleted_at_ms + GRACE_MS - sim_now_ms() : -1;
    out->data_volume = out->wal_volume = sim_pods.is_ephemeral ? VOLUME_GOES_WITH_POD : VOLUME_LASTS;
}

static void read_set(void *self, const char *name, struct deadline deadline, struct stateful_set_facts *out, struct usher_error *err)
{
    (void)name;
    *out = (struct stateful_set_facts){.replicas = -1, .created = -1};
    if (!api_answers(self, deadline, err))
        return;
    out->answer = API_FOUND;
    snprintf(out->name, sizeof out->name, "etcd");
    snprintf(out->uid, sizeof out->uid, "set");
    out->replicas = sim_pods.replicas;
    out->created = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        out->created += sim_pods.of[slot].exists ? 1 : 0;
}

static void event(void *self, bool is_warning, const char *reason, const char *message)
{
    struct side *side = self;
    (void)is_warning;
    sim_say("event of slot %d: %s: %.300s", side->slot, reason, message);
}

static void api_gives_way(void *self, bool gives_way) { (void)self, (void)gives_way; }

static int64_t now_ms(void *self)
{
    (void)self;
    return sim_now_ms();
}

static uint64_t random_value(void *self)
{
    (void)self;
    return chance_next();
}

static bool wait_for(void *self, struct deadline deadline)
{
    (void)self;
    task_sleep_until(deadline.at_ms);
    return sim_now_ms() < deadline.at_ms;
}

static bool is_stopping(void *self)
{
    const struct side *side = self;
    return side->pod->init_is_done ? side->pod->stops_sidecar : side->pod->stops_init;
}

static bool record_read(void *self, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    if (!api_answers(self, deadline, err))
        return false;
    *out = sim_pods.record;
    snprintf(out->version, sizeof out->version, "%u", sim_pods.record_writes);
    set_record_settle(out);
    return true;
}

static bool record_swap(void *self, const struct set_record *record, struct deadline deadline, bool *out_conflict, struct usher_error *err)
{
    struct side *side = self;
    char version[32];

    *out_conflict = false;
    may_die(side);
    if (!api_answers(side, deadline, err))
        return false;
    snprintf(version, sizeof version, "%u", sim_pods.record_writes);
    *out_conflict = strcmp(record->version, version) != 0;
    if (*out_conflict)
        return usher_error_set(err, "somebody else wrote it");
    sim_pods.record = *record;
    sim_pods.record_writes++;
    may_die(side);
    if (!sim_is_calm && chance_percent(LOST_PERCENT))
        return usher_error_set(err, "the answer was lost");
    return true;
}

void sim_world_init(int slot, struct world *out_world, struct record_store *out_store)
{
    struct side *side = &sides[slot];

    *side = (struct side){slot, &sim_pods.of[slot]};
    *out_store = (struct record_store){.self = side, .keep_ms = 5000, .read = record_read, .swap = record_swap};
    *out_world = (struct world){
        .self = side,
        .look = look,
        .statuses = statuses,
        .gauges = gauges,
        .quorum_read = quorum_read,
        .add_learner = add_learner,
        .add_voter = add_voter,
        .promote = promote,
        .remove = remove_member,
        .update_peer_urls = update_peer_urls,
        .move_leader = move_leader,
        .port_accepts = port_accepts,
        .read_pod = read_pod,
        .read_set = read_set,
        .event = event,
        .api_gives_way = api_gives_way,
        .now_ms = now_ms,
        .random = random_value,
        .wait = wait_for,
        .is_stopping = is_stopping,
    };
}
