/* I11 and I8: from each scene, decisions are applied one after another to the scene itself, and everything is looked at again in between, as
 * the loop does. The first two calls that change something end in every way a call can; then the faults stop. It has to come to rest (start,
 * found, keep, hold, refuse, or wait for something that is not its own doing) within a few turns. Safety is judged at each step. */
#include "join_rules.h"
#include "rules.h"

#include <string.h>

enum { TURNS_MAX = 12, CALLS = 2 };
enum outcome { DONE, REFUSED, UNKNOWN_APPLIED, UNKNOWN_LOST, OUTCOMES };

static struct scene scene;

/* The parts that a walk may change. */
static const enum dimension moving[] = {SELF, SELF_URL, WAL, RECORD, PERMIT, LOOKED, LEFT, JOIN_RECORD, NONCE, TRACE, SINCE_REMOVAL};
enum { MOVING = sizeof moving / sizeof moving[0] };

static void save(unsigned char out_at[MOVING])
{
    for (unsigned i = 0; i < MOVING; i++)
        out_at[i] = scene.at[moving[i]];
}

static void restore(const unsigned char at[MOVING])
{
    for (unsigned i = 0; i < MOVING; i++)
        if (scene.at[moving[i]] != at[i])
            scene_set(&scene, moving[i], at[i]);
}

static bool is_call(enum join_action action)
{
    return action == JOIN_ADD || action == JOIN_REMOVE || action == JOIN_UPDATE_URLS || action == JOIN_CLAIM || action == JOIN_FORGET;
}

static void empty_the_directory(void)
{
    scene_set(&scene, WAL, W_NONE);
    scene_set(&scene, LEFT, LEFT_NONE);
    scene_set(&scene, JOIN_RECORD, J_NONE);
    scene_set(&scene, NONCE, N_NONE);
    scene_set(&scene, TRACE, 1);
}

/* What a call leaves when it was applied; `answered`: we know about it. */
static void apply_call(enum join_action action, bool answered)
{
    switch ((int)action) {
    case JOIN_ADD:
        scene_set(&scene, SELF_URL, URL_OURS);
        scene_set(&scene, SELF, LEARNER_UNSTARTED);
        if (answered)
            scene_set(&scene, JOIN_RECORD, J_SELF);
        break;
    case JOIN_REMOVE:
        scene_set(&scene, SELF, SELF_ABSENT);
        scene_set(&scene, SINCE_REMOVAL, SINCE_JUST);
        break;
    case JOIN_UPDATE_URLS:
        scene_set(&scene, SELF_URL, URL_OURS);
        break;
    case JOIN_CLAIM:
        scene_set(&scene, NONCE, N_FRESH);
        scene_set(&scene, RECORD, R_CLAIMED_OURS);
        break;
    case JOIN_FORGET:
        scene_set(&scene, PERMIT, P_NONE);
        scene_set(&scene, RECORD, scene.at[RECORD] >= R_OURS && scene.at[RECORD] != R_FOREIGN ? R_FORGOT_OURS : R_EMPTY);
        break;
    default:
        break;
    }
}

/* False when the decision comes to rest. */
static bool apply(const struct join_decision *decision, enum outcome outcome)
{
    if (is_call(decision->action)) {
        if (outcome == DONE || outcome == UNKNOWN_APPLIED)
            apply_call(decision->action, outcome == DONE);
        return true;
    }
    switch ((int)decision->action) {
    case JOIN_MARK_LEFT:
        scene_set(&scene, LEFT, LEFT_OURS);
        return true;
    case JOIN_ARCHIVE:
    case JOIN_DROP:
    case JOIN_DELETE_REMAINS:
        empty_the_directory();
        return true;
    case JOIN_WAIT:
        if (decision->reason == REASON_REMOVAL_SPACING)
            scene_set(&scene, SINCE_REMOVAL, SINCE_LONG);
        else if (decision->reason == REASON_COPY_CONNECTED_WAIT || decision->reason == REASON_LOST_UNPROVEN_WAIT)
            scene_set(&scene, LOOKED, 1);
        else
            return false;
        return true;
    default:
        return false;
    }
}

/* Walks once; returns how many calls were made. */
static unsigned follow(const enum outcome outcomes[CALLS])
{
    struct join_decision decision = {0};
    struct judged judged = {&scene, &decision};
    unsigned calls = 0, turns = 0;
    bool goes_on = true;

    for (; goes_on && turns < TURNS_MAX; turns++) {
        scene_settle(&scene);
        decision = join_decide(&scene.facts);
        rules_states++;
        join_rules_safe(&scene, &decision);
        goes_on = apply(&decision, calls < CALLS ? outcomes[calls] : DONE);
        calls += is_call(decision.action) ? 1 : 0;
    }
    rule_says(I11_CONVERGES, !goes_on, judged_describe, &judged);
    return calls;
}

/* Outcomes of calls that are never made are not tried again. */
static void every_outcome(void)
{
    unsigned char at[MOVING];
    enum outcome outcomes[CALLS] = {DONE, DONE};
    unsigned calls;

    save(at);
    calls = follow(outcomes);
    for (unsigned n = 1; n < (calls == 0 ? 1u : calls == 1 ? 4u : 16u); n++) {
        restore(at);
        outcomes[0] = (enum outcome)(n % OUTCOMES);
        outcomes[1] = (enum outcome)(n / OUTCOMES);
        follow(outcomes);
    }
    restore(at);
}

static void every_circumstance(void)
{
    static const enum wal wals[] = {W_NONE, W_IDS, W_IDS_GONE, W_REMAINS, W_TORN, W_UNREADABLE};
    static const enum record records[] = {R_EMPTY, R_CLAIMED_OURS, R_CLAIMED_OTHER, R_OURS, R_OURS_GONE, R_FOREIGN, R_UNREADABLE};
    static const enum permit_choice permits[] = {P_NONE, P_REPLACE_SELF, P_ARCHIVE_SELF, P_FORGET_OURS, P_START_SELF};

    for (unsigned w = 0; w < sizeof wals / sizeof wals[0]; w++)
        for (unsigned r = 0; r < sizeof records / sizeof records[0]; r++)
            for (unsigned rest = 0; rest < 5 * 3 * 2 * 2; rest++) {
                scene_set(&scene, WAL, wals[w]);
                scene_set(&scene, RECORD, records[r]);
                scene_set(&scene, PERMIT, permits[rest % 5]);
                scene_set(&scene, GAUGE, rest / 5 % 3);
                scene_set(&scene, JOIN_RECORD, rest / 15 % 2);
                scene_set(&scene, NONCE, rest / 30);
                every_outcome();
            }
}

void model_converge(bool is_quick)
{
    static const enum reach reaches[] = {REACH_LIST, REACH_NOBODY, REACH_NO_QUORUM};
    unsigned clusters;

    scene_init(&scene);
    clusters = others_count(is_quick ? 1 : 2);
    for (unsigned reach = 0; reach < 3; reach++)
        for (unsigned others = 0; others < (reaches[reach] == REACH_LIST ? clusters : 1); others++)
            for (unsigned self = 0; self < (reaches[reach] == REACH_LIST ? (unsigned)SELVES : 1u); self++)
                for (unsigned url = 0; url < 4; url += 2) {
                    scene_set(&scene, REACH, reaches[reach]);
                    scene_set(&scene, OTHERS, others);
                    scene_set(&scene, SELF, self);
                    scene_set(&scene, SELF_URL, url);
                    every_circumstance();
                }
}
