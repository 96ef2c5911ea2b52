/* Applying the join decision: the data and the member list. Founding and the set record are in apply_record.c, plans in apply_plan.c. */
#include "usher/member/apply.h"

#include <stdio.h>
#include <string.h>

#include "usher/core/retry_schedule.h"
#include "usher/host/log.h"
#include "usher/host/text_file.h"
#include "usher/member/apply_parts.h"
#include "usher/member/observe.h"

bool apply_notes(struct usher *usher, struct usher_error *err)
{
    const struct settings *settings = usher->settings;

    snprintf(usher->notes.slot, sizeof usher->notes.slot, "%s", settings->join.slot_name);
    if (settings->pod_namespace[0] != '\0')
        snprintf(usher->notes.pod_namespace, sizeof usher->notes.pod_namespace, "%s", settings->pod_namespace);
    if (!usher_file_write(settings->data_dir, &usher->notes, err))
        return usher_error_wrap(err, "cannot keep notes beside the data");
    usher->notes_state = USHER_FILE_READ;
    return true;
}

/* How a membership call ended, in the loop's words. `err` gets etcd's message. */
static enum apply_result judge_answer(struct usher *usher, const struct etcd_answer *answer, const char *what, int64_t *out_again_in_ms,
                                      struct usher_error *err)
{
    enum call_outcome outcome = answer->outcome;

    if (outcome == CALL_OK && cluster_id_differs(answer->cluster, usher->view.cluster))
        outcome = CALL_UNKNOWN; /* another cluster answered: whatever it did, it was not what was decided */
    if (outcome == CALL_OK) {
        usher->attempts = 0;
        *out_again_in_ms = 0;
        return APPLY_DONE;
    }
    usher_error_set(err, "%s: %s", what, answer->message[0] != '\0' ? answer->message : "no answer");
    *out_again_in_ms = retry_delay_ms(retry_class_of(answer), usher->attempts, usher->world->random(usher->world->self));
    usher->attempts++;
    if (outcome == CALL_REFUSED)
        return APPLY_REFUSED;
    return outcome == CALL_NOT_SENT ? APPLY_REFUSED : APPLY_AMBIGUOUS;
}

static enum apply_result failed(int64_t *out_again_in_ms)
{
    *out_again_in_ms = 1000;
    return APPLY_FAILED;
}

static enum apply_result no_voter(int64_t *out_again_in_ms, struct usher_error *err)
{
    usher_error_set(err, "no voter to send the change to answers just now");
    *out_again_in_ms = JOIN_AGAIN_SOON_MS;
    return APPLY_REFUSED;
}

/* etcd takes one learner at a time and does not say which one it has. */
static void say_who_blocks(const struct usher *usher, struct usher_error *err)
{
    char text[LEARNER_TEXT_BYTES];

    usher_describe_learner(usher, text, sizeof text);
    if (text[0] != '\0')
        usher_error_set(err, "member add was not accepted, etcd takes one learner at a time (too many learner members): %s", text);
}

static enum apply_result apply_add(struct usher *usher, int64_t *out_again_in_ms, struct usher_error *err)
{
    const struct world *world = usher->world;
    struct member_id at = {0};
    const char *address = usher_some_voter(usher, (struct member_id){0}, true, &at);
    struct etcd_answer answer = {0};
    enum apply_result result;

    if (address == NULL)
        return no_voter(out_again_in_ms, err);
    if (!usher_file_can_write(usher->settings->data_dir, err)) /* a volume that cannot keep the join record must not add */
        return failed(out_again_in_ms);
    world->add_learner(world->self, address, &usher->settings->join.peer_urls, deadline_in_ms(WRITE_CALL_MS), &answer);
    result = judge_answer(usher, &answer, "member add was not accepted", out_again_in_ms, err);
    if (result == APPLY_REFUSED && answer.refusal == REFUSAL_TOO_MANY_LEARNERS)
        say_who_blocks(usher, err);
    if (result != APPLY_DONE)
        return result;
    usher->counters.adds++;
    usher->added = answer.added;
    usher->notes.join_record.cluster = usher->view.cluster;
    usher->notes.join_record.member = answer.added;
    if (!apply_notes(usher, err)) /* the entry is not ours without it: the next turn removes it (J11) and tries again */
        return failed(out_again_in_ms);
    snprintf(usher->added_at, sizeof usher->added_at, "%s", address);
    if (!apply_record_adopt(usher, usher->view.cluster, answer.added, &usher->view.list, deadline_never(), err))
        log_warn("the set record will be written later: %s", err->text);
    usher_event(usher, false, "LearnerAdded",
                "this pod was added to the cluster as a learner"); /* last: an API that hangs delays no note */
    return APPLY_DONE;
}

