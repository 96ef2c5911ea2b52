#include "usher/member/sidecar.h"

#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/plan.h"

enum { TURN_MS = 1000, TURN_DOWN_MS = 500, TURN_LEAVING_MS = 50 };
/* An etcd that was started a moment ago, or died a moment ago, is watched closely. */
enum { KNOCK_EVERY_MS = 25, TURN_COMING_UP_MS = 50, COMING_UP_MS = 60 * 1000 };

void sidecar_init(struct sidecar *sidecar, const struct settings *settings, const struct world *world,
                  const struct record_store *store_or_null, const struct leave_door *door)
{
    memset(sidecar, 0, sizeof *sidecar);
    usher_init(&sidecar->usher, settings, world, store_or_null);
    sidecar->door = *door;
    sidecar->started_at_ms = world->now_ms(world->self);
    sidecar->turned_at_ms = sidecar->port_accepted_at_ms = sidecar->quorum_read_at_ms = sidecar->list_read_at_ms = -1;
    sidecar->etcd_expected_since_ms = sidecar->stopping_since_ms = sidecar->leaving_since_ms = sidecar->learner_since_ms = -1;
    sidecar->proof_read_at_ms = sidecar->peers_asked_at_ms = -1;
    sidecar->leave_limit_ms = settings->leave_timeout_ms;
    sidecar->record_again_at_ms = 0;
    sidecar->is_recorded = store_or_null == NULL;
}

void sidecar_note(struct sidecar *sidecar, const char *action, enum reason reason, const char *text)
{
    sidecar->last_reason = reason;
    snprintf(sidecar->last_action, sizeof sidecar->last_action, "%s", action);
    snprintf(sidecar->last_text, sizeof sidecar->last_text, "%s", text[0] != '\0' ? text : reason_sentence(reason));
}

void sidecar_say(struct sidecar *sidecar, const char *action, enum reason reason, const char *text)
{
    bool is_new = sidecar->last_reason != reason || strcmp(sidecar->last_action, action) != 0;

    sidecar_note(sidecar, action, reason, text);
    if (is_new)
        log_line(LOG_LEVEL_INFO, reason_name(reason), "%s: %s", action, sidecar->last_text);
}

/* While etcd is down: join again if it was never started; else it comes back by itself, on its data. */
static void turn_without_etcd(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    struct join_turn joined = {0};
    struct usher_error err = {0};

    sidecar->start_is_settled = false;
    sidecar->again_in_ms = TURN_DOWN_MS;
    if (sidecar->has_left || (sidecar->was_removed && usher->settings->join.rejoin != REJOIN_ALWAYS))
        return;
    if (usher->facts.wal.state == WAL_IDS && sidecar->plan == PLAN_START && !sidecar->was_removed)
        return;
    if (!join_turn(usher, &joined, &err)) {
        sidecar_say(sidecar, "failed", joined.decision.reason, err.text);
        return;
    }
    sidecar_note(sidecar, join_action_name(joined.decision.action), joined.decision.reason, usher->message);
    if (joined.is_finished && joined.decision.action != JOIN_HOLD_REMOVED && joined.decision.action != JOIN_KEEP)
        sidecar->was_removed = false;
    /* A founding that waits for etcd's container: its port is tried meanwhile, and an API server is not asked twice a second. */
    if (joined.is_finished && joined.decision.action == JOIN_FOUND && usher->record_store.keep_ms > 0) {
        sidecar->again_in_ms = usher->record_store.keep_ms;
        return;
    }
    sidecar->again_in_ms = joined.again_in_ms > 0 ? joined.again_in_ms : joined.is_finished || joined.is_refused ? TURN_DOWN_MS : 1;
}

static void read_plan(struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;
    enum plan_state state = PLAN_UNKNOWN;
    bool is_new = false;

    sidecar->plan = plan_read(usher->settings, &state, &is_new) == PLAN_FILE_READ ? state : PLAN_UNKNOWN;
    if (sidecar->plan != PLAN_START)
        sidecar->etcd_expected_since_ms = -1;
    else if (sidecar->etcd_expected_since_ms < 0)
        sidecar->etcd_expected_since_ms = usher->world->now_ms(usher->world->self);
}

/* It should run, and does not answer yet, or not any more: for a minute this is worth a closer look. */
static bool is_coming_up(const struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;
    int64_t since_ms = sidecar->etcd_expected_since_ms;

    if (sidecar->own.port_accepts == TRI_NO && sidecar->port_accepted_at_ms > since_ms)
        since_ms = sidecar->port_accepted_at_ms;
    return sidecar->plan == PLAN_START && !sidecar->own.answered && !sidecar->is_stopping &&
           usher->world->now_ms(usher->world->self) - since_ms < COMING_UP_MS;
}

