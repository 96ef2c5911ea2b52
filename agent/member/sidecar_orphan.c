/* A voter's care for a learner of its own set that nobody promotes. Asks etcd nothing while there is no such learner. */
#include <stdio.h>

#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/observe.h"
#include "usher/member/sidecar.h"

static void promote(struct sidecar *sidecar, struct member_id orphan)
{
    struct usher *usher = &sidecar->usher;
    const struct world *world = usher->world;
    const char *address = usher_address_of(usher, sidecar->own.leader);
    struct etcd_answer answer = {0};
    char hex[ID_TEXT_BYTES];

    id_to_hex(orphan.value, hex);
    if (address != NULL)
        world->promote(world->self, address, orphan, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (address == NULL || answer.outcome == CALL_NOT_SENT) /* any voter forwards it; we are one */
        world->promote(world->self, usher->settings->local_endpoint, orphan, deadline_in_ms(WRITE_CALL_MS), &answer);
    if (answer.outcome == CALL_OK) {
        usher->counters.promotions++;
        log_line(LOG_LEVEL_INFO, reason_name(REASON_PROMOTE_ORPHAN), "learner %s of our set was promoted", hex);
    } else {
        log_line(LOG_LEVEL_INFO, reason_name(REASON_PROMOTE_ORPHAN), "member promote of %s: %s", hex, answer.message);
    }
}

void sidecar_promote_orphan(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    struct promote_facts facts = {.samples_wanted = usher->settings->promote_samples};
    struct promote_decision decision;
    struct member_id orphan;

    if (!usher->settings->promotes_orphans || sidecar->membership != MEMBERSHIP_VOTER || !sidecar->own.has_quorum ||
        !cluster_id_equals(usher->view.cluster, sidecar->cluster))
        return;
    orphan = orphan_choose(&usher->view, &usher->record, sidecar->id);
    if (!member_id_is_known(orphan)) {
        sidecar->orphan = (struct orphan_watch){0};
        return;
    }
    facts.list_shows_learner = TRI_YES;
    sidecar_read_progress(sidecar, orphan, usher_address_of(usher, orphan), &facts);
    decision = orphan_decide(&sidecar->orphan, orphan, &facts, usher->settings->orphan_after_ms);
    if (decision.reason == REASON_PROMOTE_QUORUM) { /* due: only now everybody is asked */
        struct quorum_health health;
        observe_health(usher, &health);
        facts.quorum = quorum_judge(&usher->view, &health, QUORUM_PROMOTE, orphan);
        facts.leader_hears = sidecar_leader_hears(sidecar, &sidecar->hear_orphan, orphan);
        decision = orphan_decide(&sidecar->orphan, orphan, &facts, usher->settings->orphan_after_ms);
    }
    if (decision.action == PROMOTE_NOW)
        promote(sidecar, orphan);
}

/* By every voter, since nobody knows who still has a sidecar; the leader's makes the event. */
void sidecar_report_blocker(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    const struct learner_watch *watch = &usher->other_learner;
    char text[LEARNER_TEXT_BYTES], line[LEARNER_TEXT_BYTES + 128];

    if (!member_id_is_known(watch->id) || watch->is_started) {
        sidecar->blocker_said = (struct member_id){0};
        return;
    }
    if (member_id_equals(sidecar->blocker_said, watch->id) || sidecar->membership != MEMBERSHIP_VOTER ||
        usher->world->now_ms(usher->world->self) - watch->since_ms < PROMOTE_STALLED_AFTER_MS)
        return;
    sidecar->blocker_said = watch->id;
    usher_describe_learner(usher, text, sizeof text);
    snprintf(line, sizeof line, "%s: it blocks the next join; start its pod, or `etcdctl member remove`", text);
    log_warn("%s", line);
    if (member_id_equals(sidecar->own.leader, sidecar->id))
        usher_event(usher, true, "LearnerBlocks", line);
}
