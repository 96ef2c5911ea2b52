#include "join_rules.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

static void say(const struct scene *scene, const struct join_decision *decision, enum rule rule, bool holds)
{
    struct judged judged = {scene, decision};
    rule_says(rule, holds, judged_describe, &judged);
}

/* Nothing in the scene speaks of another cluster than ours. */
static bool one_cluster(const struct scene *scene)
{
    return scene->at[STRAY] == STRAY_ABSENT && scene->at[RECORD] != R_FOREIGN && scene->at[RECORD] != R_FORGOT_OURS &&
           scene->at[EXPECTED] != E_OTHER && scene->at[WAL] != W_IDS_FOREIGN;
}

static void expects(const struct scene *scene, const struct join_decision *decision, enum rule rule, enum join_action action)
{
    say(scene, decision, rule, decision->action == action);
}

/* An empty directory beside a list of our cluster. */
static void without_data(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);
    bool is_safe = entry >= 0 && scene_removal_is_safe(scene, entry) && scene->at[QUORUM_READ] == 0;
    bool is_named, in_record;

    if (entry == ENTRY_ABSENT && scene->at[NOTES] == 0 && scene->at[SINCE_REMOVAL] != SINCE_JUST)
        expects(scene, decision, I11_JOINS, JOIN_ADD);
    if (entry < 0)
        return;
    is_named = scene_id_at(scene, entry) == SELF_ID && scene->at[JOIN_RECORD] == J_SELF && scene_holds_our_url(scene, entry);
    in_record = scene->at[RECORD] == (scene_id_at(scene, entry) == SELF_ID ? R_OURS : R_OURS_FIRST);
    if (!kind_is_started(scene_kind_at(scene, entry))) {
        if (is_named)
            expects(scene, decision, I11_JOINING_STARTS, JOIN_START_JOINING);
        else if (is_safe)
            expects(scene, decision, I11_UNSTARTED_REPLACED, JOIN_REMOVE);
    } else if (!kind_is_up(scene_kind_at(scene, entry)) && scene->at[GAUGE] == 2 && in_record && scene->at[LOST_DATA] == 0 && is_safe) {
        expects(scene, decision, I11_LOST_REPLACED, JOIN_REMOVE);
    }
}

/* Data with ids of our cluster, beside its list. */
static void with_data(const struct scene *scene, const struct join_decision *decision)
{
    int entry = scene_own_entry(scene);

    if (entry >= 0) {
        if (!kind_is_up(scene_kind_at(scene, entry)) && scene->at[GAUGE] != 1 && scene_holds_our_url(scene, entry) &&
            scene->at[SECOND] == 0)
            expects(scene, decision, I11_LISTED_STARTS, JOIN_START);
        return;
    }
    if (scene->at[LEFT] != LEFT_OURS)
        expects(scene, decision, I4_MARK_FIRST, JOIN_MARK_LEFT);
    else if (scene->at[REJOIN] == 2)
        expects(scene, decision, I11_REJOIN_NEVER, JOIN_HOLD_REMOVED);
    else if (scene->at[STALE_DATA] == 0 && scene->at[FREE_SPACE] != SPACE_SHORT)
        expects(scene, decision, I11_STALE_ASIDE, JOIN_ARCHIVE);
}

/* I10: an outage must heal whatever the record says, and whatever a remembered address or, with a recorded or expected cluster, a given
 * one answers. */
static void outage(const struct scene *scene, const struct join_decision *decision)
{
    bool is_anchored = scene->at[EXPECTED] == E_OURS || (scene->at[RECORD] >= R_OURS && scene->at[RECORD] <= R_OURS_NO_SLOT);
    bool stray_may_refuse = scene->at[STRAY] == STRAY_GIVEN && !is_anchored;
    bool is_copied = scene->at[WAL] == W_IDS && scene->at[REACH] == REACH_NO_QUORUM_COPY;

    if (scene->at[LEFT] == LEFT_OURS || stray_may_refuse || is_copied)
        return;
    expects(scene, decision, I10_DATA_STARTS, JOIN_START);
}

static void founding(const struct scene *scene, const struct join_decision *decision)
{
    bool is_blank = scene->at[NOTES] == 0 && scene->at[TRACE] == 0 && scene->at[BOOTSTRAP] == B_RECORD && scene->at[EXPECTED] == E_ANY &&
                    scene->at[STRAY] == STRAY_ABSENT && scene->at[REACH] == REACH_NOBODY;

    if (is_blank && scene->at[RECORD] == R_EMPTY && scene->at[NONCE] != N_USED)
        expects(scene, decision, I1_FOUNDS, JOIN_CLAIM);
    else if (is_blank && scene->at[RECORD] == R_CLAIMED_OURS && scene->at[NONCE] == N_FRESH)
        expects(scene, decision, I1_FOUNDS, JOIN_FOUND);
}

