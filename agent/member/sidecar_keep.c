/* What the sidecar keeps true: the plan, the notes beside the data, the set record; and what it does when somebody removed our member. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/record_verdict.h"
#include "usher/host/data_dir.h"
#include "usher/host/log.h"
#include "usher/member/apply.h"
#include "usher/member/apply_parts.h"
#include "usher/member/observe.h"
#include "usher/member/plan.h"
#include "usher/member/sidecar.h"

enum { RECORD_AGAIN_MS = 5000, RECORD_RECHECK_MS = 60 * 60 * 1000 };

/* A barrier read does not hold our ids: this data is dead, whatever happens next. Not pushed back in; the launcher holds etcd back. */
static void turn_to_removed(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    bool by_us = sidecar->has_left || sidecar->removal_was_asked;
    enum reason reason = by_us ? REASON_LEFT : REASON_POD_WAS_REMOVED;
    struct plan *plan = calloc(1, sizeof *plan);
    bool is_done;
    struct usher_error err = {0};

    usher->notes.left.cluster = sidecar->cluster;
    usher->notes.left.member = sidecar->id;
    if (plan == NULL || !apply_notes(usher, &err)) {
        log_error("the data could not be marked as dead: %s", plan == NULL ? "out of memory" : err.text);
        free(plan);
        return;
    }
    plan->state = PLAN_REMOVED;
    plan->reason = reason_name(reason);
    snprintf(plan->message, sizeof plan->message, "%s", reason_sentence(reason));
    is_done = apply_hold(usher, plan, &err) && plan_remember_removed(usher->settings, &err);
    free(plan);
    if (!is_done) {
        log_error("the plan could not be changed to removed: %s", err.text);
        return;
    }
    sidecar->has_left = by_us;
    sidecar->was_removed = !by_us;
    sidecar_say(sidecar, by_us ? "left" : "removed", reason, "");
}

/* etcd runs on a WAL: the plan says `existing` from now on, and a founding's nonce is used. */
static void settle_start(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    struct join_decision decision = {
        .action = JOIN_START, .reason = REASON_START_LISTED, .target = sidecar->id, .cluster = sidecar->cluster};
    bool marks_nonce = usher->notes.nonce[0] != '\0' && !usher->notes.nonce_was_used;
    struct usher_error err = {0};

    if (usher->facts.wal.state != WAL_IDS || usher->notes_state == USHER_FILE_UNREADABLE)
        return;
    usher->notes.nonce_was_used |= marks_nonce;
    usher->message[0] = '\0';
    if ((marks_nonce && !apply_notes(usher, &err)) || !apply_plan(usher, &decision, &err)) {
        log_warn("the plan stays as it is for now: %s", err.text);
        return;
    }
    sidecar->start_is_settled = true;
    sidecar->record_again_at_ms = 0;
}

static uint64_t digest_of(const struct member_list *list)
{
    uint64_t digest = 14695981039346656037ULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct member *member = &list->members[i];
        digest = (digest ^ member->id.value ^ (member->is_learner ? 1 : 0)) * 1099511628211ULL;
        for (size_t k = 0; k < member->client_urls.count; k++)
            for (const char *at = member->client_urls.url[k]; *at != '\0'; at++)
                digest = (digest ^ (uint64_t)(unsigned char)*at) * 1099511628211ULL;
    }
    return digest;
}

/* usher.json: who can be asked after a restart, who votes, and that we did. */
static bool keep_notes(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    struct usher_file *notes = &usher->notes;
    const struct member_list *list = &usher->view.list;
    struct usher_error err = {0};

    notes->endpoint_count = notes->voter_count = 0;
    notes->cluster = usher->view.cluster;
    for (size_t i = 0; i < list->count; i++) {
        const struct member *member = &list->members[i];
        if (!member->is_learner)
            notes->voters[notes->voter_count++] = member->id;
        for (size_t k = 0; k < member->client_urls.count && notes->endpoint_count < REMEMBERED_MAX; k++)
            if (!member_id_equals(member->id, sidecar->id))
                memcpy(notes->endpoints[notes->endpoint_count++], member->client_urls.url[k], URL_BYTES);
    }
    /* Of a founder only once its cluster is recorded: until then it is not ready, not even after a restart. */
    notes->was_voter = sidecar->membership == MEMBERSHIP_VOTER && (notes->was_voter || notes->nonce[0] == '\0' || sidecar->is_recorded);
    if (apply_notes(usher, &err))
        return true;
    log_warn("ignoring for now: %s", err.text);
    return false;
}

static bool is_fresh_founder(const struct sidecar *sidecar)
{
    return founding_is_unconfirmed(sidecar->usher.notes.nonce, sidecar->usher.notes.was_voter);
}

/* Another cluster stands where ours should: whoever founded last holds its etcd back from now on. A member of old goes on; its next start asks
 * a person (G4). */
