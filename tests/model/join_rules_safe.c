#include "join_rules.h"
#include "rules.h"

#include <stdio.h>

void judged_describe(const void *state)
{
    const struct judged *judged = state;
    const struct scene *scene = judged->scene;

    for (unsigned i = 0; i < DIMENSIONS; i++)
        if (scene->at[i] != 0 || i == OTHERS || i == SELF)
            printf("%s=%u ", dimension_name((enum dimension)i), i == OTHERS ? scene->others : scene->at[i]);
    printf("(");
    for (size_t i = 0; i < scene->other_count; i++)
        printf("%s%u", i > 0 ? " " : "", (unsigned)scene->other_kinds[i]);
    printf(")\n  decided: %s, %s, target %llx\n", join_action_name(judged->decision->action), reason_name(judged->decision->reason),
           (unsigned long long)judged->decision->target.value);
}

static void say(const struct scene *scene, const struct join_decision *decision, enum rule rule, bool holds)
{
    struct judged judged = {scene, decision};
    rule_says(rule, holds, judged_describe, &judged);
}

/* --- what is so ----------------------------------------------------------------------------------------------------------------------- */
static bool reads_a_list(const struct scene *scene) { return scene->at[REACH] == REACH_LIST || scene->at[REACH] == REACH_OTHER_LIST; }
static uint64_t list_cluster(const struct scene *scene) { return scene->at[REACH] == REACH_LIST ? OUR_CLUSTER : OTHER_CLUSTER; }
static bool list_speaks_of_our_data(const struct scene *scene)
{
    return scene_has_ids(scene) && reads_a_list(scene) && list_cluster(scene) == scene_wal_cluster(scene);
}

static uint64_t expected_cluster(const struct scene *scene)
{
    if (scene->at[EXPECTED] != E_ANY)
        return scene->at[EXPECTED] == E_OURS ? OUR_CLUSTER : OTHER_CLUSTER;
    if (scene_record_names_cluster(scene))
        return scene->at[RECORD] == R_FOREIGN ? OTHER_CLUSTER : OUR_CLUSTER;
    return 0;
}

bool scene_is_foreign(const struct scene *scene)
{
    uint64_t cluster = scene_wal_cluster(scene);
    uint64_t recorded = !scene_record_names_cluster(scene) ? 0 : scene->at[RECORD] == R_FOREIGN ? OTHER_CLUSTER : OUR_CLUSTER;

    if (scene->at[SLOT] == 1)
        return true;
    if (cluster == 0)
        return false;
    return (scene->at[EXPECTED] != E_ANY && expected_cluster(scene) != cluster) || (recorded != 0 && recorded != cluster) ||
           (scene->at[RECORD] == R_FORGOT_OURS && cluster == OUR_CLUSTER);
}

bool scene_guards_pass(const struct scene *scene)
{
    return scene->at[LIVES] == 0 && scene->at[PLACE] == 0 && (scene->at[POD_REMOVED] == 0 || scene->at[REJOIN] == 1) &&
           scene->at[WAL] != W_UNKNOWN && scene->at[REACH] != REACH_UNKNOWN && scene->at[REACH] != REACH_NOT_LOOKED;
}

static bool changes_list(enum join_action action) { return action == JOIN_ADD || action == JOIN_REMOVE || action == JOIN_UPDATE_URLS; }

static bool starts(enum join_action action) { return action == JOIN_START || action == JOIN_START_JOINING; }

/* Does an etcd elsewhere answer as the member that our WAL names? */
static bool copy_answers(const struct scene *scene)
{
    if (scene->at[WAL] != W_IDS && scene->at[WAL] != W_IDS_FOREIGN)
        return false;
    if (scene->at[REACH] == REACH_NO_QUORUM_COPY)
        return scene->at[WAL] == W_IDS;
    return list_speaks_of_our_data(scene) && scene->at[SELF] != SELF_ABSENT && kind_is_up((enum kind)scene->at[SELF]);
}

