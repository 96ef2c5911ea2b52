/* A voter's care for seats of its own set that were given up without their member leaving. While all members of our set answer, the API is asked
 * nothing, and they are asked for their status a few times in --ghost-after. */
#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/observe.h"
#include "usher/member/sidecar.h"

enum { STATUS_MS = 1000, API_MS = 1000, ROUNDS_IN_AFTER = 10, ROUND_LEAST_MS = 5000, ROUND_MOST_MS = 30 * 1000, GAUGES_MS = 10 * 1000 };

static bool may_care(const struct sidecar *sidecar)
{
    const struct usher *usher = &sidecar->usher;

    return usher->world->read_set != NULL && sidecar->membership == MEMBERSHIP_VOTER && sidecar->own.answered && sidecar->own.has_quorum &&
           !sidecar->is_stopping && !sidecar->other_cluster_is_recorded && usher->record.state == RECORD_CLUSTER &&
           cluster_id_equals(usher->record.cluster, sidecar->cluster) && cluster_id_equals(usher->view.cluster, sidecar->cluster);
}

/* True: some member that the record gives to our set answers nobody. One that never started has no address to be asked at. */
static bool find_down(const struct sidecar *sidecar, struct ghost_facts *facts)
{
    const struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    const struct member_list *list = &usher->view.list;
    const char *addresses[MEMBERS_MAX];
    struct etcd_status statuses[MEMBERS_MAX];
    bool known[MEMBERS_MAX] = {false}, some_down = false;
    size_t index_of[MEMBERS_MAX], count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct member *member = &list->members[i];
        if (member_id_equals(member->id, sidecar->id) || !set_record_has_id(&usher->record, member->id))
            continue;
        facts->is_down[i] = true;
        addresses[count] = usher_address_of(usher, member->id);
        index_of[count] = i;
        count += addresses[count] != NULL ? 1 : 0;
    }
    if (count > 0)
        world->statuses(world->self, addresses, count, deadline_in_ms(STATUS_MS), statuses, known);
    for (size_t k = 0; k < count; k++)
        facts->is_down[index_of[k]] = !known[k] || !member_id_equals(statuses[k].member, list->members[index_of[k]].id);
    for (size_t i = 0; i < list->count; i++)
        some_down |= facts->is_down[i];
    return some_down;
}

/* Our pod, its set, and the pod of the seat that was given up. An answer that is missing proves nothing. */
static struct member_id ask_api(struct sidecar *sidecar, struct ghost_facts *facts)
{
    const struct world *world = sidecar->usher.world;
    struct usher_error err = {0};
    struct pod_facts pod = {0};
    const char *slot = NULL;
    struct member_id target;

    world->read_pod(world->self, NULL, deadline_in_ms(API_MS), &facts->own_pod, &err);
    if (facts->own_pod.answer == API_FOUND && facts->own_pod.set_name[0] != '\0')
        world->read_set(world->self, facts->own_pod.set_name, deadline_in_ms(API_MS), &facts->set, &err);
    if (facts->own_pod.answer == API_UNKNOWN || facts->set.answer == API_UNKNOWN) {
        log_debug("asking the Kubernetes API about seats that were given up: %s", err.text);
        return sidecar->ghost.target; /* not known: the time goes on for a while, and nothing is done */
    }
    target = ghost_choose(facts, &slot);
    if (!member_id_is_known(target))
        return target;
    world->read_pod(world->self, slot, deadline_in_ms(API_MS), &pod, &err);
    facts->pod = pod.answer;
    snprintf(sidecar->ghost_slot, sizeof sidecar->ghost_slot, "%s", slot);
    return target;
}

static struct ghost_decision look(struct sidecar *sidecar, enum gauge_verdict gauge, struct member_id *out_target)
{
    struct usher *usher = &sidecar->usher;
    struct ghost_facts facts = {.view = &usher->view,
                                .record = &usher->record,
                                .ours = sidecar->id,
                                .our_uid = usher->settings->pod_uid,
                                .gauge = gauge,
                                .now_ms = usher->world->now_ms(usher->world->self)};

    *out_target = find_down(sidecar, &facts) ? ask_api(sidecar, &facts) : (struct member_id){0};
    if (gauge == GAUGE_DOWN)
        observe_health(usher, &facts.health);
    return ghost_decide(&sidecar->ghost, *out_target, &facts, usher->settings->ghost_after_ms);
}

