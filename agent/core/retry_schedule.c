#include "usher/core/retry_schedule.h"

enum retry_class retry_class_of(const struct etcd_answer *answer)
{
    if (answer->outcome == CALL_UNKNOWN)
        return RETRY_READ_AGAIN;
    switch (answer->refusal) {
    case REFUSAL_TOO_MANY_LEARNERS:
        return RETRY_TURN;
    case REFUSAL_UNHEALTHY_CLUSTER:
    case REFUSAL_NOT_ENOUGH_STARTED:
        return RETRY_FIVE_SECONDS;
    case REFUSAL_ID_EXISTS:
    case REFUSAL_MEMBER_NOT_FOUND:
        return RETRY_SAME_SECOND;
    case REFUSAL_PEER_URL_EXISTS:
    case REFUSAL_TIMED_OUT:
    case REFUSAL_LEADER_CHANGED:
    case REFUSAL_STOPPED:
        return RETRY_READ_AGAIN;
    case REFUSAL_UNKNOWN:
    case REFUSAL_NOT_FOR_LEARNER:
    case REFUSAL_LEARNER_NOT_READY:
    case REFUSAL_NOT_A_LEARNER:
    case REFUSAL_BAD_URLS:
    case REFUSAL_NO_LEADER:
    case REFUSAL_NOT_LEADER:
    case REFUSAL_BAD_TRANSFEREE:
    case REFUSAL_CLUSTER_ID_MISMATCH:
    case REFUSAL_USER_EMPTY:
    case REFUSAL_BAD_TOKEN:
    case REFUSAL_PERMISSION_DENIED:
    case REFUSAL_AUTH_FAILED:
    case REFUSAL_AUTH_NOT_ENABLED:
    case REFUSAL_NO_SPACE:
    case REFUSAL_CORRUPT:
    case REFUSAL_GATEWAY:
    case REFUSAL_CN_GATEWAY:
        break;
    }
    return RETRY_GENERAL;
}

static int64_t base_ms(enum retry_class class, unsigned attempts)
{
    unsigned doublings = attempts < 4 ? attempts : 4;

    switch (class) {
    case RETRY_READ_AGAIN:
        return 50LL << doublings; /* 50 to 800 ms */
    case RETRY_TURN:
        return 100;
    case RETRY_FIVE_SECONDS:
        return 100;
    case RETRY_SAME_SECOND:
        return 1000;
    case RETRY_GENERAL:
    case RETRY_UNKNOWN:
        break;
    }
    return 100LL << doublings; /* 100 to 1600 ms */
}

int64_t retry_delay_ms(enum retry_class class, unsigned attempts, uint64_t random)
{
    int64_t base = base_ms(class, attempts);

    /* 100 % to 150 %: never earlier than the base, so that waiting into the next second holds, and apart from the others' tries. */
    return base + (int64_t)(random % (uint64_t)(base / 2 + 1));
}
