/* The promotion over rows of polls: every first poll, then every second and, narrower, third. The rule keeps its own book of polls. */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "usher/core/etcd_answer.h"
#include "usher/core/promote_decision.h"
#include "usher/core/retry_schedule.h"

enum { POLLS = 3 };

struct run {
    unsigned polls, wanted;
    struct promote_facts poll[POLLS];
    struct promote_decision decision;
};

static void describe(const void *state)
{
    const struct run *run = state;
    for (unsigned i = 0; i < run->polls; i++) {
        const struct promote_facts *poll = &run->poll[i];
        printf("[list %d own %d/%d leader %d/%d applied %d of %d after %d ms quorum %d] ", (int)poll->list_shows_learner, poll->own_answers,
               poll->own_is_learner, (int)poll->own_leader.value, poll->leader_answers, (int)poll->own_applied, (int)poll->leader_committed,
               (int)(poll->own_read_at_ms - poll->leader_read_at_ms), (int)poll->quorum);
    }
    printf("wanted %u\n  decided: %d, %s\n", run->wanted, (int)run->decision.action, reason_name(run->decision.reason));
}

static bool is_seen(const struct promote_facts *poll)
{
    return poll->list_shows_learner == TRI_YES && poll->own_answers && poll->leader_answers && poll->own_leader.value != 0;
}

/* The book: what the leader had committed at one poll is to be applied within a second, at that poll or a later one; then the next poll's
 * is. A poll that cannot see, and a second that passes, start the row anew. */
static unsigned in_sync_in_a_row(const struct run *run)
{
    unsigned row = 0, since = 0;
    bool is_open = false;

    for (unsigned i = 0; i < run->polls; i++) {
        const struct promote_facts *poll = &run->poll[i];
        if (!is_seen(poll)) {
            row = 0;
            is_open = false;
            continue;
        }
        since = is_open ? since : i;
        is_open = false;
        if (poll->own_read_at_ms - run->poll[since].leader_read_at_ms > 1000)
            row = 0;
        else if (poll->own_applied >= run->poll[since].leader_committed)
            row++;
        else
            is_open = true;
    }
    return row;
}

static bool plainly_in_sync(const struct run *run)
{
    for (unsigned i = 0; i < run->polls; i++) {
        const struct promote_facts *poll = &run->poll[i];
        if (!is_seen(poll) || poll->own_applied < poll->leader_committed || poll->own_read_at_ms - poll->leader_read_at_ms > 1000)
            return false;
    }
    return run->polls >= run->wanted && run->wanted > 0;
}

static void judge(struct run *run)
{
    struct promote_progress progress = {0};
    const struct promote_facts *last = &run->poll[run->polls - 1];
    bool agrees = last->list_shows_learner == TRI_NO && last->own_answers && !last->own_is_learner;

    for (unsigned i = 0; i < run->polls; i++)
        run->decision = promote_decide(&progress, &run->poll[i]);
    rules_states++;
    rule_says(I7_DONE_AGREES, (run->decision.action == PROMOTE_DONE) == agrees, describe, run);
    if (run->decision.action == PROMOTE_WAIT)
        rule_says(I11_WAIT_ENDS, run->decision.again_in_ms > 0, describe, run);
    if (run->decision.action == PROMOTE_NOW) {
        rule_says(I7_PROMOTE_READY, is_seen(last) && last->quorum == QUORUM_ALLOWED, describe, run);
        rule_says(I7_PROMOTE_IN_SYNC, run->wanted > 0 && in_sync_in_a_row(run) >= run->wanted, describe, run);
    }
    if (plainly_in_sync(run) && last->quorum == QUORUM_ALLOWED)
        rule_says(I7_PROMOTES, run->decision.action == PROMOTE_NOW, describe, run);
}

/* One poll by its number; false when there are no more. */
static bool poll_of(unsigned number, unsigned at, unsigned wanted, struct promote_facts *out)
{
    static const enum tri lists[] = {TRI_YES, TRI_NO, TRI_UNKNOWN};
    static const uint64_t applied[] = {99, 100, 101};
    static const int64_t took_ms[] = {0, 1000, 1001};
    static const enum quorum_verdict verdicts[] = {QUORUM_ALLOWED, QUORUM_TOO_FEW_LEFT, QUORUM_UNKNOWN};
    int64_t start_ms = 5000 + 400 * (int64_t)at;

    *out = (struct promote_facts){.samples_wanted = wanted, .leader_committed = 100 + at, .leader_read_at_ms = start_ms};
    out->own_applied = applied[number % 3] + at;
    number /= 3;
    out->own_read_at_ms = out->now_ms = start_ms + took_ms[number % 3];
    number /= 3;
    out->quorum = verdicts[number % 3];
    number /= 3;
    out->own_answers = number % 2 == 0;
    number /= 2;
    out->leader_answers = number % 2 == 0;
    number /= 2;
    out->own_leader.value = number % 2 == 0 ? 7 : 0;
    number /= 2;
    out->own_is_learner = number % 2 == 0;
    number /= 2;
    out->list_shows_learner = lists[number % 3];
    return number < 3;
}

void model_promote(bool is_quick)
{
    unsigned third_step = is_quick ? 11 : 1;

    for (unsigned wanted = 0; wanted <= 3; wanted++) {
        struct run run = {.wanted = wanted};
        for (unsigned first = 0; poll_of(first, 0, wanted, &run.poll[0]); first++) {
            run.polls = 1;
            judge(&run);
            for (unsigned second = 0; poll_of(second, 1, wanted, &run.poll[1]); second += is_quick ? 5 : 1) {
                run.polls = 2;
                judge(&run);
                if (first % 27 >= 9 || second % 27 >= 9) /* the third poll: after those with a good quorum alone */
                    continue;
                run.polls = 3;
                for (unsigned third = 0; third < 36 && poll_of(third, 2, wanted, &run.poll[2]); third += third_step)
                    judge(&run);
            }
        }
    }
}

static void describe_call(const void *state)
{
    const struct etcd_answer *answer = state;
    printf("outcome %d, refusal %d\n", (int)answer->outcome, (int)answer->refusal);
}

/* Every outcome of a call with every refusal. */
void model_calls(void)
{
    for (int outcome = CALL_UNKNOWN; outcome <= CALL_REFUSED; outcome++) {
        for (int refusal = REFUSAL_UNKNOWN; refusal <= REFUSAL_CN_GATEWAY; refusal++) {
            struct etcd_answer answer = {.outcome = (enum call_outcome)outcome, .refusal = (enum etcd_refusal)refusal};
            enum retry_class class = retry_class_of(&answer);
            bool is_unknown = outcome == CALL_UNKNOWN || refusal == REFUSAL_TIMED_OUT || refusal == REFUSAL_LEADER_CHANGED;
            rules_states++;
            if (is_unknown)
                rule_says(I8_UNKNOWN_READS, class == RETRY_READ_AGAIN, describe_call, &answer);
            for (unsigned attempts = 0; attempts < 40; attempts++) {
                int64_t delay_ms = retry_delay_ms(class, attempts, attempts * 0x9e3779b97f4a7c15u);
                rule_says(I8_DELAY_BOUNDED, delay_ms >= 50 && delay_ms <= 2400, describe_call, &answer);
            }
        }
    }
}
