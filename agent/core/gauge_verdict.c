#include "usher/core/gauge_verdict.h"

#include <string.h>

#include "usher/core/quorum.h"

void gauge_watch_reset(struct gauge_watch *watch) { *watch = (struct gauge_watch){.first_at_ms = -1}; }

/* One that was cut off may still think that it leads: the newest term counts. */
static const struct endpoint_view *leader_endpoint(const struct cluster_view *view)
{
    const struct endpoint_view *leader = NULL;

    for (size_t i = 0; i < view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        if (cluster_id_equals(endpoint->cluster, view->cluster) && member_id_is_known(endpoint->member) &&
            member_id_equals(endpoint->member, endpoint->leader) && (leader == NULL || endpoint->raft_term > leader->raft_term))
            leader = endpoint;
    }
    return leader;
}

static bool version_may_leak(const char *version)
{
    return strncmp(version, "3.4.", 4) != 0 && strncmp(version, "3.5.", 4) != 0 && version[0] != '\0';
}

/* One etcd's word counts once: a client URL that leads elsewhere, to us or to all in turn, stands in the list for each who advertises it. */
static bool is_asked(const struct gauge_asked *asked, const char *address)
{
    for (size_t i = 0; i < asked->count; i++)
        if (url_equals(asked->addresses[i], address))
            return true;
    return false;
}

void gauge_choose(struct gauge_asked *asked, const struct cluster_view *view, struct member_id target)
{
    const struct endpoint_view *leader = leader_endpoint(view);

    asked->raft_term = leader == NULL ? 0 : leader->raft_term;
    for (size_t i = 0; i < view->list.count; i++) {
        const struct member *member = &view->list.members[i];
        const struct endpoint_view *endpoint = cluster_view_who_answers_as(view, view->cluster, member->id);
        const char *address = endpoint != NULL ? endpoint->address : member->client_urls.count > 0 ? member->client_urls.url[0] : NULL;
        if (member->is_learner || member_id_equals(member->id, target) || address == NULL || is_asked(asked, address))
            continue;
        asked->addresses[asked->count] = address;
        asked->voters[asked->count] = member->id;
        asked->may_leak[asked->count] = endpoint != NULL && version_may_leak(endpoint->version);
        asked->is_leader[asked->count] = leader != NULL && member_id_equals(leader->member, member->id);
        asked->count++;
    }
}

static void remember_first(struct gauge_watch *watch, const struct gauge_asked *asked, struct member_id target, int64_t now_ms)
{
    gauge_watch_reset(watch);
    watch->target = target;
    watch->first_at_ms = now_ms;
    watch->raft_term = asked->raft_term;
    for (size_t i = 0; i < asked->count; i++) {
        const struct gauge_reading *reading = &asked->readings[i];
        if (!reading->was_read)
            continue;
        watch->voters[watch->voter_count].voter = asked->voters[i];
        watch->voters[watch->voter_count].was_down = !reading->shows_connected;
        watch->voters[watch->voter_count].has_received_bytes = reading->has_received_bytes;
        watch->voters[watch->voter_count].received_bytes = reading->received_bytes;
        watch->voter_count++;
    }
}

/* The leader exchanges heartbeats with every member many times a second: no byte from one in 2 s is silence on the wire, whatever the
 * leaking gauge says. In another term somebody else may have led in between, and followers hear little of each other. */
static bool leader_heard_nothing(const struct gauge_watch *watch, const struct gauge_asked *asked)
{
    for (size_t i = 0; i < asked->count && asked->raft_term == watch->raft_term; i++) {
        if (!asked->is_leader[i] || !asked->readings[i].was_read || !asked->readings[i].has_received_bytes)
            continue;
        for (size_t k = 0; k < watch->voter_count; k++)
            if (member_id_equals(watch->voters[k].voter, asked->voters[i]) && watch->voters[k].has_received_bytes)
                return watch->voters[k].received_bytes == asked->readings[i].received_bytes;
    }
    return false;
}

static bool was_seen_first(const struct gauge_watch *watch, struct member_id voter, bool *out_was_down)
{
    for (size_t k = 0; k < watch->voter_count; k++)
        if (member_id_equals(watch->voters[k].voter, voter)) {
            *out_was_down = watch->voters[k].was_down;
            return true;
        }
    return false;
}

static enum gauge_verdict judge(const struct gauge_watch *watch, const struct gauge_asked *asked, size_t voters, bool is_second)
{
    bool is_silent = is_second && leader_heard_nothing(watch, asked);
    size_t twice_down = 0;

    for (size_t i = 0; i < asked->count; i++) {
        bool was_down = false, is_down = !asked->readings[i].shows_connected;
        if (!asked->readings[i].was_read)
            continue;
        if (!is_down && !(is_silent && asked->may_leak[i]))
            return GAUGE_CONNECTED;
        if (!is_second || !was_seen_first(watch, asked->voters[i], &was_down))
            continue;
        if ((was_down && is_down) || (is_silent && asked->may_leak[i]))
            twice_down++;
    }
    return is_second && twice_down >= quorum_size(voters) ? GAUGE_DOWN : GAUGE_UNKNOWN;
}

/* How old the first read of this target is; -1 = none that could still be the first of two. */
static int64_t age_of_first_ms(const struct gauge_watch *watch, struct member_id target, int64_t now_ms)
{
    int64_t age_ms = watch->first_at_ms < 0 || !member_id_equals(watch->target, target) ? -1 : now_ms - watch->first_at_ms;
    return age_ms <= GAUGE_STALE_MS ? age_ms : -1;
}

bool gauge_is_second(const struct gauge_watch *watch, struct member_id target, int64_t now_ms)
{
    return age_of_first_ms(watch, target, now_ms) >= GAUGE_APART_MS;
}

enum gauge_verdict gauge_judge(struct gauge_watch *watch, const struct gauge_asked *asked, size_t voters, struct member_id target,
                               int64_t now_ms)
{
    bool is_second = gauge_is_second(watch, target, now_ms);
    enum gauge_verdict verdict = judge(watch, asked, voters, is_second);

    if (age_of_first_ms(watch, target, now_ms) < 0 || (is_second && verdict != GAUGE_DOWN))
        remember_first(watch, asked, target, now_ms); /* a read that proves nothing starts the two seconds anew */
    return verdict;
}