static enum apply_result apply_remove(struct usher *usher, struct member_id target, int64_t *out_again_in_ms, struct usher_error *err)
{
    const struct world *world = usher->world;
    struct member_id at = {0};
    const char *address = usher_some_voter(usher, target, true, &at);
    struct etcd_answer answer = {0};
    enum apply_result result;

    if (address == NULL)
        return no_voter(out_again_in_ms, err);
    world->remove(world->self, address, target, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (answer.outcome != CALL_NOT_SENT)
        usher->our_removal_at_ms = world->now_ms(world->self);
    if (answer.outcome == CALL_REFUSED && answer.refusal == REFUSAL_MEMBER_NOT_FOUND)
        answer.outcome = CALL_OK; /* gone already: the next look shows it */
    result = judge_answer(usher, &answer, "member remove was not accepted", out_again_in_ms, err);
    if (result == APPLY_DONE)
        usher->counters.removals++;
    return result;
}

static enum apply_result apply_update_urls(struct usher *usher, struct member_id target, int64_t *out_again_in_ms, struct usher_error *err)
{
    const struct world *world = usher->world;
    struct member_id at = {0};
    const char *address = usher_some_voter(usher, target, true, &at);
    struct etcd_answer answer = {0};
    enum apply_result result;

    if (address == NULL)
        return no_voter(out_again_in_ms, err);
    world->update_peer_urls(world->self, address, target, &usher->settings->join.peer_urls, deadline_in_ms(WRITE_CALL_MS), &answer);
    result = judge_answer(usher, &answer, "member update was not accepted", out_again_in_ms, err);
    if (result == APPLY_DONE)
        usher->counters.url_updates++;
    return result;
}

/* usher.json first: whatever happens next, no note of the old data outlives it as if it were the new one's. */
static bool forget_old_life(struct usher *usher, struct usher_error *err)
{
    usher->notes.nonce[0] = '\0';
    usher->notes.nonce_was_used = false;
    usher->notes.join_record.cluster = (struct cluster_id){0};
    usher->notes.join_record.member = (struct member_id){0};
    usher->notes.was_voter = false;
    return apply_notes(usher, err);
}

static const char *archive_word(enum reason reason)
{
    switch ((int)reason) {
    case REASON_ARCHIVE_STALE:
        return "removed";
    case REASON_ARCHIVE_REMAINS:
        return "remains";
    case REASON_ARCHIVE_UNREADABLE:
        return "unreadable";
    default:
        return "by-permit";
    }
}

static enum apply_result apply_set_aside(struct usher *usher, const struct join_decision *decision, int64_t *out_again_in_ms,
                                         struct usher_error *err)
{
    const struct settings *settings = usher->settings;
    struct plan hold = {.state = PLAN_HOLD, .reason = reason_name(decision->reason), .message = "the old data is being moved aside"};
    char path[PATH_BYTES + 128] = "";
    bool is_done;

