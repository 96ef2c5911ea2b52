#include "usher/serve/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/deadline.h"

struct snapshot_board {
    pthread_mutex_t lock;
    _Atomic uint64_t version;
    struct snapshot value; /* under the lock */
};

/* How many rows the reason table has, counted by the compiler. */
enum {
#define X(number, symbol, name, row, sentence, remedy) ROW_##symbol,
    USHER_REASONS(X)
#undef X
        REASON_ROWS
};
_Static_assert((int)REASON_ROWS <= (int)SNAPSHOT_REASONS_MAX, "SNAPSHOT_REASONS_MAX must hold a counter for every reason");

void snapshot_init(struct snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->published_at_ms = -1;
    snapshot->started_at_ms = -1;
    snapshot->health.loop_turned_at_ms = -1;
    snapshot->health.quorum_read_at_ms = -1;
    snapshot->health.port_accepted_at_ms = -1;
    snapshot->health.etcd_expected_since_ms = -1;
    snapshot->waiting_since_ms = -1;
    snapshot->list_read_at_ms = -1;
    snapshot->learner.left_ms = -1;
    snapshot->learner.learner_since_ms = -1;
}

void snapshot_add_warning(struct snapshot *snapshot, const char *format, ...)
{
    if (snapshot->warning_count >= SNAPSHOT_WARNINGS_MAX)
        return;
    va_list values;
    va_start(values, format);
    (void)vsnprintf(snapshot->warnings[snapshot->warning_count++], SNAPSHOT_TEXT_BYTES, format, values);
    va_end(values);
}

struct snapshot_member *snapshot_member_of(struct snapshot *snapshot, struct member_id id)
{
    for (size_t i = 0; i < snapshot->member_count; i++)
        if (member_id_equals(snapshot->members[i].id, id))
            return &snapshot->members[i];
    return NULL;
}

void snapshot_count_members(const struct snapshot *snapshot, size_t *out_voters, size_t *out_learners, size_t *out_healthy_voters)
{
    size_t voters = 0, learners = 0, healthy_voters = 0;
    for (size_t i = 0; i < snapshot->member_count; i++) {
        const struct snapshot_member *member = &snapshot->members[i];
        learners += member->is_learner;
        voters += !member->is_learner;
        healthy_voters += !member->is_learner && member->is_healthy == TRI_YES;
    }
    *out_voters = voters;
    *out_learners = learners;
    *out_healthy_voters = healthy_voters;
}

void snapshot_count_decision(struct snapshot_counters *counters, enum reason reason)
{
    for (unsigned i = 0; i < SNAPSHOT_REASONS_MAX; i++) {
        enum reason row = reason_at(i);
        if (row == REASON_UNKNOWN)
            return;
        if (row == reason) {
            counters->decisions[i]++;
            return;
        }
    }
}

const char *snapshot_membership_word(enum snapshot_membership membership)
{
    switch (membership) {
    case SNAPSHOT_NOT_LISTED:
        return "not-listed";
    case SNAPSHOT_LEARNER:
        return "learner";
    case SNAPSHOT_VOTER:
        return "voter";
    case SNAPSHOT_MEMBERSHIP_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *snapshot_verb_word(enum snapshot_verb verb)
{
    switch (verb) {
    case SNAPSHOT_VERB_LOOK:
        return "look";
    case SNAPSHOT_VERB_QUORUM_READ:
        return "quorum-read";
    case SNAPSHOT_VERB_ADD:
        return "member-add";
    case SNAPSHOT_VERB_PROMOTE:
        return "member-promote";
    case SNAPSHOT_VERB_REMOVE:
        return "member-remove";
    case SNAPSHOT_VERB_UPDATE_URLS:
        return "member-update";
    case SNAPSHOT_VERB_MOVE_LEADER:
        return "move-leader";
    case SNAPSHOT_VERB_RECORD_WRITE:
        return "record-write";
    case SNAPSHOT_VERB_UNKNOWN:
    case SNAPSHOT_VERBS:
        break;
    }
    return "unknown";
}

const char *snapshot_outcome_word(enum snapshot_outcome outcome)
{
    switch (outcome) {
    case SNAPSHOT_OUTCOME_OK:
        return "ok";
    case SNAPSHOT_OUTCOME_REFUSED:
        return "refused";
    case SNAPSHOT_OUTCOME_NOT_SENT:
        return "not-sent";
    case SNAPSHOT_OUTCOME_UNKNOWN:
    case SNAPSHOT_OUTCOMES:
        break;
    }
    return "unknown";
}

bool snapshot_board_new(struct snapshot_board **out_board, struct usher_error *err)
{
    struct snapshot_board *board = calloc(1, sizeof *board);
    if (!board)
        return usher_error_errno(err, ENOMEM, "no memory for the published snapshot");
    int number = pthread_mutex_init(&board->lock, NULL);
    if (number != 0) {
        free(board);
        return usher_error_errno(err, number, "cannot make the lock of the published snapshot");
    }
    snapshot_init(&board->value);
    *out_board = board;
    return true;
}

void snapshot_board_free(struct snapshot_board *board)
{
    if (!board)
        return;
    (void)pthread_mutex_destroy(&board->lock);
    free(board);
}

void snapshot_board_publish(struct snapshot_board *board, const struct snapshot *snapshot)
{
    int64_t now_ms = monotonic_ms();
    (void)pthread_mutex_lock(&board->lock);
    board->value = *snapshot;
    board->value.published_at_ms = now_ms;
    if (board->value.health.loop_turned_at_ms < 0)
        board->value.health.loop_turned_at_ms = now_ms;
    atomic_fetch_add_explicit(&board->version, 1, memory_order_release);
    (void)pthread_mutex_unlock(&board->lock);
}

uint64_t snapshot_board_version(const struct snapshot_board *board) { return atomic_load_explicit(&board->version, memory_order_acquire); }

uint64_t snapshot_board_read(struct snapshot_board *board, struct snapshot *out_snapshot)
{
    (void)pthread_mutex_lock(&board->lock);
    *out_snapshot = board->value;
    uint64_t version = atomic_load_explicit(&board->version, memory_order_relaxed);
    (void)pthread_mutex_unlock(&board->lock);
    return version;
}
