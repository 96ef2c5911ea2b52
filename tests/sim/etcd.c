/* Raft as far as an usher can tell: who leads, what is committed, who has how much of the log. Conf changes are committed entries; each is
 * checked as etcd 3.5's server does (server/etcdserver/server.go: AddMember, PromoteMember, RemoveMember; membership/cluster.go). */
#include "sim.h"

#include <string.h>

enum { HEALTH_MS = 5000, ELECTION_MS = 1000, LATE_FOR_MS = 10000 };
enum { VOTER_ENTRIES_A_S = 100000, WRITES_A_S = 100, SNAPSHOT_LAG_PERCENT = 90 };

struct sim_etcd sim_etcd;

void etcd_init(void)
{
    memset(&sim_etcd, 0, sizeof sim_etcd);
    sim_etcd.leader = -1;
    for (int i = 0; i < SLOTS; i++)
        for (int j = 0; j < SLOTS; j++)
            sim_etcd.linked_since_ms[i][j] = -1;
}

struct sim_member *etcd_member(struct member_id id)
{
    for (size_t i = 0; i < sim_etcd.count; i++)
        if (member_id_equals(sim_etcd.members[i].id, id))
            return &sim_etcd.members[i];
    return NULL;
}

struct sim_member *etcd_member_at(int slot)
{
    for (size_t i = 0; i < sim_etcd.count; i++)
        if (sim_etcd.members[i].slot == slot)
            return &sim_etcd.members[i];
    return NULL;
}

bool etcd_answers(int slot)
{
    const struct sim_process *process = &sim_etcd.processes[slot];
    return process->is_running && sim_now_ms() >= process->ports_at_ms;
}

int etcd_slot_running(struct member_id id)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (sim_etcd.processes[slot].is_running && member_id_equals(sim_etcd.processes[slot].id, id))
            return slot;
    return -1;
}

bool etcd_was_removed(struct member_id id)
{
    for (size_t i = 0; i < sim_etcd.removed_count; i++)
        if (member_id_equals(sim_etcd.removed[i], id))
            return true;
    return false;
}

int64_t *etcd_logged(struct member_id id)
{
    for (size_t i = 0; i < sim_etcd.log_count; i++)
        if (member_id_equals(sim_etcd.logs[i].id, id))
            return &sim_etcd.logs[i].logged;
    sim_etcd.logs[sim_etcd.log_count].id = id;
    sim_etcd.logs[sim_etcd.log_count].logged = 0;
    return &sim_etcd.logs[sim_etcd.log_count++].logged;
}

static bool are_linked(int a, int b) { return etcd_answers(a) && etcd_answers(b) && (a == b || pods_are_linked(a, b)); }

static size_t voter_count(void)
{
    size_t voters = 0;

    for (size_t i = 0; i < sim_etcd.count; i++)
        voters += sim_etcd.members[i].is_learner ? 0 : 1;
    return voters;
}

static bool is_voter(int slot)
{
    const struct sim_member *member = etcd_member(sim_etcd.processes[slot].id);
    return member != NULL && !member->is_learner;
}

/* The voters that the process at `slot` is linked to since `since_ms`, itself among them. */
static size_t voters_linked(int slot, int64_t since_ms)
{
    size_t linked = 0;

    for (size_t i = 0; i < sim_etcd.count; i++) {
        int other = etcd_slot_running(sim_etcd.members[i].id);
        if (sim_etcd.members[i].is_learner || other < 0)
            continue;
        if (other == slot || (sim_etcd.linked_since_ms[slot][other] >= 0 && sim_etcd.linked_since_ms[slot][other] <= since_ms))
            linked++;
    }
    return linked;
}

bool etcd_has_quorum(int slot)
{
    return etcd_answers(slot) && sim_etcd.leader >= 0 && are_linked(slot, sim_etcd.leader) &&
           etcd_member(sim_etcd.processes[slot].id) != NULL;
}

bool etcd_voters_healthy(void) { return sim_etcd.leader >= 0 && voters_linked(sim_etcd.leader, sim_now_ms()) == voter_count(); }

static void note_links(void)
{
    for (int i = 0; i < SLOTS; i++)
        for (int j = 0; j < SLOTS; j++) {
            int64_t *since_ms = &sim_etcd.linked_since_ms[i][j];
            if (i == j || !are_linked(i, j))
                *since_ms = -1;
            else if (*since_ms < 0)
                *since_ms = sim_now_ms();
        }
}

