/* Renders etcd's --initial-cluster: every member, every peer URL, learners and unstarted ones too. Our own key is our name; every other key
 * is made from the hex member ID, because etcd compares only count and URLs, a member that has not published has no name, and two
 * clusters often use the same pod names. */
#ifndef USHER_CORE_INITIAL_CLUSTER_H
#define USHER_CORE_INITIAL_CLUSTER_H

#include "usher/compiler.h"
#include "usher/core/member_list.h"

/* False (out holds an empty text) when it does not fit, `ours` is not in the list, or a member has no peer URL. */
USHER_MUST_CHECK bool initial_cluster_render(const struct member_list *list, struct member_id ours, const char *our_name, char *out_text,
                                             size_t out_bytes);

/* The founder's: ourselves alone. */
USHER_MUST_CHECK bool initial_cluster_render_alone(const char *our_name, const struct url_list *peer_urls, char *out_text,
                                                   size_t out_bytes);

#endif
