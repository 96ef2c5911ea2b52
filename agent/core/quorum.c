#include "usher/core/quorum.h"

size_t quorum_size(size_t voters) { return voters / 2 + 1; }

void quorum_health_from_view(const struct cluster_view *view, struct quorum_health *out)
{
    *out = (struct quorum_health){0};
    if (view->live != LIVE_REACHABLE)
        return;
    for (size_t i = 0; i < view->list.count; i++) {
        const struct endpoint_view *endpoint = cluster_view_who_answers_as(view, view->cluster, view->list.members[i].id);
        out->is_healthy[i] = endpoint != NULL && (endpoint->state == ENDPOINT_SERVING || endpoint->state == ENDPOINT_LEARNER);
    }
}

struct voters {
    size_t count, healthy;
};

static struct voters count_voters(const struct member_list *list, const struct quorum_health *health)
{
    struct voters voters = {0};

    for (size_t i = 0; i < list->count; i++) {
        if (list->members[i].is_learner)
            continue;
        voters.count++;
        voters.healthy += health->is_healthy[i] ? 1 : 0;
    }
    return voters;
}

enum quorum_verdict quorum_judge(const struct cluster_view *view, const struct quorum_health *health, enum quorum_change change,
                                 struct member_id target)
{
    struct voters after;
    const struct member *member;
    bool is_healthy;

    if (view->live != LIVE_REACHABLE || change == QUORUM_CHANGE_UNKNOWN)
        return QUORUM_UNKNOWN;
    if (change == QUORUM_ADD_LEARNER)
        return QUORUM_ALLOWED;
    after = count_voters(&view->list, health);
    if (change == QUORUM_ADD_VOTER) {
        after.count++;
        return after.healthy >= quorum_size(after.count) ? QUORUM_ALLOWED : QUORUM_TOO_FEW_LEFT;
    }
    member = member_list_find(&view->list, target);
    if (member == NULL)
        return QUORUM_NO_SUCH_MEMBER;
    is_healthy = health->is_healthy[member - view->list.members];
    if (change == QUORUM_PROMOTE) {
        if (member->is_learner) {
            after.count++;
            after.healthy += is_healthy ? 1 : 0;
        }
    } else {
        if (member->is_learner)
            return QUORUM_ALLOWED;
        if (after.count <= 1)
            return QUORUM_LAST_VOTER;
        after.count--;
        after.healthy -= is_healthy ? 1 : 0;
    }
    return after.healthy >= quorum_size(after.count) ? QUORUM_ALLOWED : QUORUM_TOO_FEW_LEFT;
}
