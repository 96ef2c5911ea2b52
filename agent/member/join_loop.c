#include "usher/member/join_loop.h"

#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/message.h"
#include "usher/member/observe.h"
#include "usher/member/plan.h"

enum { WAIT_LINE_EVERY_MS = 10 * 1000, TAKE_BACK_MS = 3000 };

static void write_message(struct usher *usher, const struct join_decision *decision)
{
    struct message_details details = {
        .wal_problem = usher->wal_problem.text,
        .place_detail = usher->facts.data_place == PLACE_GOOD ? "" : usher->place_detail,
        .record_problem = usher->record_problem.text,
        .notes_problem = usher->notes_problem.text,
        .set_record = usher->settings->set_record,
        .data_dir = usher->settings->data_dir,
        .pod_namespace = usher->settings->pod_namespace,
    };

    message_for_join(&usher->facts, decision, &details, usher->message, sizeof usher->message);
}

/* What was seen, for `etcd-usher explain`: once a decision. Best effort: nothing else hangs on it. */
static void save_facts(struct usher *usher, const struct join_decision *decision)
{
    struct usher_error err = {0};

    if (usher->facts_saved_for == decision->reason || decision->action == JOIN_KEEP) /* etcd lives: nothing was looked at */
        return;
    usher->facts_saved_for = decision->reason;
    if (!plan_save_facts(usher->settings, &usher->facts, &err))
        log_warn("ignoring: %s", err.text);
}

/* J3 and J14 look for ten seconds: the clock runs from the first of an unbroken row of such looks. */
static void keep_looking_clock(struct usher *usher, const struct join_decision *decision)
{
    bool is_looking = decision->reason == REASON_COPY_CONNECTED_WAIT || decision->reason == REASON_LOST_UNPROVEN_WAIT ||
                      decision->reason == REASON_COPY_CONNECTED || decision->reason == REASON_LOST_UNPROVEN;

    if (!is_looking) {
        usher->looking_since_ms = -1;
        usher->looking_reason = REASON_UNKNOWN;
    } else if (usher->looking_since_ms < 0) {
        usher->looking_since_ms = usher->world->now_ms(usher->world->self);
        usher->looking_reason = decision->reason;
    }
}

/* Each decision once: while etcd's container is not there yet, a sidecar decides the same twice a second. */
static void say_decision(struct usher *usher, const struct join_decision *decision)
{
    enum log_level level = decision->action == JOIN_REFUSE ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;

    if (usher->last_said == decision->reason)
        return;
    usher->last_said = decision->reason;
    log_line(level, reason_name(decision->reason), "%s: %s", join_action_name(decision->action), usher->message);
    if (decision->action == JOIN_REFUSE)
        usher_event(usher, true, "JoinRefused", usher->message);
}

/* A new wait is said at once, a lasting one every ten seconds with its age. */
static void say_wait(struct usher *usher, enum reason reason, const char *text)
{
    int64_t now_ms = usher->world->now_ms(usher->world->self);

    usher->counters.waits++;
    usher->last_said = REASON_UNKNOWN;
    if (usher->waiting_for != reason) {
        usher->waiting_for = reason;
        usher->waiting_since_ms = now_ms;
    } else if (now_ms - usher->last_wait_line_ms < WAIT_LINE_EVERY_MS) {
        return;
    }
    usher->last_wait_line_ms = now_ms;
    log_line(LOG_LEVEL_INFO, reason_name(reason), "waiting for %lld s: %s", (long long)((now_ms - usher->waiting_since_ms) / 1000), text);
}

/* A call that did not go through is what is waited for, and what a time-out has to say. */
static void say_unsettled(struct usher *usher, enum reason reason, const struct usher_error *err)
{
    enum reason last_said = usher->last_said;

    snprintf(usher->message, sizeof usher->message, "%.2000s", err->text);
    say_wait(usher, reason, usher->message);
    usher->last_said = last_said; /* the same decision again is no news */
}

static bool settle_call(struct usher *usher, enum apply_result result, const struct join_decision *decision, const struct usher_error *err)
{
    if (result == APPLY_FAILED) {
        say_unsettled(usher, decision->reason, err);
        return false;
    }
    if (result == APPLY_REFUSED || result == APPLY_AMBIGUOUS)
        say_unsettled(usher, result == APPLY_AMBIGUOUS ? REASON_CALL_AMBIGUOUS : decision->reason, err);
    return true;
}

bool join_turn(struct usher *usher, struct join_turn *out_turn, struct usher_error *err)
{
    struct join_turn turn = {0};
    enum apply_result result;
    bool is_wait, is_step;

    observe_join(usher);
    turn.decision = join_decide(&usher->facts);
    keep_looking_clock(usher, &turn.decision);
    write_message(usher, &turn.decision);
    is_step = join_action_mutates(turn.decision.action) && turn.decision.action != JOIN_FOUND;
    if (!is_step)
        save_facts(usher, &turn.decision);
    is_wait = turn.decision.action == JOIN_WAIT;
    usher->is_held = is_wait || turn.decision.action == JOIN_REFUSE || turn.decision.action == JOIN_HOLD_REMOVED;
    if (!is_wait)
        say_decision(usher, &turn.decision);
    else
        say_wait(usher, turn.decision.reason, usher->message);
    result = apply_join(usher, &turn.decision, &turn.again_in_ms, err);
    if (is_step && result != APPLY_DONE)
        save_facts(usher, &turn.decision); /* of a step that went well the next decision tells */
    if (!settle_call(usher, result, &turn.decision, err))
        return false;
    if (!is_wait && result == APPLY_DONE)
        usher->waiting_for = REASON_UNKNOWN;
    turn.is_refused = turn.decision.action == JOIN_REFUSE;
    turn.is_finished = result == APPLY_DONE && (turn.decision.action == JOIN_START || turn.decision.action == JOIN_START_JOINING ||
                                                turn.decision.action == JOIN_FOUND || turn.decision.action == JOIN_KEEP ||
                                                turn.decision.action == JOIN_HOLD_REMOVED);
    if (is_wait)
        turn.again_in_ms = turn.decision.again_in_ms;
    *out_turn = turn;
    return true;
}

static enum usher_exit stopped(struct usher *usher, struct usher_error *err)
{
    struct usher_error problem = {0};

    if (!apply_take_back(usher, deadline_in_ms(TAKE_BACK_MS), &problem))
        log_warn("our own entry was not taken back: %s", problem.text);
    usher_error_set(err, "asked to stop before etcd could start; nothing of this start is left in the member list unless said above");
    return USHER_EXIT_FAILED;
}

enum usher_exit join_run(struct usher *usher, struct deadline deadline, struct usher_error *err)
{
    const struct world *world = usher->world;

    for (;;) {
        struct join_turn turn = {0};
        if (!join_turn(usher, &turn, err))
            turn.again_in_ms = 1000;
        else if (turn.is_finished)
            return USHER_EXIT_DONE;
        else if (turn.is_refused) {
            usher_error_set(err, "%s", usher->message);
            return USHER_EXIT_REFUSED;
        }
        if (world->is_stopping(world->self))
            return stopped(usher, err);
        if (deadline_is_over(deadline)) {
            usher_error_set(err, "timed out waiting: %s", usher->message);
            return USHER_EXIT_TIMEOUT;
        }
        if (turn.again_in_ms > 0)
            world->wait(world->self, deadline_earlier(deadline, deadline_in_ms(turn.again_in_ms)));
        if (world->is_stopping(world->self))
            return stopped(usher, err);
    }
}
