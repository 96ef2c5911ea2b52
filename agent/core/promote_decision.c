#include "usher/core/promote_decision.h"

static struct promote_decision decided(enum promote_action action, enum reason reason, int64_t again_in_ms)
{
    return (struct promote_decision){.action = action, .reason = reason, .again_in_ms = again_in_ms, .eta_ms = -1};
}

static uint64_t entries_to_go(const struct promote_facts *facts)
{
    return facts->leader_committed > facts->own_applied ? facts->leader_committed - facts->own_applied : 0;
}

static bool is_seen(const struct promote_facts *facts)
{
    return facts->list_shows_learner == TRI_YES && facts->own_answers && facts->leader_answers && member_id_is_known(facts->own_leader);
}

/* What its etcd writes is progress before it says a word. */
static void remember_disk(struct promote_progress *progress, const struct promote_facts *facts)
{
    if (progress->has_start || facts->own_answers || facts->disk_bytes <= progress->most_disk_bytes)
        return;
    progress->last_progress_at_ms = facts->now_ms;
    if (progress->most_disk_bytes == 0) {
        progress->start_disk_bytes = facts->disk_bytes;
        progress->disk_at_ms = facts->now_ms;
    }
    progress->most_disk_bytes = facts->disk_bytes;
}

/* Silence is no progress, whoever is silent. */
static void remember_progress(struct promote_progress *progress, const struct promote_facts *facts)
{
    bool is_caught_up = entries_to_go(facts) == 0 && facts->leader_hears != TRI_NO;

    if (!progress->has_begun) {
        progress->has_begun = true;
        progress->last_progress_at_ms = facts->now_ms;
    }
    remember_disk(progress, facts);
    if (!is_seen(facts))
        return;
    if (!progress->has_start || facts->own_applied != progress->last_applied || is_caught_up)
        progress->last_progress_at_ms = facts->now_ms;
    if (!progress->has_start) {
        progress->has_start = true;
        progress->start_applied = facts->own_applied;
        progress->start_at_ms = facts->now_ms;
    }
    progress->last_applied = facts->own_applied;
    progress->last_committed = facts->leader_committed;
    progress->last_bytes_to_go =
        entries_to_go(facts) > 0 && facts->leader_db_bytes > facts->own_db_bytes ? facts->leader_db_bytes - facts->own_db_bytes : 0;
}

/* "In a row" means seen, each time: a poll that could not see starts the row anew. */
static void start_over(struct promote_progress *progress)
{
    progress->in_sync_in_a_row = 0;
    progress->has_target = false;
}

/* One sample: the target of an earlier poll is reached in time, missed, or still open. */
static void take_sample(struct promote_progress *progress, const struct promote_facts *facts)
{
    if (!progress->has_target) {
        progress->has_target = true;
        progress->target_committed = facts->leader_committed;
        progress->target_at_ms = facts->leader_read_at_ms;
    }
    if (facts->own_read_at_ms - progress->target_at_ms > SYNC_WINDOW_MS) {
        progress->in_sync_in_a_row = 0;
        progress->has_target = false;
    } else if (facts->own_applied >= progress->target_committed) {
        progress->in_sync_in_a_row++;
        progress->has_target = false;
    }
}

static void add_figures_by_bytes(struct promote_decision *decision, const struct promote_progress *progress,
                                 const struct promote_facts *facts)
{
    int64_t all = facts->leader_db_bytes, done = progress->most_disk_bytes;
    int64_t grown = done - progress->start_disk_bytes, took_ms = facts->now_ms - progress->disk_at_ms;

    if (facts->own_answers || all <= 0 || done == 0 || facts->leader_committed == 0)
        return;
    decision->is_measured = true;
    decision->percent = done >= all ? 99 : (unsigned)((double)done / (double)all * 99); /* all of it is only there when etcd says so */
    decision->bytes_to_go = done >= all ? 0 : all - done;
    decision->entries_to_go = facts->leader_committed - (uint64_t)((double)facts->leader_committed / 100 * decision->percent);
    if (grown > 0 && took_ms > 0)
        decision->eta_ms = (int64_t)((double)decision->bytes_to_go / (double)grown * (double)took_ms);
}

