/* Every reason a decision can have: a stable number, a short name (log field, metrics label, event, /status), one sentence, and what a
 * person does about it. Numbers are never reused. 1xx guards and join, 2xx founding, 3xx promote, 4xx leave, 5xx seats, 6xx health,
 * 7xx waits that etcd itself asks for. `etcd-usher explain --reasons` prints this table; docs/reasons.md is made from it. */
#ifndef USHER_CORE_REASON_H
#define USHER_CORE_REASON_H

/* X(number, symbol, short name, DESIGN row, sentence, what to do) */
#define USHER_REASONS_JOIN(X)                                                                                                              \
    X(100, FACTS_INCOMPLETE, "facts-incomplete", "-", "not enough is known yet to decide anything",                                        \
      "nothing: it looks again; if it stays, the log says which look failed")                                                              \
    X(101, ETCD_LIVES, "etcd-lives", "G1", "our own etcd is running on this data, so nothing about the data is decided", "nothing")        \
    X(102, ETCD_LIVES_UNPLANNED, "etcd-lives-unplanned", "G1",                                                                             \
      "an etcd holds this data directory (or our client port) and no plan of ours exists; waiting for it to end",                          \
      "stop the etcd that still runs on this volume")                                                                                      \
    X(103, POD_WAS_REMOVED, "pod-was-removed", "G2", "this member was removed from the cluster while this pod ran; etcd is held back",     \
      "delete the pod to let a new one join again, or scale the set down")                                                                 \
    X(104, REJOIN_NEVER, "rejoin-never", "G2", "the data belongs to a removed member and --rejoin=never; etcd is held back",               \
      "start with --rejoin=at-start to let it join as a new member")                                                                       \
    X(105, DATA_DIR_MISSING, "data-dir-missing", "G3",                                                                                     \
      "the data directory or its parent does not exist; a wrong path must not look like a lost volume",                                    \
      "correct --data-dir or the volume mount; create the directory if it is truly new")                                                   \
    X(106, DATA_DIR_NOT_MOUNTED, "data-dir-not-mounted", "G3", "the data directory is not on a mounted volume",                            \
      "mount the volume at --data-dir in this container, too")                                                                             \
    X(107, WAL_ELSEWHERE, "wal-elsewhere", "G3", "a WAL lies one level away from the data directory: the path is probably wrong",          \
      "correct --data-dir or --wal-dir; move that WAL away if it is truly unrelated")                                                      \
    X(108, FOREIGN_CLUSTER, "foreign-cluster", "G4",                                                                                       \
      "the data belongs to another cluster than the one this set or --expect-cluster-id names",                                            \
      "attach the right volume; permit archive=ID moves this data aside, start=ID starts it as it is")                                     \
    X(109, FOREIGN_SLOT, "foreign-slot", "G4", "the volume belonged to another slot",                                                      \
      "attach the right volume; permit archive=ID moves this data aside, start=ID starts it as it is")                                     \
    X(110, FORGOTTEN_CLUSTER, "forgotten-cluster", "G4", "the data belongs to a cluster that a person declared gone for good",             \
      "permit archive=ID moves this data aside, start=ID starts it as it is")                                                              \
    X(111, CLUSTERS_DISAGREE, "clusters-disagree", "G5",                                                                                   \
      "the endpoints answer with different cluster IDs, or with another one than expected",                                                \
      "correct --endpoints; if the recorded cluster is gone for good, permit forget=CLUSTER-ID")                                           \
    X(120, START_UNSEEN, "start-unseen", "J1",                                                                                             \
      "data exists and no quorum can be asked: etcd starts as it is, so that a full outage heals", "nothing")                              \
    X(121, DEAD_DATA_WAITS, "dead-data-waits", "J2",                                                                                       \
      "the data was seen removed from its cluster, which cannot be asked now; waiting for it",                                             \
      "bring the other members back; this one then joins again as a new member")                                                           \
    X(122, START_LISTED, "start-listed", "J3", "our member is in the list: etcd starts on its data", "nothing")                            \
    X(123, COPY_LIVES, "copy-lives", "J3", "an etcd elsewhere answers as our member: this volume is a copy, or that one is",               \
      "stop one of the two; permit start=ID says that this volume is the right one")                                                       \
    X(124, COPY_CONNECTED_WAIT, "copy-connected-wait", "J3",                                                                               \
      "a voter shows our member as connected although our etcd is down; looking again", "nothing: it looks again for 10 s")                \
    X(125, COPY_CONNECTED, "copy-connected", "J3",                                                                                         \
      "a voter shows our member as connected although our etcd is down: a copy of this volume runs somewhere",                             \
      "stop the copy; permit start=ID says that this volume is the right one")                                                             \
    X(126, UPDATE_URLS, "update-urls", "J3", "none of our peer URLs is registered: our voter's entry gets them", "nothing")                \
    X(127, LEARNER_URLS_CHANGED, "learner-urls-changed", "J3",                                                                             \
      "none of our learner's peer URLs is ours and etcd must not update a learner: it is removed and joins again", "nothing")              \
    X(128, URL_HELD_BY_OTHER, "url-held-by-other", "J3", "another member than the one in our WAL holds our peer URL",                      \
      "look at the member list: correct --peer-url, or remove the entry that is wrong")                                                    \
    X(129, MARK_LEFT, "mark-left", "J4", "a quorum read shows that our member was removed: the data is marked as dead first of all",       \
      "nothing")                                                                                                                           \
    X(130, ARCHIVE_STALE, "archive-stale", "J4",                                                                                           \
      "our member was removed from the cluster: its data is moved aside and this pod joins anew", "nothing")                               \
    X(131, STALE_REFUSED, "stale-refused", "J4", "our member was removed from the cluster and --stale-data=refuse",                        \
      "permit archive=ID, or --stale-data=archive")                                                                                        \
    X(132, NO_SPACE_TO_ARCHIVE, "no-space-to-archive", "J4",                                                                               \
      "the old data would be moved aside, but the volume has no room for the new data beside it",                                          \
      "make room or grow the volume; permit drop=ID deletes the old data instead")                                                         \
    X(133, DROP_BY_PERMIT, "drop-by-permit", "J4", "a permit says to delete the old data, which there is no room to move aside",           \
      "nothing")                                                                                                                           \
    X(134, DATA_UNREADABLE, "data-unreadable", "J5", "the data cannot be read: it is neither started nor taken as lost",                   \
      "look at permissions and disk; permit archive=SLOT moves it aside")                                                                  \
    X(135, DATA_TORN, "data-torn", "J5", "the WAL's first records are torn or not a WAL",                                                  \
      "look at the disk; permit archive=SLOT or --unreadable-data=archive moves it aside")                                                 \
    X(136, ARCHIVE_UNREADABLE, "archive-unreadable", "J5", "unreadable data is moved aside as allowed", "nothing")                         \
    X(137, DELETE_OWN_REMAINS, "delete-own-remains", "J6", "remains of our own aborted first start are deleted", "nothing")                \
    X(138, REMAINS_WAIT, "remains-wait", "J7", "the data directory holds remains without a WAL and no quorum can be asked; waiting",       \
      "bring the cluster back, or look at what lies in member/snap")                                                                       \
    X(139, ARCHIVE_REMAINS, "archive-remains", "J8", "remains without a WAL are moved aside", "nothing")                                   \
    X(140, START_JOINING, "start-joining", "J9", "the entry that we were given for this volume has not started yet: etcd starts with it",  \
      "nothing")                                                                                                                           \
    X(141, ADD_LEARNER, "add-learner", "J10", "no entry of ours exists: this pod is added as a learner", "nothing")                        \
    X(142, REPLACE_UNSTARTED, "replace-unstarted", "J11",                                                                                  \
      "an entry for our slot was added, but not for this volume, and never started: it is removed and added anew", "nothing")              \
    X(143, LIVE_TWIN, "live-twin", "J12", "our data is gone, yet an etcd elsewhere runs as our member",                                    \
      "find and stop the other pod or machine with our peer URL, or give this one another URL")                                            \
    X(144, REPLACE_LOST, "replace-lost", "J13",                                                                                            \
      "our slot's member lost its volume and is down: its entry is removed and this pod joins anew", "nothing")                            \
    X(145, LOST_UNPROVEN_WAIT, "lost-unproven-wait", "J14",                                                                                \
      "our slot's member has started before, this volume is empty, and its death is not proven yet; looking again",                        \
      "nothing: it looks again for 10 s")                                                                                                  \
    X(146, LOST_UNPROVEN, "lost-unproven", "J14",                                                                                          \
      "our slot's member has started before, this volume is empty, and its death cannot be proven",                                        \
      "attach the old volume; or, if it is lost, permit replace=ID")                                                                       \
    X(147, LOST_REFUSED, "lost-refused", "J13", "our slot's member lost its volume and --lost-data=refuse",                                \
      "permit replace=ID, or --lost-data=replace with a set record")                                                                       \
    X(148, TWO_ENTRIES, "two-entries", "-", "two members could be ours: the peer URLs or the set record name both",                        \
      "look at the member list and remove the one that is wrong, by ID")                                                                   \
    X(149, NO_QUORUM_WAIT, "no-quorum-wait", "J15", "the cluster lives but has no quorum; nothing can be changed until it has",            \
      "bring its other members back")                                                                                                      \
    X(150, REMOVAL_SPACING, "removal-spacing", "J11",                                                                                      \
      "etcd refuses an ID that was removed in the same second: waiting a moment before adding", "nothing")                                 \
    X(151, QUORUM_FORBIDS, "quorum-forbids", "4.4", "removing that entry now would leave fewer healthy voters than the quorum needs",      \
      "bring the other voters back first")                                                                                                 \
    X(152, NOTES_UNREADABLE, "notes-unreadable", "-", "usher.json beside the data cannot be read or is newer than this program",           \
      "look at its permissions and contents; remove it only if this volume is new")                                                        \
    X(153, ARCHIVE_BY_PERMIT, "archive-by-permit", "G4", "a permit says to move this data aside", "nothing")

