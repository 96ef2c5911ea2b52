#include "usher/member/gauge_watch.h"

#include <stdlib.h>

enum gauge_verdict gauge_watch_read(struct gauge_watch *watch, const struct world *world, const struct cluster_view *view,
                                    struct member_id target, struct deadline deadline)
{
    struct gauge_asked *asked = calloc(1, sizeof *asked);
    enum gauge_verdict verdict = GAUGE_UNKNOWN;

    if (asked != NULL && view->live == LIVE_REACHABLE) {
        gauge_choose(asked, view, target);
        world->gauges(world->self, asked->addresses, asked->count, target, deadline, asked->readings);
        verdict = gauge_judge(watch, asked, member_list_voter_count(&view->list), target, world->now_ms(world->self));
    }
    free(asked);
    return verdict;
}
