/* From a decision to the files that etcd is started from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "usher/core/initial_cluster.h"
#include "usher/host/log.h"
#include "usher/member/apply_parts.h"
#include "usher/member/plan.h"

static void plan_done(struct plan **plan) { free(*plan); }

static enum plan_state state_for(enum join_action action)
{
    switch ((int)action) {
    case JOIN_START:
    case JOIN_START_JOINING:
    case JOIN_FOUND:
        return PLAN_START;
    case JOIN_HOLD_REMOVED:
        return PLAN_REMOVED;
    case JOIN_REFUSE:
        return PLAN_REFUSED;
    default:
        return PLAN_HOLD;
    }
}

/* The list that etcd is given. For data that exists it is ignored, and says `existing` with ourselves alone, so that an etcd whose WAL
 * vanished in between fails ("member count is unequal") rather than founds. */
static bool fill_initial_cluster(const struct usher *usher, enum join_action action, struct member_id target, struct plan *plan)
{
    const struct join_settings *join = &usher->settings->join;

    if (action == JOIN_START_JOINING)
        return initial_cluster_render(&usher->view.list, target, join->name, plan->initial_cluster, sizeof plan->initial_cluster);
    return initial_cluster_render_alone(join->name, &join->peer_urls, plan->initial_cluster, sizeof plan->initial_cluster);
}

static bool write_plan(struct usher *usher, const struct plan *plan, struct usher_error *err)
{
    const struct settings *settings = usher->settings;

    if (settings->render_config && plan->state == PLAN_START && !plan_write_etcd_config(settings, plan, environ, err))
        return false;
    if (!plan_write(settings, plan, err))
        return false;
    usher->has_plan = plan->state == PLAN_START;
    return true;
}

bool apply_hold(struct usher *usher, const struct plan *plan, struct usher_error *err) { return write_plan(usher, plan, err); }

bool apply_plan(struct usher *usher, const struct join_decision *decision, struct usher_error *err)
{
    struct plan *plan USHER_CLEANUP(plan_done) = calloc(1, sizeof *plan);
    int length;

    if (plan == NULL)
        return usher_error_set(err, "out of memory");
    plan->state = state_for(decision->action);
    plan->reason = reason_name(decision->reason);
    plan->is_new = decision->action == JOIN_FOUND;
    snprintf(plan->message, sizeof plan->message, "%s", usher->message[0] != '\0' ? usher->message : reason_sentence(decision->reason));
    if (plan->state == PLAN_START && !fill_initial_cluster(usher, decision->action, decision->target, plan))
        return usher_error_set(err, "--initial-cluster would be longer than %d bytes, or our entry is not in the list",
                               INITIAL_CLUSTER_BYTES);
    /* A token of its own for each founding: the same token and URLs give the same IDs, and then a second founding goes unnoticed. */
    length = plan->is_new ? snprintf(plan->token, sizeof plan->token, "%s-%s", usher->settings->cluster_token, usher->notes.nonce)
                          : snprintf(plan->token, sizeof plan->token, "%s", usher->settings->cluster_token);
    if (length < 0 || (size_t)length >= sizeof plan->token)
        return usher_error_set(err, "the cluster token is too long");
    return write_plan(usher, plan, err);
}

/* What a start leaves beside the data: whose it is, and that a founding is over once its WAL was seen. Best effort: a start never waits for
 * it, and the sidecar tries again. */
static void keep_start_notes(struct usher *usher)
{
    bool has_new_wal = usher->facts.wal.state == WAL_IDS && usher->notes.nonce[0] != '\0' && !usher->notes.nonce_was_used;
    struct usher_error err = {0};

    if (usher->notes_state == USHER_FILE_UNREADABLE || (usher->notes.slot[0] != '\0' && !has_new_wal))
        return;
    usher->notes.nonce_was_used |= has_new_wal;
    if (!apply_notes(usher, &err))
        log_warn("ignoring: %s", err.text);
}

bool apply_start(struct usher *usher, const struct join_decision *decision, struct usher_error *err)
{
    struct usher_error record_error = {0};

    if (decision->used_permit.kind == PERMIT_START && !apply_drop_permit(usher, &decision->used_permit, err))
        return usher_error_wrap(err, "the start= permit cannot be taken out, so it is not used");
    if (!apply_plan(usher, decision, err))
        return false;
    keep_start_notes(usher);
    if (!apply_record_adopt(usher, decision->cluster, decision->target, usher->view.live == LIVE_REACHABLE ? &usher->view.list : NULL,
                            usher->start_by, &record_error))
        log_warn("the set record will be written later: %s", record_error.text);
    return true;
}
