#include "usher/core/cluster_view.h"

const struct endpoint_view *cluster_view_who_answers_as(const struct cluster_view *view, struct cluster_id cluster, struct member_id id)
{
    for (size_t i = 0; i < view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        if (member_id_equals(endpoint->member, id) && !cluster_id_differs(endpoint->cluster, cluster))
            return endpoint;
    }
    return NULL;
}