static bool can_lead(int slot)
{
    int64_t logged;
    size_t votes = 0;

    if (!etcd_answers(slot) || !is_voter(slot))
        return false;
    logged = *etcd_logged(sim_etcd.processes[slot].id);
    for (size_t i = 0; i < sim_etcd.count; i++) {
        int other = etcd_slot_running(sim_etcd.members[i].id);
        if (!sim_etcd.members[i].is_learner && other >= 0 && are_linked(slot, other) && *etcd_logged(sim_etcd.members[i].id) <= logged)
            votes++;
    }
    return votes > voter_count() / 2;
}

static void set_leader(int slot)
{
    sim_etcd.leader = slot;
    sim_etcd.leader_since_ms = sim_now_ms();
    sim_etcd.term++;
    if (slot >= 0 && *etcd_logged(sim_etcd.processes[slot].id) < sim_etcd.commit)
        rules_broken("I12: a leader was elected that lacks acknowledged writes");
}

bool etcd_move_leader(struct member_id to)
{
    int slot = etcd_slot_running(to);

    if (slot < 0 || !is_voter(slot) || sim_etcd.leader < 0 || !are_linked(slot, sim_etcd.leader) ||
        *etcd_logged(to) < *etcd_logged(sim_etcd.processes[sim_etcd.leader].id))
        return false;
    set_leader(slot);
    sim_counts.moves++;
    return true;
}

static void elect(void)
{
    int first = (int)chance_between(0, SLOTS - 1);

    if (sim_etcd.leader >= 0 && (!etcd_answers(sim_etcd.leader) || !is_voter(sim_etcd.leader) ||
                                 voters_linked(sim_etcd.leader, sim_now_ms()) <= voter_count() / 2)) {
        sim_etcd.leader = -1;
        sim_etcd.leader_lost_ms = sim_now_ms();
    }
    if (sim_etcd.leader >= 0 || sim_now_ms() - sim_etcd.leader_lost_ms < ELECTION_MS)
        return;
    for (int i = 0; i < SLOTS; i++)
        if (can_lead((first + i) % SLOTS)) {
            set_leader((first + i) % SLOTS);
            return;
        }
}

static void commit_what_a_majority_has(void)
{
    int64_t best = sim_etcd.commit;

    for (size_t i = 0; i < sim_etcd.count; i++) {
        int64_t candidate = *etcd_logged(sim_etcd.members[i].id);
        size_t have = 0;
        for (size_t j = 0; j < sim_etcd.count; j++)
            have += !sim_etcd.members[j].is_learner && *etcd_logged(sim_etcd.members[j].id) >= candidate ? 1 : 0;
        if (have > voter_count() / 2 && candidate > best)
            best = candidate;
    }
    sim_etcd.commit = best;
}

static void replicate(int64_t step_ms)
{
    int leader = sim_etcd.leader;
    int64_t *head;

    if (leader < 0)
        return;
    head = etcd_logged(sim_etcd.processes[leader].id);
    *head += WRITES_A_S * step_ms / 1000;
    for (size_t i = 0; i < sim_etcd.count; i++) {
        struct sim_member *member = &sim_etcd.members[i];
        int slot = etcd_slot_running(member->id);
        int64_t *logged = etcd_logged(member->id), rate = member->is_learner ? chance_between(500, 20000) : VOTER_ENTRIES_A_S;
        if (slot < 0 || !are_linked(leader, slot))
            continue;
        *logged = *logged + rate * step_ms / 1000 < *head ? *logged + rate * step_ms / 1000 : *head;
        member->is_started = member->is_started || *logged >= member->added_at_index;
        sim_etcd.received[leader][slot]++;
        sim_etcd.received[slot][leader]++;
    }
    commit_what_a_majority_has();
}

/* etcd learns from its peers that it was removed, and exits. */
static void stop_removed(void)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (sim_etcd.processes[slot].is_running && etcd_was_removed(sim_etcd.processes[slot].id) && sim_etcd.leader >= 0 &&
            are_linked(slot, sim_etcd.leader))
            etcd_stop(slot);
}

static void apply_late(void)
{
    for (size_t i = 0; i < LATE_MAX; i++) {
        struct late_change *late = &sim_etcd.late[i];
        if (late->change == 0 || sim_now_ms() < late->at_ms)
            continue;
        if (sim_etcd.leader >= 0)
            etcd_change(sim_etcd.leader, late->change, late->id, late->slot, late->asked_by, true);
        if (sim_etcd.leader >= 0 || sim_now_ms() - late->at_ms > LATE_FOR_MS)
            late->change = 0;
    }
}

void etcd_tick(int64_t step_ms)
{
    note_links();
    elect();
    replicate(step_ms);
    apply_late();
    stop_removed();
}