    if (!apply_hold(usher, &hold, err))
        return failed(out_again_in_ms);
    /* Remains of our own aborted first start (J6) end no life: the claim's nonce or the join record is what the next try goes on with. */
    if (decision->action != JOIN_DELETE_REMAINS && !forget_old_life(usher, err))
        return failed(out_again_in_ms);
    if (decision->action == JOIN_ARCHIVE)
        is_done = data_dir_archive(settings->data_dir, settings->wal_dir, archive_word(decision->reason), decision->target, path,
                                   sizeof path, err);
    else
        is_done = data_dir_delete_member(settings->data_dir, settings->wal_dir, decision->action == JOIN_DROP, err);
    if (!is_done)
        return failed(out_again_in_ms);
    usher->counters.archives++;
    if (path[0] != '\0') {
        char text[PATH_BYTES + 256];
        snprintf(text, sizeof text, "the old data was moved to %s", path);
        log_line(LOG_LEVEL_WARN, reason_name(decision->reason), "%s", text);
        usher_event(usher, true, "StaleDataArchived", text);
    }
    if (decision->used_permit.kind != PERMIT_UNKNOWN && !apply_drop_permit(usher, &decision->used_permit, err))
        log_warn("the permit stays where it is (harmless, what it names is gone): %s", err->text);
    return APPLY_DONE;
}

static enum apply_result apply_mark_left(struct usher *usher, int64_t *out_again_in_ms, struct usher_error *err)
{
    usher->notes.left.cluster = usher->facts.wal.cluster;
    usher->notes.left.member = usher->facts.wal.member;
    return apply_notes(usher, err) ? APPLY_DONE : failed(out_again_in_ms);
}

enum apply_result apply_join(struct usher *usher, const struct join_decision *decision, int64_t *out_again_in_ms, struct usher_error *err)
{
    enum apply_result result = APPLY_DONE;

    *out_again_in_ms = 0;
    switch (decision->action) {
    case JOIN_ADD:
        return apply_add(usher, out_again_in_ms, err);
    case JOIN_REMOVE:
        result = apply_remove(usher, decision->target, out_again_in_ms, err);
        if (result == APPLY_DONE && decision->used_permit.kind != PERMIT_UNKNOWN && !apply_drop_permit(usher, &decision->used_permit, err))
            log_warn("the permit stays where it is (harmless, what it names is gone): %s", err->text);
        return result;
    case JOIN_UPDATE_URLS:
        return apply_update_urls(usher, decision->target, out_again_in_ms, err);
    case JOIN_MARK_LEFT:
        return apply_mark_left(usher, out_again_in_ms, err);
    case JOIN_ARCHIVE:
    case JOIN_DROP:
    case JOIN_DELETE_REMAINS:
        return apply_set_aside(usher, decision, out_again_in_ms, err);
    case JOIN_CLAIM:
        return apply_claim(usher, err) ? APPLY_DONE : failed(out_again_in_ms);
    case JOIN_FORGET:
        return apply_forget(usher, &decision->used_permit, err) ? APPLY_DONE : failed(out_again_in_ms);
    case JOIN_FOUND:
        return apply_found(usher, decision, err) ? APPLY_DONE : failed(out_again_in_ms);
    case JOIN_START:
    case JOIN_START_JOINING:
        return apply_start(usher, decision, err) ? APPLY_DONE : failed(out_again_in_ms);
    case JOIN_HOLD_REMOVED:
    case JOIN_REFUSE:
    case JOIN_WAIT:
        return apply_plan(usher, decision, err) ? APPLY_DONE : failed(out_again_in_ms);
    case JOIN_KEEP:
    case JOIN_UNKNOWN:
        break;
    }
    return APPLY_DONE;
}

bool apply_take_back(struct usher *usher, struct deadline deadline, struct usher_error *err)
{
    const struct world *world = usher->world;
    const struct member *ours;
    struct etcd_answer answer = {0};
    struct member_id at = {0};
    const char *address;

    if (!member_id_is_known(usher->added))
        return true;
    observe_cluster(usher, deadline);
    if (usher->view.live != LIVE_REACHABLE)
        return usher_error_set(err, "the cluster cannot be read; the next start of this pod finds its own entry");
    ours = member_list_find(&usher->view.list, usher->added);
    if (ours == NULL)
        return true;
    if (member_is_started(ours) || !ours->is_learner)
        return usher_error_set(err, "our entry has started meanwhile; it stays");
    address = usher_some_voter(usher, usher->added, true, &at);
    if (address == NULL)
        return usher_error_set(err, "no voter answers");
    world->remove(world->self, address, usher->added, deadline, &answer);
    return answer.outcome == CALL_OK || usher_error_set(err, "%s", answer.message);
}
