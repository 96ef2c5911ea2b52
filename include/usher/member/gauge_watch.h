/* Reads the gauges that tell whether a member is dead (core/gauge_verdict.h judges them). */
#ifndef USHER_MEMBER_GAUGE_WATCH_H
#define USHER_MEMBER_GAUGE_WATCH_H

#include "usher/core/gauge_verdict.h"
#include "usher/member/world.h"

/* Reads the gauges of the view's voters (without `target` itself) once, in parallel, and says what is known by now. UNKNOWN, too, without a
 * list or memory: nothing was read then, and the watch stays as it was. */
enum gauge_verdict gauge_watch_read(struct gauge_watch *watch, const struct world *world, const struct cluster_view *view,
                                    struct member_id target, struct deadline deadline);

#endif
