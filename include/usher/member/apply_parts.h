/* Shared by the files of member/apply*.c: the steps that one decision is made of. */
#ifndef USHER_MEMBER_APPLY_PARTS_H
#define USHER_MEMBER_APPLY_PARTS_H

#include "usher/member/apply.h"

/* Founding, step 1: our nonce durably beside the data, then the claim in the set record by compare-and-swap. Losing the race is success:
 * the next look shows the other's claim. */
USHER_MUST_CHECK bool apply_claim(struct usher *usher, struct usher_error *err);
/* Founding, step 2: the record is read again right before the plan is written; another's claim or a cluster ID there ends it. */
USHER_MUST_CHECK bool apply_found(struct usher *usher, const struct join_decision *decision, struct usher_error *err);
/* forget=: the permit is taken out and the record emptied in one compare-and-swap. */
USHER_MUST_CHECK bool apply_forget(struct usher *usher, const struct permit *permit, struct usher_error *err);
/* START and START_JOINING: a start= permit is taken out first, then the plan, then the set record (never delaying the start). */
USHER_MUST_CHECK bool apply_start(struct usher *usher, const struct join_decision *decision, struct usher_error *err);
/* Takes a permit out of where it stands: the record (compare-and-swap) or the file usher-permit. */
USHER_MUST_CHECK bool apply_drop_permit(struct usher *usher, const struct permit *permit, struct usher_error *err);
/* Writes a plan that holds etcd back. */
USHER_MUST_CHECK bool apply_hold(struct usher *usher, const struct plan *plan, struct usher_error *err);

#endif