#define USHER_REASONS_FOUNDING(X)                                                                                                          \
    X(200, WAIT_FOR_CLUSTER, "wait-for-cluster", "J16",                                                                                    \
      "no member answers and this pod may not found a cluster; waiting for the endpoints",                                                 \
      "bring the cluster up, correct --endpoints, or set --bootstrap")                                                                     \
    X(201, CLAIM, "claim", "J16", "nothing exists yet: this pod claims the right to found the cluster", "nothing")                         \
    X(202, FOUND, "found", "J16", "this pod holds the claim: it founds the cluster", "nothing")                                            \
    X(203, RECORD_NOT_READABLE, "record-not-readable", "J16",                                                                              \
      "the set record cannot be read, so nobody knows whether a cluster was founded before; waiting", "make the set record readable")      \
    X(204, RECORD_HAS_CLUSTER, "record-has-cluster", "J16",                                                                                \
      "this set was founded before and no member of it answers; waiting for the old members",                                              \
      "bring the members with data back; if that cluster is gone for good, permit forget=CLUSTER-ID")                                      \
    X(205, CLAIMED_BY_OTHER, "claimed-by-other", "J16", "another slot holds the claim to found the cluster; waiting for it",               \
      "nothing; if that slot's volume is gone for good, permit forget=NONCE")                                                              \
    X(206, CLAIM_WITHOUT_NONCE, "claim-without-nonce", "J16",                                                                              \
      "our slot claimed the founding, but this volume does not hold the nonce of that claim",                                              \
      "attach the volume of the claim; if it is gone for good, permit forget=NONCE")                                                       \
    X(207, VOLUME_HAS_TRACE, "volume-has-trace", "J16", "this volume has been part of a cluster before, so it may not found one; waiting", \
      "bring that cluster back; or give this slot an empty volume")                                                                        \
    X(208, NONCE_USED, "nonce-used", "J16", "this volume founded a cluster before and its data is gone; waiting for the other members",    \
      "bring the other members back; if that cluster is gone for good, give this slot an empty volume and permit forget=CLUSTER-ID")       \
    X(209, SOMETHING_ANSWERS, "something-answers", "J15, J16",                                                                             \
      "something answers at an endpoint that cannot be used as a member; never founding beside it",                                        \
      "read the problem named with that endpoint (TLS, authentication, wrong port)")                                                       \
    X(213, ENDPOINTS_UNKNOWN, "endpoints-unknown", "J15",                                                                                  \
      "it is not known whether anybody lives at the endpoints; never founding on that",                                                    \
      "read the problem named with each endpoint: most often a name server that does not answer")                                          \
    X(210, NOT_THE_ONE, "not-the-one", "J16", "--bootstrap=once names another member as the founder; waiting for it", "nothing")           \
    X(211, FORGET, "forget", "J16", "a permit says that the recorded cluster or claim is gone for good: the record is emptied", "nothing") \
    X(212, OTHER_CLUSTER_RECORDED, "other-cluster-recorded", "J16",                                                                        \
      "the set record names another cluster than the one that this pod founded",                                                           \
      "one of the two must go: look at both IDs before anything else")

#include "usher/core/reason_more.h"

#define USHER_REASONS(X)                                                                                                                   \
    USHER_REASONS_JOIN(X)                                                                                                                  \
    USHER_REASONS_FOUNDING(X)                                                                                                              \
    USHER_REASONS_MORE(X)

enum reason {
    REASON_UNKNOWN = 0,
#define X(number, symbol, name, row, sentence, remedy) REASON_##symbol = (number),
    USHER_REASONS(X)
#undef X
};

const char *reason_name(enum reason reason); /* "unknown" for a number that is not in the table; never NULL, static */
const char *reason_row(enum reason reason);  /* the row of DESIGN 4 */
const char *reason_sentence(enum reason reason);
const char *reason_remedy(enum reason reason); /* "nothing" when no person is needed */

/* The n-th row of the table, REASON_UNKNOWN past its end. */
enum reason reason_at(unsigned index);

#endif
