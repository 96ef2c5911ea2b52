/* The quorum rule over every list of up to seven members, against plain counting; and who counts as healthy. */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "usher/core/quorum.h"

enum { LIST_MAX = 7, MEMBER_KINDS = 4, UP = 1, LEARNER = 2 };

static struct cluster_view view;
static struct quorum_health health;
static enum quorum_verdict verdict;
static enum quorum_change change;
static uint64_t target;

static void describe(const void *state)
{
    (void)state;
    for (size_t i = 0; i < view.list.count; i++)
        printf("%s%s ", view.list.members[i].is_learner ? "learner" : "voter", health.is_healthy[i] ? "+" : "-");
    printf("\n  change %d, target %llx, live %d: verdict %d\n", (int)change, (unsigned long long)target, (int)view.live, (int)verdict);
}

static bool is_majority(unsigned healthy, unsigned voters) { return 2 * healthy > voters; }

/* What the change leaves, counted member by member. */
static enum quorum_verdict counted(unsigned members, unsigned code)
{
    unsigned voters = 0, healthy = 0, found = 0, own_kind = 0;

    for (unsigned i = 0; i < members; i++) {
        unsigned kind = (code >> (2 * i)) & 3;
        bool is_target = target == i + 1;
        bool counts = !(kind & LEARNER);
        found |= is_target ? 1 : 0;
        own_kind = is_target ? kind : own_kind;
        if (is_target && change == QUORUM_REMOVE)
            counts = false;
        if (is_target && change == QUORUM_PROMOTE)
            counts = true;
        voters += counts ? 1 : 0;
        healthy += counts && (kind & UP) ? 1 : 0;
    }
    if (change == QUORUM_ADD_LEARNER)
        return QUORUM_ALLOWED;
    if (change == QUORUM_ADD_VOTER)
        return is_majority(healthy, voters + 1) ? QUORUM_ALLOWED : QUORUM_TOO_FEW_LEFT;
    if (!found)
        return QUORUM_NO_SUCH_MEMBER;
    if (change == QUORUM_REMOVE && (own_kind & LEARNER))
        return QUORUM_ALLOWED;
    if (change == QUORUM_REMOVE && voters == 0)
        return QUORUM_LAST_VOTER;
    return is_majority(healthy, voters) ? QUORUM_ALLOWED : QUORUM_TOO_FEW_LEFT;
}

static void judge(unsigned members, unsigned code)
{
    static const enum quorum_change changes[] = {QUORUM_ADD_LEARNER, QUORUM_ADD_VOTER, QUORUM_REMOVE, QUORUM_PROMOTE};

    for (size_t c = 0; c < sizeof changes / sizeof changes[0]; c++) {
        change = changes[c];
        for (target = 0; target <= members + 1; target++) {
            verdict = quorum_judge(&view, &health, change, (struct member_id){target});
            rules_states++;
            rule_says(QUORUM_ARITHMETIC, verdict == counted(members, code), describe, NULL);
        }
    }
}

static void judge_unknown(void)
{
    target = 1;
    for (int live = LIVE_UNKNOWN; live <= LIVE_REACHABLE; live++) {
        for (int c = QUORUM_CHANGE_UNKNOWN; c <= QUORUM_PROMOTE; c++) {
            if (live == LIVE_REACHABLE && c != QUORUM_CHANGE_UNKNOWN)
                continue;
            view.live = (enum live_cluster)live;
            change = (enum quorum_change)c;
            verdict = quorum_judge(&view, &health, change, (struct member_id){target});
            rules_states++;
            rule_says(QUORUM_UNKNOWN_NEVER, verdict == QUORUM_UNKNOWN, describe, NULL);
        }
    }
    view.live = LIVE_REACHABLE;
}

static void list_of(unsigned members, unsigned code)
{
    view.list.count = members;
    for (unsigned i = 0; i < members; i++) {
        view.list.members[i].id.value = i + 1;
        view.list.members[i].is_learner = ((code >> (2 * i)) & LEARNER) != 0;
        health.is_healthy[i] = ((code >> (2 * i)) & UP) != 0;
    }
}

/* Two members, two endpoints: every state, every identity, every cluster. */
static void who_is_healthy(void)
{
    struct quorum_health seen;

    list_of(2, 0);
    view.cluster.value = 0xc1;
    view.endpoint_count = 2;
    view.endpoints[1].member.value = 2;
    view.endpoints[1].cluster.value = 0xc1;
    view.endpoints[1].state = ENDPOINT_UNREACHABLE;
    for (int state = ENDPOINT_UNKNOWN; state <= ENDPOINT_REFUSES; state++) {
        for (uint64_t id = 0; id <= 3; id++) {
            for (uint64_t cluster = 0xc1; cluster <= 0xc2; cluster++) {
                bool counts = (state == ENDPOINT_SERVING || state == ENDPOINT_LEARNER) && cluster == 0xc1;
                view.endpoints[0].state = (enum endpoint_state)state;
                view.endpoints[0].member.value = id;
                view.endpoints[0].cluster.value = cluster;
                quorum_health_from_view(&view, &seen);
                rules_states++;
                rule_says(QUORUM_HEALTH, seen.is_healthy[0] == (counts && id == 1), describe, NULL);
                rule_says(QUORUM_HEALTH, seen.is_healthy[1] == (counts && id == 2), describe, NULL);
            }
        }
    }
}

void model_quorum(bool is_quick)
{
    unsigned most = is_quick ? 4 : LIST_MAX;

    view.live = LIVE_REACHABLE;
    for (unsigned members = 0; members <= most; members++) {
        for (unsigned code = 0; code < 1u << (2 * members); code++) {
            list_of(members, code);
            judge(members, code);
            if (members <= 2)
                judge_unknown();
        }
    }
    who_is_healthy();
}