/* --- I1 --------------------------------------------------------------------------------------------------------------------------------- */
static void found_or_claim(const struct scene *scene, const struct join_decision *decision)
{
    bool once = scene->at[BOOTSTRAP] == B_ONCE_OURS;
    bool holds_claim = scene->at[RECORD] == R_CLAIMED_OURS && scene->at[NONCE] == N_FRESH;
    bool once_is_free = once && (scene->at[HAS_RECORD] == 1 || scene->at[RECORD] == R_EMPTY || scene->at[RECORD] == R_FORGOT_OURS);
    bool is_empty = scene->at[RECORD] == R_EMPTY || scene->at[RECORD] == R_FORGOT_OURS;

    say(scene, decision, I1_FOUND_ALONE, scene->at[REACH] == REACH_NOBODY && scene->at[STRAY] == STRAY_ABSENT && scene->at[WAL] == W_NONE);
    say(scene, decision, I1_TRACE_NEVER_FOUNDS, scene->at[TRACE] == 0 && scene->at[NONCE] != N_USED && scene->at[NOTES] == 0);
    /* With once: and no record of its own, a record that is somehow read all the same is not asked. */
    say(scene, decision, I1_RECORDED_NEVER_FOUNDS, !scene_record_names_cluster(scene) || scene->at[HAS_RECORD] == 1);
    say(scene, decision, I9_RECORD_UNREADABLE,
        scene->at[HAS_RECORD] == 1 || (scene->at[RECORD] != R_UNREADABLE && scene->at[RECORD] < R_UNKNOWN));
    if (decision->action == JOIN_CLAIM)
        say(scene, decision, I1_CLAIM_EMPTY, is_empty && scene->at[BOOTSTRAP] == B_RECORD);
    else
        say(scene, decision, I1_FOUND_WITH_RIGHT,
            (scene->at[BOOTSTRAP] == B_RECORD && holds_claim) || (once && holds_claim) || once_is_free);
}

static void forget(const struct scene *scene, const struct join_decision *decision)
{
    bool is_claim = scene->at[RECORD] == R_CLAIMED_OTHER || scene->at[RECORD] == R_CLAIMED_OURS;
    uint64_t recorded = scene->at[RECORD] == R_FOREIGN ? OTHER_CLUSTER : OUR_CLUSTER;

    say(scene, decision, I1_FORGET_BY_PERMIT,
        (scene_record_names_cluster(scene) && scene_permits(scene, PERMIT_FORGET, recorded)) ||
            (is_claim && scene->at[PERMIT] == P_FORGET_NONCE));
}

/* --- I2, I3 ----------------------------------------------------------------------------------------------------------------------------- */
static void remove_entry(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);
    uint64_t id = entry < 0 ? 0 : scene_id_at(scene, entry);
    bool in_record = (scene->at[RECORD] == R_OURS && id == SELF_ID) || (scene->at[RECORD] == R_FOREIGN && id == SELF_ID) ||
                     (scene->at[RECORD] == R_OURS_FIRST && id == FIRST_ID);
    bool is_proven = scene->at[GAUGE] == 2 && in_record && scene->at[LOST_DATA] == 0;
    enum kind kind;

    say(scene, decision, I2_REMOVE_OURS, entry >= 0 && decision->target.value == id);
    if (entry < 0)
        return;
    kind = scene_kind_at(scene, entry);
    say(scene, decision, I3_REMOVE_QUORUM, kind_is_learner(kind) || (scene_removal_is_safe(scene, entry) && scene->at[QUORUM_READ] == 0));
    if (scene_has_ids(scene)) { /* a learner under another URL: with our own data in hand, it is ourselves */
        say(scene, decision, I2_STARTED_PROVEN, kind_is_learner(kind) && list_speaks_of_our_data(scene));
        return;
    }
    say(scene, decision, I2_REMOVE_NOT_ALIVE, !kind_is_up(kind));
    if (kind_is_started(kind))
        say(scene, decision, I2_STARTED_PROVEN, is_proven || (scene_permits(scene, PERMIT_REPLACE, id) && scene->at[GAUGE] != 1));
}

