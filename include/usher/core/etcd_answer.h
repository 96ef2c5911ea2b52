/* How a call that writes (add, promote, remove, update, move leader) ended. */
#ifndef USHER_CORE_ETCD_ANSWER_H
#define USHER_CORE_ETCD_ANSWER_H

#include "usher/core/cluster_view.h"

enum call_outcome {
    CALL_UNKNOWN = 0, /* sent, no usable answer: it may be applied later. Read again before any next write (measured: a remove
                         given up after 2 s was applied 3 times of 3) */
    CALL_NOT_SENT,    /* certain: nothing reached etcd */
    CALL_OK,          /* answered with success by the member that was meant */
    CALL_REFUSED,     /* etcd said no, and `refusal` says which no */
};

/* etcd's refusals, told apart by message text, never by HTTP status (builds differ). */
enum etcd_refusal {
    REFUSAL_UNKNOWN = 0, /* a message that we do not know */
    REFUSAL_NOT_FOR_LEARNER,
    REFUSAL_TOO_MANY_LEARNERS,
    REFUSAL_ID_EXISTS,
    REFUSAL_PEER_URL_EXISTS,
    REFUSAL_LEARNER_NOT_READY,
    REFUSAL_NOT_A_LEARNER,
    REFUSAL_NOT_ENOUGH_STARTED,
    REFUSAL_UNHEALTHY_CLUSTER,
    REFUSAL_MEMBER_NOT_FOUND,
    REFUSAL_BAD_URLS,
    REFUSAL_NO_LEADER,
    REFUSAL_LEADER_CHANGED,
    REFUSAL_TIMED_OUT, /* etcd's own time-outs: the outcome of a write is UNKNOWN */
    REFUSAL_STOPPED,
    REFUSAL_NOT_LEADER,
    REFUSAL_BAD_TRANSFEREE,
    REFUSAL_CLUSTER_ID_MISMATCH,
    REFUSAL_USER_EMPTY,
    REFUSAL_BAD_TOKEN,
    REFUSAL_PERMISSION_DENIED,
    REFUSAL_AUTH_FAILED,
    REFUSAL_AUTH_NOT_ENABLED,
    REFUSAL_NO_SPACE,
    REFUSAL_CORRUPT,
    REFUSAL_GATEWAY,    /* the gateway could not reach its own etcd (EKU of the server certificate, dial, TLS) */
    REFUSAL_CN_GATEWAY, /* client certificate with a CN while etcd auth is on */
};

struct etcd_answer {
    enum call_outcome outcome;
    enum etcd_refusal refusal;
    struct cluster_id cluster;    /* header of the reply, when there was one */
    struct member_id answered_by; /* header of the reply */
    struct member_id added;       /* member add: the new ID */
    char message[PROBLEM_BYTES];  /* etcd's or curl's own words */
};

#endif
