/* The named checks. Each counts how often it had something to say; a rule that never had is a failure, too: it would hold by itself. */
#ifndef USHER_TESTS_RULES_H
#define USHER_TESTS_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* X(symbol, what must hold) */
#define RULES(X)                                                                                                                           \
    X(I1_FOUND_ALONE, "I1 founding and claiming happen only where nobody at all answers and no data lies")                                 \
    X(I1_FOUND_WITH_RIGHT, "I1 only the holder of the claim, or the one that --bootstrap=once names, founds")                              \
    X(I1_CLAIM_EMPTY, "I1 only a record that was read and is empty is claimed")                                                            \
    X(I1_TRACE_NEVER_FOUNDS, "I1 a volume with a trace, a used nonce or unreadable notes never founds")                                    \
    X(I1_RECORDED_NEVER_FOUNDS, "I1 a record with a cluster ID never founds again")                                                        \
    X(I1_FORGET_BY_PERMIT, "I1 a recorded cluster or claim is forgotten only by the permit that names it")                                 \
    X(I1_FOUNDS, "I11 an untouched set founds: claim, then found")                                                                         \
    X(I2_REMOVE_OURS, "I2 what is removed is our own entry, by ID")                                                                        \
    X(I2_REMOVE_NOT_ALIVE, "I2 a member that answers is not removed by a joiner")                                                          \
    X(I2_STARTED_PROVEN, "I2 a predecessor that was started is removed only when dead by gauge and record, or by permit")                  \
    X(I3_REMOVE_QUORUM, "I3 a removal leaves a quorum of the voters left, and never removes the last")                                     \
    X(I4_REMOVED_DEAD, "I4 data that a barrier read shows as removed is never started")                                                    \
    X(I4_MARKED_DEAD, "I4 data with a left mark is not started while no list can be read")                                                 \
    X(I4_FOREIGN_DEAD, "I4 foreign data is started only by permit")                                                                        \
    X(I4_COPY_DEAD, "I4 data whose member lives elsewhere is started only by permit")                                                      \
    X(I4_MARK_FIRST, "I4 the left mark comes before anything else happens to removed data")                                                \
    X(I5_ASIDE_GROUND, "I5 data is moved aside only when removed, allowed by permit or policy, or remains beside a live cluster")          \
    X(I5_ASIDE_FITS, "I5 data is not moved aside where the new data has no room")                                                          \
    X(I5_DROP_BY_PERMIT, "I5 data is deleted only by permit, and only for want of room")                                                   \
    X(I5_DELETE_OWN_REMAINS, "I5 only remains of our own first start are deleted without a permit")                                        \
    X(I6_ADD_BLANK, "I6 an add needs a list without our entry, an empty directory and readable notes")                                     \
    X(I6_JOIN_OWN_ENTRY, "I6 joining starts only with the unstarted entry that the join record names")                                     \
    X(I6_UPDATE_VOTER, "I6 peer URLs are updated for listed voters alone, and only when none of ours is registered")                       \
    X(I7_PROMOTE_READY, "I7 only a listed learner that answers, beside a leader, with a quorum after it, is promoted")                     \
    X(I7_PROMOTE_IN_SYNC, "I7 it was in sync as often in a row as wanted, each time within a second")                                      \
    X(I7_DONE_AGREES, "I7 promotion is done exactly when list and own status agree")                                                       \
    X(I7_PROMOTES, "I11 a learner that is in sync is promoted")                                                                            \
    X(I8_ADD_SPACING, "I8 an add waits until etcd derives another ID than the removed one's")                                              \
    X(I8_UNKNOWN_READS, "I8 after an unknown outcome the list is read again first")                                                        \
    X(I8_DELAY_BOUNDED, "I11 every delay is above zero and bounded")                                                                       \
    X(I9_UNKNOWN_NOTHING, "I9 facts that are not known change nothing")                                                                    \
    X(I9_NO_LIST_NO_CHANGE, "I9 without a barrier read of our cluster the list is not changed and no data marked")                         \
    X(I9_RECORD_UNREADABLE, "I9 an unreadable record is never an empty one")                                                               \
    X(I9_CLUSTERS_DISAGREE, "I9 endpoints of two clusters, and nothing tells which is ours: refused")                                      \
    X(I9_FOREIGN_LIST, "I9 the list of another cluster than the expected or recorded one changes nothing")                                 \
    X(I10_DATA_STARTS, "I10 data that we did not leave starts without waiting when no quorum can be asked")                                \
    X(I11_JOINS, "I11 a fresh pod beside a live cluster joins")                                                                            \
    X(I11_JOINING_STARTS, "I11 our unstarted entry starts")                                                                                \
    X(I11_UNSTARTED_REPLACED, "I11 an unstarted entry of a predecessor is replaced")                                                       \
    X(I11_LOST_REPLACED, "I11 a lost volume's dead entry is replaced")                                                                     \
    X(I11_LISTED_STARTS, "I11 a listed member with data starts")                                                                           \
    X(I11_STALE_ASIDE, "I11 removed data is moved aside when the policy says so")                                                          \
    X(I11_REJOIN_NEVER, "G2 with --rejoin=never removed data is held back")                                                                \
    X(I11_WAIT_ENDS, "I11 every wait says when to look again")                                                                             \
    X(I11_PERMIT_HELPS, "I11 the permit that a refusal or wait names lets it pass")                                                        \
    X(I11_CONVERGES, "I11 applied one after another, whatever the calls answer, decisions come to rest")                                   \
    X(ONE_ROW, "each reason has its one action, a name and a sentence")                                                                    \
    X(SAME_FACTS, "the same facts give the same decision")                                                                                 \
    X(QUORUM_ARITHMETIC, "4.4 the quorum rule agrees with counting")                                                                       \
    X(QUORUM_UNKNOWN_NEVER, "I9 no barrier read or an unknown change: the quorum rule allows nothing")                                     \
    X(QUORUM_HEALTH, "4.4 healthy is who answers as its ID in the list's cluster, not who answers without a leader")                       \
    X(LEAVE_GROUND, "4.3 leaving goes on only where request, policy and proof say so")                                                     \
    X(LEAVE_ITSELF, "I2 leaving removes ourselves alone, listed, by a barrier read of our cluster")                                        \
    X(LEAVE_QUORUM, "I3 leaving keeps a quorum of the voters left; the last voter stays")                                                  \
    X(LEAVE_LEADER_FIRST, "I12 a leader moves its office before it leaves, where somebody can take it")                                    \
    X(LEAVE_LEADER_FIT, "I12 the office goes to another started, healthy, caught-up voter")                                                \
    X(LEAVE_BLIND, "I9 without a barrier read of our cluster nobody leaves")                                                               \
    X(LEAVE_ENDS, "I11 after the deadline leaving never waits")                                                                            \
    X(LEAVE_LEAVES, "I11 who is asked, allowed and not needed leaves")

enum rule {
#define X(symbol, text) symbol,
    RULES(X)
#undef X
        RULE_COUNT
};

/* Called with how many times the rule had something to say (usually once), and whether it held. `describe` is called for the first few
 * breaches of each rule. */
extern uint64_t rules_said[RULE_COUNT], rules_broken[RULE_COUNT], rules_states;

void rules_report(enum rule rule, void (*describe)(const void *state), const void *state);
/* Prints a line for each rule, the states, the sum. True when all held and each had something to say. */
bool rules_print(void);

static inline void rule_says(enum rule rule, bool holds, void (*describe)(const void *state), const void *state)
{
    rules_said[rule]++;
    if (!holds)
        rules_report(rule, describe, state);
}

/* The parts of the model. `is_quick`: small clusters and fewer combinations, for the planted bugs. */
void model_join(bool is_quick);
void model_converge(bool is_quick);
void model_quorum(bool is_quick);
void model_promote(bool is_quick);
void model_leave(bool is_quick);
void model_calls(void);

#endif
