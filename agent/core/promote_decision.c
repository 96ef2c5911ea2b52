#include "usher/core/promote_decision.h"

static struct promote_decision decided(enum promote_action action, enum reason reason, int64_t again_in_ms)
{
    return (struct promote_decision){.action = action, .reason = reason, .again_in_ms = again_in_ms, .eta_ms = -1};
}

static uint64_t entries_to_go(const struct promote_facts *facts)
{
    return facts->leader_committed > facts->own_applied ? facts->leader_committed - facts->own_applied : 0;
}

static void remember_progress(struct promote_progress *progress, const struct promote_facts *facts)
{
    if (!progress->has_start) {
        progress->has_start = true;
        progress->start_applied = progress->last_applied = facts->own_applied;
        progress->start_at_ms = progress->last_progress_at_ms = facts->now_ms;
    } else if (facts->own_applied != progress->last_applied || entries_to_go(facts) == 0) {
        progress->last_applied = facts->own_applied;
        progress->last_progress_at_ms = facts->now_ms;
    }
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

static void add_figures(struct promote_decision *decision, const struct promote_progress *progress, const struct promote_facts *facts)
{
    uint64_t done = facts->own_applied - progress->start_applied;
    int64_t took_ms = facts->now_ms - progress->start_at_ms;

    decision->entries_to_go = entries_to_go(facts);
    decision->percent = facts->leader_committed == 0   ? 0
                        : decision->entries_to_go == 0 ? 100
                                                       : (unsigned)((facts->own_applied / 2 * 100) / (facts->leader_committed / 2 + 1));
    if (decision->entries_to_go == 0)
        decision->eta_ms = 0;
    else if (facts->own_applied > progress->start_applied && took_ms > 0)
        decision->eta_ms = (int64_t)((double)decision->entries_to_go / (double)done * (double)took_ms);
    decision->is_stalled = decision->entries_to_go > 0 && facts->now_ms - progress->last_progress_at_ms >= PROMOTE_STALLED_AFTER_MS;
}

struct promote_decision promote_decide(struct promote_progress *progress, const struct promote_facts *facts)
{
    struct promote_decision decision;

    if (facts->list_shows_learner != TRI_YES || !facts->own_answers || !facts->leader_answers || !member_id_is_known(facts->own_leader))
        start_over(progress);
    if (facts->list_shows_learner == TRI_NO && facts->own_answers && !facts->own_is_learner)
        return decided(PROMOTE_DONE, REASON_IS_VOTER, 0);
    if (facts->list_shows_learner == TRI_NO)
        return decided(PROMOTE_WAIT, REASON_VOTER_UNCONFIRMED, PROMOTE_NEAR_MS);
    if (facts->list_shows_learner != TRI_YES)
        return decided(PROMOTE_WAIT, REASON_LIST_UNREAD, PROMOTE_FAR_MS);
    if (!facts->own_answers)
        return decided(PROMOTE_WAIT, REASON_LEARNER_NOT_STARTED, PROMOTE_FAR_MS / 2);
    if (!facts->leader_answers || !member_id_is_known(facts->own_leader))
        return decided(PROMOTE_WAIT, REASON_LEADER_UNSEEN, PROMOTE_FAR_MS / 2);
    remember_progress(progress, facts);
    take_sample(progress, facts);
    if (facts->samples_wanted == 0 || progress->in_sync_in_a_row < facts->samples_wanted)
        decision =
            decided(PROMOTE_WAIT, REASON_CATCHING_UP, entries_to_go(facts) <= PROMOTE_NEAR_ENTRIES ? PROMOTE_NEAR_MS : PROMOTE_FAR_MS);
    else if (facts->quorum != QUORUM_ALLOWED)
        decision = decided(PROMOTE_WAIT, REASON_PROMOTE_QUORUM, PROMOTE_FAR_MS);
    else
        decision = decided(PROMOTE_NOW, REASON_PROMOTE, 0);
    add_figures(&decision, progress, facts);
    return decision;
}
