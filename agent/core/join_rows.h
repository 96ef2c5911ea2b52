/* Shared by the files of the join decision only: how a row says what it decided. */
#ifndef USHER_CORE_JOIN_ROWS_H
#define USHER_CORE_JOIN_ROWS_H

#include "usher/core/join_decision.h"

struct join_decision join_act(enum join_action action, enum reason reason);
struct join_decision join_wait(enum reason reason, int64_t again_in_ms);
struct join_decision join_refuse(enum reason reason);
/* Adds "permit KIND=ID (or NAME) would help" to a decision. */
struct join_decision join_with_help(struct join_decision decision, enum permit_kind kind, uint64_t id, const char *name);
struct join_decision join_about(struct join_decision decision, struct member_id target, struct cluster_id cluster);

/* The permit from the record or from the file beside the data; NULL when nobody gave it. */
const struct permit *join_permit(const struct join_facts *facts, enum permit_kind kind, uint64_t id, const char *name);

/* The cluster that this set belongs to, as far as the record or the operator said; unknown otherwise. */
struct cluster_id join_anchor(const struct join_facts *facts);

enum live_cluster join_live(const struct join_facts *facts);

/* J1 to J4: the data directory holds a WAL with ids. */
struct join_decision join_with_ids(const struct join_facts *facts);
/* J9 to J16: the data directory is empty. */
struct join_decision join_without_data(const struct join_facts *facts);
/* ARCHIVE, or DROP by permit, or REFUSE for want of space. */
struct join_decision join_set_aside(const struct join_facts *facts, enum reason reason);

#endif
