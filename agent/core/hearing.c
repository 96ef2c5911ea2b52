#include "usher/core/hearing.h"

enum tri hear_judge(struct hear_watch *watch, struct member_id leader, struct member_id learner, const struct gauge_reading *reading,
                    int64_t now_ms)
{
    bool goes_on;

    if (!reading->was_read) {
        *watch = (struct hear_watch){.learner = learner};
        return TRI_UNKNOWN;
    }
    if (!reading->has_received_bytes)
        return reading->shows_connected ? TRI_UNKNOWN : TRI_NO;
    goes_on = member_id_equals(watch->learner, learner) && member_id_equals(watch->leader, leader) &&
              now_ms - watch->read_at_ms <= HEARD_GAP_MS && reading->received_bytes >= watch->bytes;
    if (!goes_on) {
        *watch = (struct hear_watch){.learner = learner, .leader = leader};
    } else if (reading->received_bytes > watch->bytes) {
        watch->was_heard = true;
        watch->heard_at_ms = now_ms;
    }
    watch->bytes = reading->received_bytes;
    watch->read_at_ms = now_ms;
    return watch->was_heard && now_ms - watch->heard_at_ms <= HEARD_FRESH_MS ? TRI_YES : TRI_NO;
}

bool ear_heard_nothing(const struct ear *before, uint64_t raft_term, struct member_id id, const struct gauge_reading *reading)
{
    if (!reading->was_read || before->raft_term != raft_term)
        return false;
    for (size_t i = 0; i < before->count; i++)
        if (member_id_equals(before->of[i].id, id))
            return before->of[i].received_bytes == reading->received_bytes;
    return false;
}

void ear_note(struct ear *ear, struct member_id id, const struct gauge_reading *reading)
{
    if (!reading->was_read || ear->count >= MEMBERS_MAX)
        return;
    ear->of[ear->count].id = id;
    ear->of[ear->count++].received_bytes = reading->received_bytes;
}
