/* Leaving: one evaluation a turn while somebody asks, until it is answered. */
#include <stdio.h>
#include <string.h>

#include "usher/core/leave_proof.h"
#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/observe.h"
#include "usher/member/plan.h"
#include "usher/member/sidecar.h"

/* Each new text once: an evaluation turns many times a second. */
static void say_progress(struct sidecar *sidecar, const char *text)
{
    if (strncmp(sidecar->last_progress, text, sizeof sidecar->last_progress - 1) == 0)
        return;
    snprintf(sidecar->last_progress, sizeof sidecar->last_progress, "%s", text);
    sidecar->door.say(sidecar->door.self, text);
    log_line(LOG_LEVEL_INFO, reason_name(sidecar->last_leave.reason), "leaving: %s", text);
}

static void fill_preferences(const char *text, struct leave_facts *facts)
{
    while (*text != '\0' && facts->preference_count < LEADER_PREFERENCES_MAX) {
        size_t length = strcspn(text, ",");
        if (length > 0 && length < NAME_BYTES) {
            memcpy(facts->preferences[facts->preference_count], text, length);
            facts->preferences[facts->preference_count++][length] = '\0';
        }
        text += length + (text[length] == ',' ? 1 : 0);
    }
}

static bool is_deadline_over(const struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    return world->now_ms(world->self) - sidecar->leaving_since_ms >= sidecar->leave_limit_ms;
}

static void fill_facts(struct sidecar *sidecar, enum leave_asked how, struct leave_facts *facts)
{
    struct usher *usher = &sidecar->usher;

    facts->policy = usher->settings->leave;
    facts->asked = how;
    facts->client_port_accepts = sidecar->own.port_accepts;
    if (facts->policy == LEAVE_PROVEN || (facts->policy == LEAVE_ALWAYS && how != LEAVE_ASKED_HOOK))
        if (how != LEAVE_ASKED_ORDER)
            sidecar_read_proof(sidecar, how);
    facts->proof = leave_prove(&sidecar->pod, &sidecar->set, usher->settings->pod_uid);
    facts->pod_is_deleted = leave_pod_is_deleted(&sidecar->pod, usher->settings->pod_uid);
    facts->set = &sidecar->set;
    facts->ordinal = sidecar->pod.ordinal;
    facts->peer_urls = &usher->settings->join.peer_urls;
    facts->is_deadline_over = is_deadline_over(sidecar);
    facts->view = &usher->view;
    facts->ours = sidecar->id;
    facts->cluster = sidecar->cluster;
    facts->record = &usher->record;
    facts->leader_moves_tried = sidecar->leader_moves_tried;
    facts->list_age_ms = usher->world->now_ms(usher->world->self) - sidecar->list_read_at_ms;
    facts->was_last_voter = sidecar->is_last_voter;
    for (size_t i = 0; i < usher->view.endpoint_count; i++)
        if (usher->view.endpoints[i].state == ENDPOINT_SERVING && cluster_id_equals(usher->view.endpoints[i].cluster, sidecar->cluster) &&
            member_id_is_known(usher->view.endpoints[i].leader))
            facts->leader = usher->view.endpoints[i].leader;
    fill_preferences(usher->settings->leader_preference, facts);
}

/* Others are asked for their health only when the answer hangs on it: a STAY is quick. */
static bool needs_health(const struct leave_facts *facts)
{
    bool waits_for_port;
    return facts->proof == PROOF_PAUSED || leave_objection(facts, &waits_for_port) == REASON_UNKNOWN;
}

static void move_leader(struct sidecar *sidecar, struct member_id to)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    struct etcd_answer answer = {0};

    sidecar->leader_moves_tried++;
    world->move_leader(world->self, usher->settings->local_endpoint, to, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (answer.outcome == CALL_OK) {
        usher->counters.leader_moves++;
        usher_event(usher, false, "LeaderMoved", "the leadership was handed on before this member leaves");
    } else {
        log_warn("the leadership was not moved: %s", answer.message);
    }
}