/* --- I4 --------------------------------------------------------------------------------------------------------------------------------- */
static void start(const struct scene *scene, const struct join_decision *decision)
{
    bool is_permitted = scene_permits(scene, PERMIT_START, scene_wal_member(scene));
    bool is_listed = list_speaks_of_our_data(scene) && scene_own_entry(scene) >= 0;

    say(scene, decision, I4_REMOVED_DEAD, scene_has_ids(scene) && (!list_speaks_of_our_data(scene) || is_listed));
    say(scene, decision, I4_MARKED_DEAD, scene->at[LEFT] != LEFT_OURS || is_listed);
    say(scene, decision, I4_FOREIGN_DEAD, !scene_is_foreign(scene) || is_permitted);
    say(scene, decision, I4_COPY_DEAD, is_permitted || (!copy_answers(scene) && !(is_listed && scene->at[GAUGE] == 1)));
}

/* --- I5 --------------------------------------------------------------------------------------------------------------------------------- */
static bool may_move_aside(const struct scene *scene)
{
    uint64_t id = scene_wal_member(scene);
    bool is_permitted = id != 0 ? scene_permits(scene, PERMIT_ARCHIVE, id) : scene_permits_slot(scene, PERMIT_ARCHIVE);
    bool is_ours = !scene_is_foreign(scene) || scene_permits(scene, PERMIT_START, id);

    if (!is_ours)
        return is_permitted;
    switch ((enum wal)scene->at[WAL]) {
    case W_IDS:
    case W_IDS_GONE:
    case W_IDS_FOREIGN:
        return list_speaks_of_our_data(scene) && scene_own_entry(scene) < 0 && scene->at[LEFT] == LEFT_OURS && scene->at[REJOIN] != 2 &&
               (scene->at[STALE_DATA] == 0 || is_permitted);
    case W_TORN:
        return is_permitted || scene->at[UNREADABLE_DATA] == 1;
    case W_UNREADABLE:
        return is_permitted;
    case W_REMAINS:
        return reads_a_list(scene);
    case W_NONE:
    case W_UNKNOWN:
    case WALS:
        break;
    }
    return false;
}

static bool somebody_told_the_size(const struct scene *scene)
{
    for (size_t i = 0; i < scene->other_count; i++)
        if (kind_is_up(scene->other_kinds[i]))
            return true;
    return scene->at[SELF] != SELF_ABSENT && kind_is_up((enum kind)scene->at[SELF]);
}

static void set_aside(const struct scene *scene, const struct join_decision *decision)
{
    bool is_short = scene->at[FREE_SPACE] == SPACE_SHORT;

    say(scene, decision, I5_ASIDE_GROUND, may_move_aside(scene));
    if (decision->action == JOIN_DROP)
        say(scene, decision, I5_DROP_BY_PERMIT,
            is_short && (scene_has_ids(scene) ? scene_permits(scene, PERMIT_DROP, scene_wal_member(scene))
                                              : scene_permits_slot(scene, PERMIT_DROP)));
    else if (decision->reason == REASON_ARCHIVE_STALE || decision->reason == REASON_ARCHIVE_REMAINS)
        say(scene, decision, I5_ASIDE_FITS, !is_short || !somebody_told_the_size(scene));
}

static void delete_remains(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);
    bool own_entry = entry >= 0 && scene_id_at(scene, entry) == SELF_ID && !kind_is_started(scene_kind_at(scene, entry)) &&
                     (scene->at[JOIN_RECORD] == J_SELF || scene->at[JOIN_RECORD] == J_SELF_OTHER_CLUSTER);
    bool own_founding = scene->at[NONCE] == N_FRESH || scene->at[NONCE] == N_ANOTHER; /* a nonce of ours that was not used */

    say(scene, decision, I5_DELETE_OWN_REMAINS, scene->at[WAL] == W_REMAINS && (own_entry || own_founding) && !scene_is_foreign(scene));
}

