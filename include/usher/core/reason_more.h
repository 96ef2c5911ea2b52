/* The reasons of promote (3xx), leave (4xx), seats (5xx), health (6xx) and waits (7xx). Same columns as reason.h, which includes this. */
#ifndef USHER_CORE_REASON_MORE_H
#define USHER_CORE_REASON_MORE_H

#define USHER_REASONS_PROMOTE(X)                                                                                                           \
    X(300, IS_VOTER, "is-voter", "4.2", "our member is a voter: the list and its own status agree", "nothing")                             \
    X(301, VOTER_UNCONFIRMED, "voter-unconfirmed", "4.2", "the list shows our member as a voter, its own status does not yet",             \
      "nothing; if it stays, look at etcd's log (versions before 3.5.20 and 3.6.4 lose promotions)")                                       \
    X(302, LIST_UNREAD, "list-unread", "4.2", "no barrier read of the member list to be had just now", "bring the quorum back")            \
    X(303, LEARNER_NOT_STARTED, "learner-not-started", "4.2", "our learner's etcd does not answer yet", "look at etcd's log")              \
    X(304, LEADER_UNSEEN, "leader-unseen", "4.2", "the leader's commit index cannot be read, or our etcd sees no leader",                  \
      "look at the network between the members")                                                                                           \
    X(305, CATCHING_UP, "catching-up", "4.2", "our learner is catching up", "nothing")                                                     \
    X(306, PROMOTE_QUORUM, "promote-quorum", "4.4", "our learner is in sync, but with it as a voter too few voters would be healthy",      \
      "bring the other voters back first")                                                                                                 \
    X(307, PROMOTE, "promote", "4.2", "our learner is in sync: it becomes a voter", "nothing")                                             \
    X(308, PROMOTE_ORPHAN, "promote-orphan", "4.2", "a learner of our set is in sync and nobody promoted it: we do", "nothing")            \
    X(309, LEARNER_UNHEARD, "learner-unheard", "4.2", "our learner is in sync, but the leader has not heard from it just now",             \
      "if it lasts: look at the network between the peer ports of the members")

#define USHER_REASONS_LEAVE(X)                                                                                                             \
    X(400, STAY_NOT_ASKED, "stay-not-asked", "4.3", "nobody asked", "nothing")                                                             \
    X(401, STAY_NEVER, "stay-never", "4.3", "--leave=never: this member stays", "remove it by hand, or start with another --leave")        \
    X(402, STAY_NOT_ORDERED, "stay-not-ordered", "4.3", "--leave=asked: only `etcd-usher leave` takes this member out; it keeps its seat", \
      "nothing; `etcd-usher leave` takes it out")                                                                                          \
    X(403, STAY_NOT_DELETED, "stay-not-deleted", "4.3", "a request over the network without proof that the pod ends: it stays", "nothing") \
    X(404, STAY_ETCD_RUNS, "stay-etcd-runs", "4.3", "we were told to stop while our etcd still runs: a restarted sidecar is no death",     \
      "nothing")                                                                                                                           \
    X(405, STAY_UNPROVEN, "stay-unproven", "4.3", "nothing proves that this seat is given up: it stays and comes back with its data",      \
      "nothing")                                                                                                                           \
    X(406, STAY_COMES_BACK, "stay-comes-back", "4.3", "the pod comes back with its data: it keeps its seat", "nothing")                    \
    X(407, STAY_PAUSED, "stay-paused", "4.3", "replicas 0 is a pause: everybody keeps the seat", "nothing")                                \
    X(408, STAY_LAST_VOTER, "stay-last-voter", "I3", "the last voter never removes itself", "nothing")                                     \
    X(409, LEAVE_NO_QUORUM, "leave-no-quorum", "4.3", "the member list cannot be read with a quorum, so nothing can be removed",           \
      "bring the quorum back; if this member shall go, remove it by ID then")                                                              \
    X(410, LEAVE_QUORUM, "leave-quorum", "4.4", "without our member fewer healthy voters would be left than the quorum needs",             \
      "bring the other voters back; if this member shall go, remove it by ID then")                                                        \
    X(411, LEAVE_MOVE_LEADER, "leave-move-leader", "4.3", "our member leads: the leadership moves first", "nothing")                       \
    X(412, LEAVE_REMOVE, "leave-remove", "4.3", "our member is taken out of the cluster", "nothing")                                       \
    X(413, LEAVE_LEARNER, "leave-learner", "4.3", "our learner is taken out of the cluster", "nothing")                                    \
    X(415, LEAVE_LIST_OLD, "leave-list-old", "4.4", "asking took so long that the member list is read again before anything is removed",   \
      "nothing")                                                                                                                           \
    X(414, LEFT, "left", "4.3", "our member has left the cluster", "nothing")