static void refuse_founding(struct sidecar *sidecar)
{
    struct plan *plan = calloc(1, sizeof *plan);
    struct usher_error err = {.text = "out of memory"};

    if (plan != NULL) {
        plan->state = PLAN_REFUSED;
        plan->reason = reason_name(REASON_OTHER_CLUSTER_RECORDED);
        snprintf(plan->message, sizeof plan->message, "%s. Next: %s", reason_sentence(REASON_OTHER_CLUSTER_RECORDED),
                 reason_remedy(REASON_OTHER_CLUSTER_RECORDED));
    }
    if (plan == NULL || !apply_hold(&sidecar->usher, plan, &err))
        log_error("the plan could not be changed to refused: %s", err.text);
    else
        sidecar->start_is_settled = false;
    free(plan);
}

static void say_other_cluster(struct sidecar *sidecar)
{
    char recorded[ID_TEXT_BYTES], ours[ID_TEXT_BYTES], text[512];

    id_to_hex(sidecar->usher.record.cluster.value, recorded);
    id_to_hex(sidecar->cluster.value, ours);
    snprintf(text, sizeof text, "%s (recorded: %s, ours: %s)", reason_sentence(REASON_OTHER_CLUSTER_RECORDED), recorded, ours);
    sidecar_say(sidecar, "refuse", REASON_OTHER_CLUSTER_RECORDED, text);
}

static void read_and_write_record(struct sidecar *sidecar, int64_t now_ms)
{
    struct usher *usher = &sidecar->usher;
    enum record_verdict verdict;
    struct usher_error err = {0};

    sidecar->record_again_at_ms = sidecar->seeds_again_at_ms = now_ms + RECORD_AGAIN_MS;
    observe_record(usher);
    verdict = record_judge(&usher->record, sidecar->cluster);
    sidecar->other_cluster_is_recorded = record_still_names_another(sidecar->other_cluster_is_recorded, verdict);
    if (verdict == RECORD_NAMES_ANOTHER) {
        sidecar->is_recorded = false;
        say_other_cluster(sidecar);
        if (founding_must_stop(verdict, is_fresh_founder(sidecar)))
            refuse_founding(sidecar);
        return;
    }
    if (!apply_record_adopt(usher, sidecar->cluster, sidecar->id, &usher->view.list, deadline_never(), &err)) {
        log_warn("the set record will be written later: %s", err.text);
        return;
    }
    sidecar->is_recorded = true;
    if (is_fresh_founder(sidecar))
        sidecar->list_digest = 0; /* the notes may say so, too */
    /* Until the list changes; once an hour in any case: a record that somebody deleted and made anew would let the next outage found again. */
    sidecar->record_again_at_ms = now_ms + RECORD_RECHECK_MS + (int64_t)(usher->world->random(usher->world->self) % RECORD_RECHECK_MS) / 4;
}

/* Whoever asks us to leave waits for an answer: the record does not, and gives way to one who asks in the middle of it. */
static void keep_record(struct sidecar *sidecar)
{
    const struct world *world = sidecar->usher.world;
    int64_t now_ms = world->now_ms(world->self);

    if (sidecar->usher.record_store.read == NULL || now_ms < sidecar->record_again_at_ms || sidecar->leaving_since_ms >= 0)
        return;
    if (world->api_gives_way != NULL)
        world->api_gives_way(world->self, true);
    read_and_write_record(sidecar, now_ms);
    if (world->api_gives_way != NULL)
        world->api_gives_way(world->self, false);
}

static void keep_archives(struct sidecar *sidecar)
{
    struct usher_error err = {0};

    if (sidecar->archives_are_thin || sidecar->membership != MEMBERSHIP_VOTER)
        return;
    sidecar->archives_are_thin = true;
    if (!data_dir_thin_archives(sidecar->usher.settings->data_dir, sidecar->usher.settings->wal_dir, sidecar->usher.settings->keep_archives,
                                &err))
        log_warn("old archives stay: %s", err.text);
}

void sidecar_keep(struct sidecar *sidecar)
{
    struct usher *usher = &sidecar->usher;
    bool is_fresh =
        usher->view.live == LIVE_REACHABLE && cluster_id_equals(usher->view.cluster, sidecar->cluster) && member_id_is_known(sidecar->id);
    const struct seat_facts seat = {
        .list_is_fresh = is_fresh,
        .is_listed = sidecar->membership != MEMBERSHIP_NONE,
        .etcd_answers = sidecar->own.answered,
        .plan_says_start = sidecar->plan == PLAN_START,
        .has_ids = usher->facts.wal.state == WAL_IDS,
        .removal_was_asked = sidecar->removal_was_asked,
        .is_settled = sidecar->was_removed || sidecar->has_left,
    };
    uint64_t digest;

    if (seat_is_lost(&seat))
        turn_to_removed(sidecar);
    if (!is_fresh || !sidecar->own.answered || sidecar->membership == MEMBERSHIP_NONE || sidecar->membership == MEMBERSHIP_UNKNOWN)
        return;
    if (!sidecar->start_is_settled && !(sidecar->other_cluster_is_recorded && is_fresh_founder(sidecar)))
        settle_start(sidecar);
    digest = digest_of(&usher->view.list);
    if (digest != sidecar->list_digest && keep_notes(sidecar)) {
        sidecar->list_digest = digest;
        sidecar->record_again_at_ms = 0;
    }
    keep_record(sidecar);
    keep_archives(sidecar);
}