/* As last seen; what is not seen now has no estimate. */
static void add_figures(struct promote_decision *decision, const struct promote_progress *progress, const struct promote_facts *facts)
{
    uint64_t committed = progress->last_committed, applied = progress->last_applied;
    uint64_t to_go = committed > applied ? committed - applied : 0;
    int64_t took_ms = facts->now_ms - progress->start_at_ms;

    decision->idle_ms = facts->now_ms - progress->last_progress_at_ms;
    decision->is_stalled = decision->idle_ms >= PROMOTE_STALLED_AFTER_MS;
    if (!progress->has_start) {
        add_figures_by_bytes(decision, progress, facts);
        return;
    }
    decision->is_measured = true;
    decision->entries_to_go = to_go;
    decision->bytes_to_go = progress->last_bytes_to_go;
    decision->percent = committed == 0 ? 0 : to_go == 0 ? 100 : (unsigned)((applied / 2 * 100) / (committed / 2 + 1));
    if (!is_seen(facts))
        return;
    if (to_go == 0)
        decision->eta_ms = 0;
    else if (applied > progress->start_applied && took_ms > 0)
        decision->eta_ms = (int64_t)((double)to_go / (double)(applied - progress->start_applied) * (double)took_ms);
}

static struct promote_decision decide_as_learner(struct promote_progress *progress, const struct promote_facts *facts)
{
    if (facts->list_shows_learner != TRI_YES)
        return decided(PROMOTE_WAIT, REASON_LIST_UNREAD, PROMOTE_FAR_MS);
    if (!facts->own_answers)
        return decided(PROMOTE_WAIT, REASON_LEARNER_NOT_STARTED, PROMOTE_FAR_MS / 2);
    if (!is_seen(facts))
        return decided(PROMOTE_WAIT, REASON_LEADER_UNSEEN, PROMOTE_FAR_MS / 2);
    take_sample(progress, facts);
    if (facts->samples_wanted == 0 || progress->in_sync_in_a_row < facts->samples_wanted)
        return decided(PROMOTE_WAIT, REASON_CATCHING_UP, entries_to_go(facts) <= PROMOTE_NEAR_ENTRIES ? PROMOTE_NEAR_MS : PROMOTE_FAR_MS);
    if (facts->leader_hears == TRI_NO)
        return decided(PROMOTE_WAIT, REASON_LEARNER_UNHEARD, PROMOTE_NEAR_MS);
    if (facts->quorum != QUORUM_ALLOWED)
        return decided(PROMOTE_WAIT, REASON_PROMOTE_QUORUM, PROMOTE_FAR_MS);
    return decided(PROMOTE_NOW, REASON_PROMOTE, 0);
}

struct promote_decision promote_decide(struct promote_progress *progress, const struct promote_facts *facts)
{
    struct promote_decision decision;

    if (!is_seen(facts))
        start_over(progress);
    if (facts->list_shows_learner == TRI_NO && facts->own_answers && !facts->own_is_learner) {
        *progress = (struct promote_progress){0}; /* should it ever be a learner again, that is another way */
        return decided(PROMOTE_DONE, REASON_IS_VOTER, 0);
    }
    if (facts->list_shows_learner == TRI_NO)
        return decided(PROMOTE_WAIT, REASON_VOTER_UNCONFIRMED, PROMOTE_NEAR_MS);
    if (facts->list_shows_learner == TRI_YES || progress->has_begun)
        remember_progress(progress, facts);
    decision = decide_as_learner(progress, facts);
    if (progress->has_begun)
        add_figures(&decision, progress, facts);
    return decision;
}