static void say(struct sidecar *sidecar, const struct ghost_decision *decision)
{
    if (sidecar->ghost_said == decision->reason)
        return;
    sidecar->ghost_said = decision->reason;
    if (decision->reason != REASON_UNKNOWN)
        log_line(LOG_LEVEL_INFO, reason_name(decision->reason), "%s: %s", sidecar->ghost_slot, reason_sentence(decision->reason));
}

static void remove_ghost(struct sidecar *sidecar, struct member_id target)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    struct etcd_answer answer = {0};
    char hex[ID_TEXT_BYTES], text[NAME_BYTES + 128];

    world->remove(world->self, usher->settings->local_endpoint, target, deadline_in_ms(WRITE_CALL_MS), &answer);
    id_to_hex(target.value, hex);
    if (answer.outcome != CALL_OK) {
        log_line(LOG_LEVEL_INFO, reason_name(REASON_GHOST_REMOVE), "member remove of %s: %s", hex, answer.message);
        return;
    }
    sidecar->ghost = (struct ghost_watch){0}; /* one at a time: the next one's time begins now */
    usher->counters.removals++;
    snprintf(text, sizeof text, "member %s was removed: its seat %.200s was given up, and its pod is gone", hex, sidecar->ghost_slot);
    log_line(LOG_LEVEL_WARN, reason_name(REASON_GHOST_REMOVE), "%s", text);
    usher_event(usher, true, "GhostRemoved", text);
}

/* Anew; one that cannot be read leaves what was known, for all others who look at it. */
static bool read_record(struct usher *usher)
{
    usher->edited = usher->record;
    observe_record(usher);
    if (usher->record.state != RECORD_UNREADABLE)
        return true;
    usher->record = usher->edited;
    return false;
}

/* Due: everybody is looked at while the gauges are read, twice; then everything is asked once more, the record too, right before the removal. */
static void read_gauges(struct sidecar *sidecar, int64_t now_ms)
{
    struct usher *usher = &sidecar->usher;
    struct member_id target = sidecar->ghost.target;
    enum gauge_verdict gauge = gauge_watch_read(&sidecar->ghost_gauge, usher->world, &usher->view, target, deadline_in_ms(GAUGE_READ_MS));
    struct ghost_decision decision;

    sidecar->ghost_is_due = gauge == GAUGE_UNKNOWN && now_ms - sidecar->ghost.seen_ms < GAUGES_MS;
    if (gauge == GAUGE_CONNECTED)
        sidecar->ghost = (struct ghost_watch){0};
    if (gauge != GAUGE_DOWN)
        return;
    sidecar_observe(sidecar, false); /* 4.4: the list is read right before, too */
    if (!read_record(usher) || !may_care(sidecar))
        return;
    decision = look(sidecar, gauge, &target);
    say(sidecar, &decision);
    if (decision.action == GHOST_REMOVE)
        remove_ghost(sidecar, target);
}

static int64_t round_ms(const struct sidecar *sidecar)
{
    int64_t part_ms = sidecar->usher.settings->ghost_after_ms / ROUNDS_IN_AFTER;

    return part_ms < ROUND_LEAST_MS ? ROUND_LEAST_MS : part_ms > ROUND_MOST_MS ? ROUND_MOST_MS : part_ms;
}

void sidecar_remove_ghost(struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    int64_t now_ms = world->now_ms(world->self);
    struct ghost_decision decision;
    struct member_id target;

    if (!may_care(sidecar)) {
        sidecar->ghost_is_due = false;
        return;
    }
    if (sidecar->ghost_is_due) {
        read_gauges(sidecar, now_ms);
        return;
    }
    if (sidecar->ghost_again_at_ms > now_ms)
        return;
    sidecar->ghost_again_at_ms = now_ms + round_ms(sidecar);
    decision = look(sidecar, GAUGE_UNKNOWN, &target);
    say(sidecar, &decision);
    sidecar->ghost_is_due = decision.action == GHOST_READ_GAUGES;
    if (sidecar->ghost_is_due)
        gauge_watch_reset(&sidecar->ghost_gauge);
}