/* Through another member, while our own etcd still runs: of two voters there is no second chance. */
static void remove_ourselves(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    struct member_id at = {0};
    const char *address = usher_some_voter(usher, sidecar->id, true, &at);
    struct etcd_answer answer = {0};

    if (address == NULL) {
        log_warn("no other voter answers just now; trying again");
        return;
    }
    sidecar->removal_was_asked = true;
    world->remove(world->self, address, sidecar->id, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (answer.outcome == CALL_OK)
        usher->counters.removals++;
    else
        say_progress(sidecar, answer.message);
}

static enum usher_exit stay_exit(enum leave_asked how, const struct leave_facts *facts, enum reason reason)
{
    if (how != LEAVE_ASKED_ORDER)
        return USHER_EXIT_DONE; /* a hook must not fail because the member keeps its seat */
    if (reason == REASON_LEAVE_NO_QUORUM || reason == REASON_LEAVE_QUORUM)
        return facts->is_deadline_over ? USHER_EXIT_TIMEOUT : USHER_EXIT_FAILED;
    return USHER_EXIT_REFUSED;
}

static void finish(struct sidecar *sidecar, enum usher_exit exit, enum reason reason, bool is_final)
{
    struct usher_counters *counters = &sidecar->usher.counters;
    char text[1024];

    if (is_final)
        counters->leaves_done++;
    else if (exit == USHER_EXIT_DONE || exit == USHER_EXIT_REFUSED)
        counters->leaves_stayed++;
    else
        counters->leaves_failed++;
    snprintf(text, sizeof text, "%s%s%s", reason_sentence(reason),
             exit == USHER_EXIT_DONE ? "" : ". Next: ", exit == USHER_EXIT_DONE ? "" : reason_remedy(reason));
    sidecar->door.done(sidecar->door.self, exit, reason, text, is_final);
    sidecar->leaving_since_ms = -1;
    sidecar->leader_moves_tried = 0;
    sidecar->last_progress[0] = '\0';
}

/* Events come last: whoever asked does not wait for them. */
static bool finish_gone(struct sidecar *sidecar)
{
    finish(sidecar, USHER_EXIT_DONE, REASON_LEFT, true);
    if (!sidecar->leaving_was_told)
        usher_event(&sidecar->usher, false, "Left", "this member left the cluster; its data directory is marked");
    sidecar->leaving_was_told = true;
    return true;
}

/* A sidecar that was told to stop comes here many times a second. */
static bool finish_stay(struct sidecar *sidecar, enum leave_asked how, const struct leave_facts *facts)
{
    enum reason reason = sidecar->last_leave.reason;

    if (sidecar->stayed_for != reason)
        sidecar_say(sidecar, "stay", reason, "");
    finish(sidecar, stay_exit(how, facts, reason), reason, false);
    if (sidecar->stayed_for != reason)
        usher_event(&sidecar->usher, false, "Stayed", reason_sentence(reason));
    sidecar->stayed_for = reason;
    return true;
}

bool sidecar_leave(struct sidecar *sidecar, enum leave_asked how)
{
    struct leave_facts facts = {0};
    struct usher *usher = &sidecar->usher;

    if (how == LEAVE_NOT_ASKED) {
        sidecar->leaving_since_ms = -1;
        return true;
    }
    if (sidecar->leaving_since_ms < 0)
        sidecar->leaving_since_ms = usher->world->now_ms(usher->world->self);
    if (sidecar->has_left || sidecar->was_removed)
        return finish_gone(sidecar);
    if (!leave_can_be_judged(usher->view.live, is_deadline_over(sidecar)))
        return false;
    fill_facts(sidecar, how, &facts);
    if (needs_health(&facts))
        observe_health(usher, &facts.health);
    sidecar->last_leave = leave_decide(&facts);
    if (sidecar->last_leave.action != LEAVE_STAY)
        sidecar->stayed_for = REASON_UNKNOWN;
    switch (sidecar->last_leave.action) {
    case LEAVE_STAY:
        return finish_stay(sidecar, how, &facts);
    case LEAVE_GONE:
        return finish_gone(sidecar);
    case LEAVE_MOVE_LEADER:
        sidecar_say(sidecar, "move-leader", sidecar->last_leave.reason, "");
        say_progress(sidecar, reason_sentence(sidecar->last_leave.reason));
        move_leader(sidecar, sidecar->last_leave.target);
        return false;
    case LEAVE_REMOVE:
        sidecar_say(sidecar, "remove", sidecar->last_leave.reason, "");
        if (!sidecar->removal_was_asked)
            say_progress(sidecar, reason_sentence(sidecar->last_leave.reason));
        remove_ourselves(sidecar);
        return false;
    case LEAVE_WAIT:
        sidecar_say(sidecar, "wait", sidecar->last_leave.reason, "");
        say_progress(sidecar, reason_sentence(sidecar->last_leave.reason));
        return false;
    case LEAVE_ACTION_UNKNOWN:
        break;
    }
    return false;
}