/* --- I6, I8 ----------------------------------------------------------------------------------------------------------------------------- */
static void add(const struct scene *scene, const struct join_decision *decision)
{
    say(scene, decision, I6_ADD_BLANK,
        reads_a_list(scene) && scene_own_entry(scene) == ENTRY_ABSENT && scene->at[WAL] == W_NONE && scene->at[NOTES] == 0 &&
            !scene_is_foreign(scene));
    say(scene, decision, I8_ADD_SPACING, scene->at[SINCE_REMOVAL] != SINCE_JUST);
}

static void start_joining(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);
    bool named = scene->at[JOIN_RECORD] == J_SELF ? list_cluster(scene) == OUR_CLUSTER
                                                  : scene->at[JOIN_RECORD] == J_SELF_OTHER_CLUSTER && list_cluster(scene) == OTHER_CLUSTER;

    say(scene, decision, I6_JOIN_OWN_ENTRY,
        entry >= 0 && reads_a_list(scene) && scene->at[WAL] == W_NONE && named && scene_id_at(scene, entry) == SELF_ID &&
            decision->target.value == SELF_ID && !kind_is_started(scene_kind_at(scene, entry)) && scene_holds_our_url(scene, entry));
}

static void update(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);

    say(scene, decision, I6_UPDATE_VOTER,
        list_speaks_of_our_data(scene) && entry >= 0 && !kind_is_learner(scene_kind_at(scene, entry)) &&
            decision->target.value == scene_wal_member(scene) && !scene_holds_our_url(scene, entry));
}

/* --- I9 --------------------------------------------------------------------------------------------------------------------------------- */
static void doubts(const struct scene *scene, const struct join_decision *decision)
{
    uint64_t wanted = expected_cluster(scene);
    bool mutates = join_action_mutates(decision->action);

    if (!scene_guards_pass(scene))
        say(scene, decision, I9_UNKNOWN_NOTHING, !mutates && !starts(decision->action));
    if (!reads_a_list(scene))
        say(scene, decision, I9_NO_LIST_NO_CHANGE, !changes_list(decision->action) && decision->action != JOIN_MARK_LEFT);
    else if (wanted != 0 && wanted != list_cluster(scene) && !scene_permits(scene, PERMIT_START, scene_wal_member(scene)))
        say(scene, decision, I9_FOREIGN_LIST, !changes_list(decision->action) && decision->action != JOIN_START_JOINING);
    if (scene->at[REACH] == REACH_LIST && scene->at[STRAY] == STRAY_GIVEN && wanted == 0 && scene->at[WAL] == W_NONE)
        say(scene, decision, I9_CLUSTERS_DISAGREE, !changes_list(decision->action) && !starts(decision->action));
    if (list_speaks_of_our_data(scene) && scene_own_entry(scene) < 0 && scene->at[LEFT] != LEFT_OURS && !scene_is_foreign(scene))
        say(scene, decision, I4_MARK_FIRST, !mutates || decision->action == JOIN_MARK_LEFT);
}

void join_rules_safe(const struct scene *scene, const struct join_decision *decision)
{
    doubts(scene, decision);
    switch (decision->action) {
    case JOIN_CLAIM:
    case JOIN_FOUND:
        found_or_claim(scene, decision);
        break;
    case JOIN_FORGET:
        forget(scene, decision);
        break;
    case JOIN_REMOVE:
        remove_entry(scene, decision);
        break;
    case JOIN_START:
        start(scene, decision);
        break;
    case JOIN_ARCHIVE:
    case JOIN_DROP:
        set_aside(scene, decision);
        break;
    case JOIN_DELETE_REMAINS:
        delete_remains(scene, decision);
        break;
    case JOIN_ADD:
        add(scene, decision);
        break;
    case JOIN_START_JOINING:
        start_joining(scene, decision);
        break;
    case JOIN_UPDATE_URLS:
        update(scene, decision);
        break;
    case JOIN_MARK_LEFT:
        say(scene, decision, I4_MARK_FIRST, list_speaks_of_our_data(scene) && scene_own_entry(scene) < 0);
        break;
    case JOIN_UNKNOWN:
    case JOIN_WAIT:
    case JOIN_REFUSE:
    case JOIN_KEEP:
    case JOIN_HOLD_REMOVED:
        break;
    }
}