static void apply_add(int peer_slot, struct etcd_answer *answer)
{
    struct sim_member *member = &sim_etcd.members[sim_etcd.count++];
    int64_t *head = etcd_logged(sim_etcd.processes[sim_etcd.leader].id);

    *member = (struct sim_member){.id = {chance_next() | 1}, .slot = peer_slot, .is_learner = true, .added_at_index = ++*head};
    answer->added = member->id;
    sim_counts.adds++;
    sim_say("etcd: slot %d was added as %llx", peer_slot, (unsigned long long)member->id.value);
}

static void apply_remove(struct sim_member *member, int asked_by)
{
    struct sim_member removed = *member;

    rules_removed(member, asked_by);
    memmove(member, member + 1, (size_t)(&sim_etcd.members[sim_etcd.count] - (member + 1)) * sizeof *member);
    sim_etcd.count--;
    sim_etcd.removed[sim_etcd.removed_count++] = removed.id;
    sim_counts.removals++;
    sim_say("etcd: %llx (slot %d) was removed, asked by slot %d", (unsigned long long)removed.id.value, removed.slot, asked_by);
    if (!removed.is_learner)
        rules_changed_voters("a removal");
}

static size_t started_voters(struct member_id without)
{
    size_t started = 0;

    for (size_t i = 0; i < sim_etcd.count; i++)
        started += !sim_etcd.members[i].is_learner && sim_etcd.members[i].is_started && !member_id_equals(sim_etcd.members[i].id, without);
    return started;
}

static enum etcd_refusal refuse_add(int slot, int peer_slot)
{
    if (etcd_member_at(peer_slot) != NULL)
        return REFUSAL_PEER_URL_EXISTS;
    if (voters_linked(slot, sim_now_ms() - HEALTH_MS) != voter_count())
        return REFUSAL_UNHEALTHY_CLUSTER;
    return voter_count() != sim_etcd.count ? REFUSAL_TOO_MANY_LEARNERS : REFUSAL_UNKNOWN;
}

static enum etcd_refusal refuse_promote(const struct sim_member *member)
{
    int64_t head = *etcd_logged(sim_etcd.processes[sim_etcd.leader].id);

    if (member == NULL)
        return REFUSAL_MEMBER_NOT_FOUND;
    if (!member->is_learner)
        return REFUSAL_NOT_A_LEARNER;
    if (*etcd_logged(member->id) < head * SNAPSHOT_LAG_PERCENT / 100)
        return REFUSAL_LEARNER_NOT_READY;
    return started_voters((struct member_id){0}) + 1 < (voter_count() + 1) / 2 + 1 ? REFUSAL_NOT_ENOUGH_STARTED : REFUSAL_UNKNOWN;
}

static enum etcd_refusal refuse_remove(int slot, const struct sim_member *member)
{
    int target;

    if (member == NULL)
        return REFUSAL_MEMBER_NOT_FOUND;
    if (member->is_learner)
        return REFUSAL_UNKNOWN;
    if (started_voters(member->id) < (voter_count() - 1) / 2 + 1)
        return REFUSAL_NOT_ENOUGH_STARTED;
    target = etcd_slot_running(member->id);
    if (target < 0 || (target != slot && sim_etcd.linked_since_ms[slot][target] < 0))
        return REFUSAL_UNKNOWN; /* down: safe to take out */
    return voters_linked(slot, sim_now_ms() - HEALTH_MS) < 2 + (voter_count() - 1) / 2 ? REFUSAL_UNHEALTHY_CLUSTER : REFUSAL_UNKNOWN;
}

struct etcd_answer etcd_change(int slot, enum change change, struct member_id id, int peer_slot, int asked_by, bool is_applied)
{
    struct etcd_answer answer = {
        .outcome = CALL_REFUSED, .cluster = sim_etcd.cluster, .answered_by = sim_etcd.processes[slot].id, .message = "etcdserver: refused"};
    struct sim_member *member = etcd_member(id);

    answer.refusal = change == CHANGE_ADD       ? refuse_add(slot, peer_slot)
                     : change == CHANGE_PROMOTE ? refuse_promote(member)
                                                : refuse_remove(slot, member);
    if (answer.refusal != REFUSAL_UNKNOWN)
        return answer;
    answer.outcome = CALL_OK;
    answer.message[0] = '\0';
    if (!is_applied)
        return answer;
    if (change == CHANGE_ADD) {
        apply_add(peer_slot, &answer);
    } else if (change == CHANGE_REMOVE) {
        apply_remove(member, asked_by);
    } else {
        member->is_learner = false;
        sim_counts.promotions++;
        sim_say("etcd: %llx (slot %d) is a voter now", (unsigned long long)id.value, member->slot);
        rules_changed_voters("a promotion");
    }
    return answer;
}
