/* Leaving: who may ask, in every combination; and whether the cluster can do without us, over every cluster of up to five. */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "usher/core/leave_decision.h"

enum { OURS = 0xa0, CLUSTER = 0xc1, OTHER_CLUSTER = 0xc2, OTHERS_MAX = 4, KINDS = 12 };
enum own { OWN_ABSENT, OWN_VOTER, OWN_VOTER_DOWN, OWN_LEARNER, OWNS };
enum leader { LEADER_NONE, LEADER_OURS, LEADER_FIRST, LEADERS };
enum record { REC_CLUSTER, REC_NULL, REC_UNREADABLE, RECORDS };
enum { LOOKS = (int)LEADERS * (int)RECORDS };

/* A kind: 6 ways of a member, in our set or in another. */
static bool is_learner(unsigned kind) { return kind % 6 >= 3; }
static bool is_up(unsigned kind) { return kind % 3 == 0; }
static bool is_started(unsigned kind) { return kind % 3 != 2; }
static bool is_of_our_set(unsigned kind) { return kind < 6; }

static struct {
    struct leave_facts facts;
    struct cluster_view view;
    struct set_record record;
    struct stateful_set_facts set;
    unsigned others, kinds[OTHERS_MAX];
    enum own own;
    enum leader leader;
    enum record record_kind;
    bool lags; /* the others are far behind the leader */
    struct leave_decision decision;
} s;

static void describe(const void *state)
{
    (void)state;
    printf("own %d others", (int)s.own);
    for (unsigned i = 0; i < s.others; i++)
        printf(" %u", s.kinds[i]);
    printf(" leader %d record %d lags %d policy %d asked %d proof %d deleted %d port %d deadline %d live %d moves %u\n  decided: %d, %s, "
           "%llx\n",
           (int)s.leader, (int)s.record_kind, s.lags, (int)s.facts.policy, (int)s.facts.asked, (int)s.facts.proof,
           (int)s.facts.pod_is_deleted, (int)s.facts.client_port_accepts, s.facts.is_deadline_over, (int)s.view.live,
           s.facts.leader_moves_tried, (int)s.decision.action, reason_name(s.decision.reason), (unsigned long long)s.decision.target.value);
}

static void say(enum rule rule, bool holds) { rule_says(rule, holds, describe, NULL); }

/* --- the cluster ------------------------------------------------------------------------------------------------------------------------ */
static void add(uint64_t id, bool learner, bool up, bool started)
{
    size_t at = s.view.list.count++;
    struct member *member = &s.view.list.members[at];
    struct endpoint_view *endpoint;

    member->id.value = id;
    member->is_learner = learner;
    member->client_urls.count = started ? 1 : 0;
    s.facts.health.is_healthy[at] = up;
    if (!up)
        return;
    endpoint = &s.view.endpoints[s.view.endpoint_count++];
    endpoint->state = learner ? ENDPOINT_LEARNER : ENDPOINT_SERVING;
    endpoint->cluster.value = CLUSTER;
    endpoint->member.value = id;
    endpoint->raft_index = 5000;
    endpoint->raft_applied_index = s.lags && id != s.facts.leader.value ? 100 : 5000;
}

static void build(void)
{
    s.view.list.count = s.view.endpoint_count = 0;
    memset(&s.facts.health, 0, sizeof s.facts.health);
    s.facts.leader.value = s.leader == LEADER_OURS ? OURS : s.leader == LEADER_FIRST && s.others > 0 ? OURS + 1 : 0;
    s.record.state = s.record_kind == REC_UNREADABLE ? RECORD_UNREADABLE : RECORD_CLUSTER;
    s.record.slot_count = 1;
    s.record.slots[0].id.value = OURS;
    for (unsigned i = 0; i < s.others; i++) {
        add(OURS + 1 + i, is_learner(s.kinds[i]), is_up(s.kinds[i]), is_started(s.kinds[i]));
        if (is_of_our_set(s.kinds[i]))
            s.record.slots[s.record.slot_count++].id.value = OURS + 1 + i;
    }
    if (s.own != OWN_ABSENT)
        add(OURS, s.own == OWN_LEARNER, s.own != OWN_VOTER_DOWN, true);
    for (size_t i = 0; i < s.record.slot_count; i++)
        memcpy(s.record.slots[i].name, (char[]){'p', '-', (char)('0' + i), '\0'}, 4);
    s.set = (struct stateful_set_facts){.answer = API_FOUND, .name = "p", .created = (int64_t)s.record.slot_count};
    s.facts.set = &s.set;
    s.facts.record = s.record_kind == REC_NULL ? NULL : &s.record;
    s.facts.view = &s.view;
}