#define USHER_REASONS_SEATS(X)                                                                                                             \
    X(500, GHOST_WAIT, "ghost-wait", "4.3",                                                                                                \
      "a member of our set answers nobody, and its seat was given up: it is removed when its pod is gone and that has lasted", "nothing")  \
    X(501, GHOST_QUORUM, "ghost-quorum", "4.4",                                                                                            \
      "without that dead member of our set fewer healthy voters would be left than the quorum needs", "bring the other voters back first") \
    X(502, GHOST_REMOVE, "ghost-remove", "4.3", "a dead member of our set, whose seat was given up and whose pod is gone, is taken out",   \
      "nothing")                                                                                                                           \
    X(503, JANITOR_WAIT, "janitor-wait", "4.3", "a member answers nobody: the janitor removes it when that has lasted",                    \
      "start it again, or nothing")                                                                                                        \
    X(504, JANITOR_QUORUM, "janitor-quorum", "4.4", "without that dead member fewer healthy voters would be left than the quorum needs",   \
      "bring the other voters back first")                                                                                                 \
    X(505, JANITOR_REMOVE, "janitor-remove", "4.3", "a member that has been dead for as long as --janitor-after is taken out", "nothing")

#define USHER_REASONS_HEALTH(X)                                                                                                            \
    X(600, READY, "ready", "5.3", "our member is a voter and a quorum read was answered just now", "nothing")                              \
    X(601, LIVE, "live", "5.3", "the agent's loop turns", "nothing")                                                                       \
    X(602, LOOP_STUCK, "loop-stuck", "5.3", "the agent's loop has not turned for a minute", "restart the sidecar; keep its log")           \
    X(603, UNREADY_LEARNER, "unready-learner", "5.3", "our member is still a learner", "nothing: it is promoted when it is in sync")       \
    X(604, UNREADY_NOT_MEMBER, "unready-not-member", "5.3", "our etcd does not serve as a member yet", "look at etcd's log")               \
    X(605, UNREADY_QUORUM, "unready-quorum", "5.3", "no quorum read through our etcd was answered for 2.5 s", "look at the other members") \
    X(606, UNREADY_REMOVED, "unready-removed", "5.3", "our member was removed from the cluster", "delete the pod to let a new one join")   \
    X(607, UNREADY_LEFT, "unready-left", "5.3", "our member has left the cluster", "nothing")                                              \
    X(608, UNREADY_UNRECORDED, "unready-unrecorded", "4.1", "the cluster that we founded does not stand in the set record yet",            \
      "make the set record writable")                                                                                                      \
    X(609, PEERS_NOT_CREATED, "peers-not-created", "5.3",                                                                                  \
      "the StatefulSet has not created the pods that a quorum needs: this member, which was a voter, counts as ready so that it does",     \
      "nothing; with podManagementPolicy Parallel this never happens")

#define USHER_REASONS_MORE(X)                                                                                                              \
    USHER_REASONS_PROMOTE(X)                                                                                                               \
    USHER_REASONS_LEAVE(X)                                                                                                                 \
    USHER_REASONS_SEATS(X)                                                                                                                 \
    USHER_REASONS_HEALTH(X)                                                                                                                \
    X(700, CALL_AMBIGUOUS, "call-ambiguous", "I8",                                                                                         \
      "a change was sent and its answer is not known: reading the list again before anything else", "nothing")

#endif
