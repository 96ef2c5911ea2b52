#include "usher/member/usher.h"

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
