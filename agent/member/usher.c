#include "usher/member/usher.h"

#include <stdio.h>

void usher_init(struct usher *usher, const struct settings *settings, const struct world *world, const struct record_store *store_or_null)
{
    *usher = (struct usher){.settings = settings, .world = world};
    if (store_or_null != NULL)
        usher->record_store = *store_or_null;
    usher->record.state = store_or_null == NULL ? RECORD_NOT_CONFIGURED : RECORD_UNKNOWN;
    gauge_watch_reset(&usher->gauge);
    usher->start_by = deadline_never();
    usher->record_read_at_ms = -1;
    usher->looking_since_ms = usher->our_removal_at_ms = usher->last_wait_line_ms = -1;
}

void usher_event(const struct usher *usher, bool is_warning, const char *reason, const char *message)
{
    if (usher->world->event != NULL)
        usher->world->event(usher->world->self, is_warning, reason, message);
}

void usher_watch_learner(struct usher *usher, struct member_id ours)
{
    const struct member *learner;

    if (usher->view.live != LIVE_REACHABLE)
        return; /* not seen is not gone */
    learner = member_list_find_learner(&usher->view.list, ours);
    if (learner == NULL) {
        usher->other_learner = (struct learner_watch){0};
        return;
    }
    if (!member_id_equals(learner->id, usher->other_learner.id))
        usher->other_learner = (struct learner_watch){.id = learner->id, .since_ms = usher->world->now_ms(usher->world->self)};
    usher->other_learner.is_started = member_is_started(learner);
}

static const char *name_of(const struct usher *usher, const struct member *member)
{
    for (size_t i = 0; usher->record.state == RECORD_CLUSTER && i < usher->record.slot_count; i++)
        if (member_id_equals(usher->record.slots[i].id, member->id))
            return usher->record.slots[i].name;
    return member->name[0] != '\0' ? member->name : "no name yet";
}

void usher_describe_learner(const struct usher *usher, char *out, size_t out_bytes)
{
    const struct learner_watch *watch = &usher->other_learner;
    const struct member *learner = member_list_find(&usher->view.list, watch->id);
    char hex[ID_TEXT_BYTES];

    out[0] = '\0';
    if (!member_id_is_known(watch->id) || learner == NULL)
        return;
    id_to_hex(watch->id.value, hex);
    snprintf(out, out_bytes, "learner %s (%.100s, %.200s) %s, seen for %lld s", hex, name_of(usher, learner),
             learner->peer_urls.count > 0 ? learner->peer_urls.url[0] : "no URL",
             watch->is_started ? "is not promoted yet" : "was added but never started",
             (long long)((usher->world->now_ms(usher->world->self) - watch->since_ms) / 1000));
}

const char *usher_address_of(const struct usher *usher, struct member_id id)
{
    const struct endpoint_view *endpoint = cluster_view_who_answers_as(&usher->view, usher->view.cluster, id);
    const struct member *member;

    if (endpoint != NULL)
        return endpoint->address;
    member = member_list_find(&usher->view.list, id);
    return member != NULL && member->client_urls.count > 0 ? member->client_urls.url[0] : NULL;
}

const char *usher_some_voter(const struct usher *usher, struct member_id except, bool prefers_leader, struct member_id *out_id)
{
    const struct endpoint_view *chosen = NULL;

    for (size_t i = 0; i < usher->view.endpoint_count; i++) {
        const struct endpoint_view *endpoint = &usher->view.endpoints[i];
        if (endpoint->state != ENDPOINT_SERVING || !cluster_id_equals(endpoint->cluster, usher->view.cluster) ||
            member_id_equals(endpoint->member, except))
            continue;
        if (chosen == NULL || (prefers_leader && member_id_equals(endpoint->member, endpoint->leader)))
            chosen = endpoint;
    }
    if (chosen == NULL)
        return NULL;
    *out_id = chosen->member;
    return chosen->address;
}