static bool blind(void)
{
    return s.facts.view == NULL || s.view.live != LIVE_REACHABLE || s.view.cluster.value != CLUSTER || s.facts.ours.value == 0;
}

/* --- the rules, by counting --------------------------------------------------------------------------------------------------------------- */
static bool outside_carries(void)
{
    unsigned voters = 0, up = 0;

    if (blind() || s.record_kind != REC_CLUSTER)
        return false;
    for (unsigned i = 0; i < s.others; i++) {
        if (is_learner(s.kinds[i]) || is_of_our_set(s.kinds[i]))
            continue;
        voters++;
        up += is_up(s.kinds[i]) ? 1 : 0;
    }
    return 2 * up > voters;
}

static bool may_go_on(void)
{
    enum leave_policy policy = s.facts.policy;
    enum leave_asked asked = s.facts.asked;

    if (asked == LEAVE_NOT_ASKED || policy == LEAVE_UNKNOWN || policy == LEAVE_NEVER)
        return false;
    if (asked == LEAVE_ASKED_ORDER)
        return true;
    if (policy == LEAVE_ALWAYS)
        return asked == LEAVE_ASKED_HOOK || s.facts.pod_is_deleted == TRI_YES ||
               (asked == LEAVE_ASKED_SIGNAL && s.facts.client_port_accepts == TRI_NO);
    return policy == LEAVE_PROVEN && (s.facts.proof == PROOF_SEAT_GIVEN_UP || (s.facts.proof == PROOF_PAUSED && outside_carries()));
}

static bool others_keep_quorum(void)
{
    unsigned voters = 0, up = 0;

    for (unsigned i = 0; i < s.others; i++) {
        if (is_learner(s.kinds[i]))
            continue;
        voters++;
        up += is_up(s.kinds[i]) ? 1 : 0;
    }
    return voters > 0 && 2 * up > voters;
}

static bool is_fit(unsigned at)
{
    bool is_caught_up = !s.lags || s.facts.leader.value == OURS + 1 + at || (s.leader == LEADER_OURS && s.own == OWN_VOTER_DOWN);
    return at < s.others && !is_learner(s.kinds[at]) && is_up(s.kinds[at]) && (is_caught_up || s.facts.leader.value == 0);
}

static bool somebody_is_fit(void)
{
    for (unsigned i = 0; i < s.others; i++)
        if (is_fit(i))
            return true;
    return false;
}

static bool is_voter(void) { return s.own == OWN_VOTER || s.own == OWN_VOTER_DOWN; }

static void check(void)
{
    enum leave_action action = s.decision.action;
    bool changes = action == LEAVE_REMOVE || action == LEAVE_MOVE_LEADER || action == LEAVE_GONE;

    if (changes) {
        say(LEAVE_GROUND, may_go_on());
        say(LEAVE_BLIND, !blind());
    }
    if (action == LEAVE_REMOVE || action == LEAVE_GONE)
        say(LEAVE_ITSELF, (action == LEAVE_GONE) == (s.own == OWN_ABSENT) && (action == LEAVE_GONE || s.decision.target.value == OURS));
    if (is_voter() && (action == LEAVE_REMOVE || action == LEAVE_MOVE_LEADER))
        say(LEAVE_QUORUM, others_keep_quorum());
    if (action == LEAVE_REMOVE && is_voter() && s.leader == LEADER_OURS && s.facts.leader_moves_tried < 3)
        say(LEAVE_LEADER_FIRST, !somebody_is_fit());
    if (action == LEAVE_MOVE_LEADER)
        say(LEAVE_LEADER_FIT,
            s.leader == LEADER_OURS && s.decision.target.value > OURS && is_fit((unsigned)(s.decision.target.value - OURS - 1)));
    if (s.facts.is_deadline_over)
        say(LEAVE_ENDS, action != LEAVE_WAIT);
    if (action == LEAVE_WAIT)
        say(I11_WAIT_ENDS, s.decision.again_in_ms > 0);
    if (may_go_on() && !blind() && is_voter() && others_keep_quorum())
        say(LEAVE_LEAVES, action == LEAVE_REMOVE || action == LEAVE_MOVE_LEADER);
    if (may_go_on() && !blind() && s.own == OWN_LEARNER)
        say(LEAVE_LEAVES, action == LEAVE_REMOVE);
    say(ONE_ROW, s.decision.reason != REASON_UNKNOWN && action != LEAVE_ACTION_UNKNOWN && reason_name(s.decision.reason)[0] != '\0');
}