/* One action a reason; written down here a second time, so that a row that changes its action is seen. */
static enum join_action action_of(enum reason reason)
{
    switch ((int)reason) {
    case REASON_ETCD_LIVES:
        return JOIN_KEEP;
    case REASON_POD_WAS_REMOVED:
    case REASON_REJOIN_NEVER:
        return JOIN_HOLD_REMOVED;
    case REASON_DATA_DIR_MISSING:
    case REASON_DATA_DIR_NOT_MOUNTED:
    case REASON_WAL_ELSEWHERE:
    case REASON_FOREIGN_CLUSTER:
    case REASON_FOREIGN_SLOT:
    case REASON_FORGOTTEN_CLUSTER:
    case REASON_CLUSTERS_DISAGREE:
    case REASON_COPY_LIVES:
    case REASON_COPY_CONNECTED:
    case REASON_URL_HELD_BY_OTHER:
    case REASON_STALE_REFUSED:
    case REASON_NO_SPACE_TO_ARCHIVE:
    case REASON_DATA_UNREADABLE:
    case REASON_DATA_TORN:
    case REASON_LIVE_TWIN:
    case REASON_LOST_UNPROVEN:
    case REASON_LOST_REFUSED:
    case REASON_TWO_ENTRIES:
        return JOIN_REFUSE;
    case REASON_START_UNSEEN:
    case REASON_START_LISTED:
        return JOIN_START;
    case REASON_UPDATE_URLS:
        return JOIN_UPDATE_URLS;
    case REASON_LEARNER_URLS_CHANGED:
    case REASON_REPLACE_UNSTARTED:
    case REASON_REPLACE_LOST:
        return JOIN_REMOVE;
    case REASON_MARK_LEFT:
        return JOIN_MARK_LEFT;
    case REASON_ARCHIVE_STALE:
    case REASON_ARCHIVE_UNREADABLE:
    case REASON_ARCHIVE_REMAINS:
    case REASON_ARCHIVE_BY_PERMIT:
        return JOIN_ARCHIVE;
    case REASON_DROP_BY_PERMIT:
        return JOIN_DROP;
    case REASON_DELETE_OWN_REMAINS:
        return JOIN_DELETE_REMAINS;
    case REASON_START_JOINING:
        return JOIN_START_JOINING;
    case REASON_ADD_LEARNER:
        return JOIN_ADD;
    case REASON_CLAIM:
        return JOIN_CLAIM;
    case REASON_FOUND:
        return JOIN_FOUND;
    case REASON_FORGET:
        return JOIN_FORGET;
    default:
        return JOIN_WAIT;
    }
}

void join_rules_live(const struct scene *scene, const struct join_decision *decision)
{
    bool is_wait = decision->action == JOIN_WAIT;
    bool list_is_read = scene->at[REACH] == REACH_LIST || scene->at[REACH] == REACH_OTHER_LIST;

    say(scene, decision, ONE_ROW, decision->reason != REASON_UNKNOWN && decision->action == action_of(decision->reason));
    say(scene, decision, I11_WAIT_ENDS, is_wait ? decision->again_in_ms > 0 && decision->again_in_ms <= 2000 : decision->again_in_ms == 0);
    if (!scene_guards_pass(scene) || scene_is_foreign(scene) || scene_permits(scene, PERMIT_START, scene_wal_member(scene)))
        return;
    if (scene_has_ids(scene) && scene->at[WAL] != W_IDS_FOREIGN && !list_is_read)
        outage(scene, decision);
    if (!one_cluster(scene))
        return;
    if (scene_has_ids(scene)) {
        if (scene->at[REACH] == REACH_LIST)
            with_data(scene, decision);
    } else if (scene->at[WAL] == W_NONE) {
        if (scene->at[REACH] == REACH_LIST)
            without_data(scene, decision);
        else
            founding(scene, decision);
    }
}

bool join_decisions_equal(const struct join_decision *a, const struct join_decision *b)
{
    return a->action == b->action && a->reason == b->reason && a->target.value == b->target.value && a->cluster.value == b->cluster.value &&
           a->again_in_ms == b->again_in_ms && a->used_permit.kind == b->used_permit.kind && a->used_permit.id == b->used_permit.id &&
           a->would_help.kind == b->would_help.kind && a->would_help.id == b->would_help.id &&
           strcmp(a->would_help.name, b->would_help.name) == 0;
}

void join_rules_permit_helps(struct scene *scene, const struct join_decision *decision)
{
    const struct permit *help = &decision->would_help;
    struct permit_list *list = &scene->facts.file_permits;
    size_t count = list->count;
    struct join_decision again;
    char hex[ID_TEXT_BYTES], line[PERMIT_NAME_BYTES + 32];

    if (help->kind == PERMIT_UNKNOWN)
        return;
    id_to_hex(help->id, hex);
    snprintf(line, sizeof line, "%s=%s", permit_word(help->kind), help->id != 0 ? hex : help->name);
    permit_list_parse(list, line, PERMIT_FROM_FILE);
    again = join_decide(&scene->facts);
    say(scene, decision, I11_PERMIT_HELPS, list->count == count + 1 && again.reason != decision->reason);
    list->count = count;
    list->has_bad_entry = false;
}
