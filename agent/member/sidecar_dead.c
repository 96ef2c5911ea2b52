#include <stdio.h>
#include <string.h>

#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/dead_care.h"
#include "usher/member/observe.h"

enum { STATUS_MS = 1000, ROUNDS_IN_AFTER = 10, ROUND_LEAST_MS = 5000, ROUND_MOST_MS = 30 * 1000, GAUGES_MS = 10 * 1000 };

bool dead_find_down(const struct sidecar *sidecar, bool only_recorded, bool out_is_down[MEMBERS_MAX])
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
        out_is_down[i] = !member_id_equals(member->id, sidecar->id) && (!only_recorded || set_record_has_id(&usher->record, member->id));
        if (!out_is_down[i])
            continue;
        addresses[count] = usher_address_of(usher, member->id);
        index_of[count] = i;
        count += addresses[count] != NULL ? 1 : 0;
    }
    if (count > 0)
        world->statuses(world->self, addresses, count, deadline_in_ms(STATUS_MS), statuses, known);
    for (size_t k = 0; k < count; k++)
        out_is_down[index_of[k]] = !known[k] || !member_id_equals(statuses[k].member, list->members[index_of[k]].id);
    for (size_t i = 0; i < list->count; i++)
        some_down |= out_is_down[i];
    return some_down;
}

static void say(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind, const struct dead_decision *decision)
{
    char name[NAME_BYTES];

    if (care->said == decision->reason)
        return;
    care->said = decision->reason;
    if (decision->reason == REASON_UNKNOWN)
        return;
    kind->name(sidecar, care->watch.target, name);
    log_line(LOG_LEVEL_INFO, reason_name(decision->reason), "%s: %s", name, reason_sentence(decision->reason));
}

static void tell_removed(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind, struct member_id id,
                         const char *name)
{
    char hex[ID_TEXT_BYTES], text[NAME_BYTES + 256];

    care->asked = (struct member_id){0};
    sidecar->usher.counters.removals++;
    id_to_hex(id.value, hex);
    snprintf(text, sizeof text, "member %s (%.200s) was removed: %s", hex, name, kind->why);
    log_line(LOG_LEVEL_WARN, reason_name(kind->remove), "%s", text);
    usher_event(&sidecar->usher, true, kind->event, text);
}

static void remove_dead(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind, struct member_id target)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    struct etcd_answer answer = {0};
    char hex[ID_TEXT_BYTES], name[NAME_BYTES];

    kind->name(sidecar, target, name);
    id_to_hex(target.value, hex);
    world->remove(world->self, usher->settings->local_endpoint, target, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (answer.outcome != CALL_OK) {
        log_line(LOG_LEVEL_INFO, reason_name(kind->remove), "member remove of %s: %s", hex, answer.message);
        if (answer.outcome == CALL_UNKNOWN) {
            care->asked = target;
            memcpy(care->asked_name, name, sizeof name);
        }
        return;
    }
    care->watch = (struct dead_watch){0}; /* one at a time: the next one's time begins now */
    tell_removed(sidecar, care, kind, target, name);
}

/* Due: everybody is looked at while the gauges are read, twice; then everything is asked once more, right before the removal. */
static void read_gauges(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind, int64_t now_ms)
{
    struct usher *usher = &sidecar->usher;
    struct member_id asked = care->watch.target, target = asked; /* the gauges are about `asked` alone */
    bool is_second = gauge_is_second(&care->gauge, asked, now_ms);
    enum gauge_verdict gauge = gauge_watch_read(&care->gauge, usher->world, &usher->view, asked, deadline_in_ms(GAUGE_READ_MS));
    struct dead_decision decision;

    if (gauge == GAUGE_CONNECTED && !is_second && kind->silence_outweighs)
        gauge = GAUGE_UNKNOWN;
    care->is_due = gauge == GAUGE_UNKNOWN && now_ms - care->watch.seen_ms < GAUGES_MS;
    if (gauge == GAUGE_CONNECTED)
        care->watch = (struct dead_watch){0};
    if (gauge != GAUGE_DOWN)
        return;
    sidecar_observe(sidecar, false); /* 4.4: the list is read right before, too */
    if (!kind->read_again(sidecar) || !kind->may_care(sidecar))
        return;
    decision = kind->look(sidecar, gauge, &target);
    say(sidecar, care, kind, &decision);
    if (decision.action == DEAD_REMOVE && member_id_equals(target, asked))
        remove_dead(sidecar, care, kind, target);
}

static int64_t round_ms(int64_t after_ms)
{
    int64_t part_ms = after_ms / ROUNDS_IN_AFTER;

    return part_ms < ROUND_LEAST_MS ? ROUND_LEAST_MS : part_ms > ROUND_MOST_MS ? ROUND_MOST_MS : part_ms;
}

void dead_care(struct sidecar *sidecar, struct dead_care *care, const struct dead_kind *kind)
{
    const struct world *world = sidecar->usher.world;
    int64_t now_ms = world->now_ms(world->self);
    struct dead_decision decision;
    struct member_id target;

    if (!kind->may_care(sidecar)) {
        care->is_due = false;
        return;
    }
    if (member_id_is_known(care->asked) && member_list_find(&sidecar->usher.view.list, care->asked) == NULL)
        tell_removed(sidecar, care, kind, care->asked, care->asked_name);
    if (care->is_due) {
        read_gauges(sidecar, care, kind, now_ms);
        return;
    }
    if (care->again_at_ms > now_ms)
        return;
    care->again_at_ms = now_ms + round_ms(kind->after_ms);
    decision = kind->look(sidecar, GAUGE_UNKNOWN, &target);
    say(sidecar, care, kind, &decision);
    care->is_due = decision.action == DEAD_READ_GAUGES;
    if (care->is_due)
        gauge_watch_reset(&care->gauge);
}