static void visit(void)
{
    struct leave_decision again;

    s.decision = leave_decide(&s.facts);
    rules_states++;
    check();
    again = leave_decide(&s.facts);
    say(SAME_FACTS,
        again.action == s.decision.action && again.reason == s.decision.reason && again.target.value == s.decision.target.value);
}

/* --- the walks ---------------------------------------------------------------------------------------------------------------------------- */
static void each_request(void)
{
    for (int policy = LEAVE_UNKNOWN; policy <= LEAVE_NEVER; policy++)
        for (int asked = LEAVE_NOT_ASKED; asked <= LEAVE_ASKED_ORDER; asked++)
            for (int proof = PROOF_UNKNOWN; proof <= PROOF_PAUSED; proof++)
                for (unsigned rest = 0; rest < 18; rest++) {
                    s.facts.policy = (enum leave_policy)policy;
                    s.facts.asked = (enum leave_asked)asked;
                    s.facts.proof = (enum leave_proof)proof;
                    s.facts.pod_is_deleted = (enum tri)(rest % 3);
                    s.facts.client_port_accepts = (enum tri)(rest / 3 % 3);
                    s.facts.is_deadline_over = rest / 9 == 1;
                    visit();
                }
}

static void order(enum leave_policy policy, enum leave_asked asked, enum leave_proof proof)
{
    s.facts.policy = policy, s.facts.asked = asked, s.facts.proof = proof;
    visit();
}

/* With plain requests: every leader, record, number of moves, and what was looked at. */
static void each_circumstance(void)
{
    for (unsigned rest = 0; rest < LOOKS * 2 * 2; rest++) {
        s.leader = (enum leader)(rest % LEADERS);
        s.record_kind = (enum record)(rest / LEADERS % RECORDS);
        s.lags = rest / LOOKS % 2 == 1;
        s.facts.leader_moves_tried = rest / (LOOKS * 2) == 0 ? 0 : 3;
        build();
        for (int over = 0; over < 2; over++) {
            s.facts.is_deadline_over = over != 0;
            order(LEAVE_ASKED, LEAVE_ASKED_ORDER, PROOF_UNKNOWN);
            order(LEAVE_PROVEN, LEAVE_ASKED_SIGNAL, PROOF_PAUSED);
        }
    }
}

static void each_blindness(void)
{
    static const uint64_t clusters[] = {CLUSTER, OTHER_CLUSTER, 0};

    for (unsigned rest = 0; rest < 4 * 3 * 2 * 2; rest++) {
        s.view.live = (enum live_cluster)(rest % 4);
        s.view.cluster.value = clusters[rest / 4 % 3];
        s.facts.ours.value = rest / 12 % 2 == 0 ? OURS : 0;
        s.facts.view = rest / 24 == 0 ? &s.view : NULL;
        order(LEAVE_ASKED, LEAVE_ASKED_ORDER, PROOF_UNKNOWN);
        order(LEAVE_PROVEN, LEAVE_ASKED_SIGNAL, PROOF_PAUSED);
    }
    s.view.live = LIVE_REACHABLE;
    s.view.cluster.value = CLUSTER;
    s.facts.ours.value = OURS;
    s.facts.view = &s.view;
}

static void each_own(void)
{
    for (int own = OWN_ABSENT; own < OWNS; own++) {
        s.own = (enum own)own;
        s.lags = false;
        each_circumstance();
        s.leader = LEADER_NONE, s.record_kind = REC_CLUSTER, s.facts.leader_moves_tried = 0;
        build();
        each_blindness();
        if (s.others <= 2)
            each_request();
    }
}

static void each_cluster(unsigned from_kind, unsigned most)
{
    each_own();
    if (s.others == most)
        return;
    for (unsigned kind = from_kind; kind < KINDS; kind++) {
        s.kinds[s.others++] = kind;
        each_cluster(kind, most);
        s.others--;
    }
}

void model_leave(bool is_quick)
{
    memset(&s, 0, sizeof s);
    s.facts.ours.value = OURS;
    s.facts.cluster.value = CLUSTER;
    s.view.live = LIVE_REACHABLE;
    s.view.cluster.value = CLUSTER;
    s.record.cluster.value = CLUSTER;
    for (unsigned i = 0; i < OTHERS_MAX; i++)
        snprintf(s.view.list.members[i].name, NAME_BYTES, "pod-%u", i);
    each_cluster(0, is_quick ? 2 : OTHERS_MAX);
}