static void turn(struct sidecar *sidecar, enum leave_asked how)
{
    sidecar->again_in_ms = TURN_MS;
    read_plan(sidecar);
    sidecar_observe(sidecar, how != LEAVE_NOT_ASKED);
    if (sidecar->usher.view.live == LIVE_UNKNOWN) { /* interrupted: nothing was learnt */
        sidecar->again_in_ms = 1;
        return;
    }
    if (sidecar->own.port_accepts == TRI_NO && sidecar->usher.facts.etcd_lives_here != TRI_YES && how == LEAVE_NOT_ASKED)
        turn_without_etcd(sidecar);
    sidecar_keep(sidecar);
    if ((sidecar->own.port_accepts == TRI_YES || sidecar->membership == MEMBERSHIP_LEARNER) && sidecar->membership != MEMBERSHIP_NONE &&
        how == LEAVE_NOT_ASKED)
        sidecar_promote(sidecar);
    if (how == LEAVE_NOT_ASKED) {
        sidecar_promote_orphan(sidecar);
        sidecar_report_blocker(sidecar);
        sidecar_remove_ghost(sidecar);
        sidecar_remove_dead(sidecar);
        sidecar_ask_for_peers(sidecar);
    }
    read_plan(sidecar);
    if (is_coming_up(sidecar) && sidecar->own.port_accepts != TRI_NO && sidecar->again_in_ms > TURN_COMING_UP_MS)
        sidecar->again_in_ms = TURN_COMING_UP_MS;
}

/* After a stop signal the sidecar keeps serving until etcd's client port is closed, or the deadline: as a plain container it gets SIGTERM at
 * the moment when etcd's hook starts. */
static bool may_end(const struct sidecar *sidecar, bool is_answered)
{
    const struct usher *usher = &sidecar->usher;
    int64_t now_ms = usher->world->now_ms(usher->world->self);

    if (!sidecar->is_stopping)
        return false;
    if (now_ms - sidecar->stopping_since_ms >= sidecar->leave_limit_ms)
        return true;
    return is_answered && sidecar->own.port_accepts == TRI_NO;
}

static enum leave_asked who_asks(struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;
    enum leave_asked how = LEAVE_NOT_ASKED;

    if (!sidecar->is_stopping && usher->world->is_stopping(usher->world->self)) {
        sidecar->is_stopping = true;
        sidecar->stopping_since_ms = usher->world->now_ms(usher->world->self);
        sidecar->seeds_again_at_ms = 0;
        log_info("told to stop; serving until etcd's client port closes, %lld s at most", (long long)(sidecar->leave_limit_ms / 1000));
    }
    if (!sidecar->door.is_asked(sidecar->door.self, &how) && sidecar->is_stopping)
        how = LEAVE_ASKED_SIGNAL;
    if (how != LEAVE_NOT_ASKED && sidecar->leaving_since_ms < 0) {
        sidecar->leaving_since_ms = usher->world->now_ms(usher->world->self);
        if (how != LEAVE_ASKED_SIGNAL) /* a record that could not be read is read once more for who asks */
            sidecar->seeds_again_at_ms = 0;
    }
    return how;
}

/* Between turns. While etcd's port is closed, it alone is tried, so that etcd is seen at once and nobody else is asked. */
static void wait_for_turn(const struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    struct deadline next_turn = deadline_in_ms(sidecar->again_in_ms);
    bool knocks = is_coming_up(sidecar) && sidecar->own.port_accepts == TRI_NO;

    while (!world->wait(world->self, knocks ? deadline_earlier(next_turn, deadline_in_ms(KNOCK_EVERY_MS)) : next_turn)) {
        if (deadline_left_ms(next_turn) == 0)
            return;
        if (knocks && world->port_accepts(world->self, sidecar->usher.settings->local_endpoint, next_turn) == TRI_YES)
            return;
    }
}

enum usher_exit sidecar_run(struct sidecar *sidecar, struct usher_error *err)
{
    const struct world *world = sidecar->usher.world;

    (void)err;
    /* Alive, and nothing known yet: the first look may take its whole time, and no probe shall wait for it. */
    sidecar->turned_at_ms = sidecar->started_at_ms;
    sidecar->publish(sidecar->publish_self, sidecar);
    for (;;) {
        bool is_answered;
        enum leave_asked how;
        sidecar->take_poke(sidecar->take_poke_self);
        how = who_asks(sidecar);
        turn(sidecar, how);
        is_answered = sidecar_leave(sidecar, how);
        sidecar->turned_at_ms = world->now_ms(world->self);
        sidecar->publish(sidecar->publish_self, sidecar);
        if (may_end(sidecar, is_answered))
            return USHER_EXIT_DONE;
        if (how != LEAVE_NOT_ASKED && (sidecar->again_in_ms > TURN_LEAVING_MS))
            sidecar->again_in_ms = TURN_LEAVING_MS;
        wait_for_turn(sidecar);
    }
}
