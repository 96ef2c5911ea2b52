/* A simulated cluster in virtual time: every pod runs the very usher that ships (member/ and core/ over `struct world`), on real files, beside
 * an etcd that keeps etcd's own rules. One process, one thread; a seed decides everything, and replays it. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "usher/member/sidecar.h"

enum { SLOTS = 5, LIST_MAX = 12, REMOVED_MAX = 256, LATE_MAX = 8 };
enum { GRACE_MS = 30 * 1000, GHOST_AFTER_MS = 60 * 1000 };

/* -- tasks.c: virtual time, and tasks that take turns. A task runs until it sleeps; nothing else ever interrupts it. -- */
struct task;
int64_t sim_now_ms(void);
struct task *task_start(void (*run)(void *argument), void *argument, int owner);
void task_kill(struct task **task); /* kill -9: it never runs again. NULL is allowed; sets NULL */
bool task_has_ended(const struct task *task);
void task_sleep_until(int64_t at_ms); /* of the running task; ends early when it is woken */
void task_wake(struct task *task);
int task_owner(void);                                         /* of the running task; -1 outside of any */
void tasks_run(void (*root)(void *argument), void *argument); /* until `root` returns */

/* -- chance.c -- */
void chance_seed(uint64_t seed);
uint64_t chance_next(void);
int64_t chance_between(int64_t low, int64_t high); /* both included */
bool chance_percent(unsigned percent);

/* -- etcd.c: one cluster, as its leader's list has it, and one process a pod -- */
struct sim_member {
    struct member_id id;
    int slot; /* whose peer URL it has */
    bool is_learner, is_started;
    int64_t added_at_index;
};

struct sim_process {
    bool is_running;
    struct cluster_id cluster;
    struct member_id id;
    int64_t started_at_ms, ports_at_ms; /* the ports are open from the second on */
    int lock;                           /* descriptor that holds the lock on member/snap/db */
};

struct late_change { /* a proposal whose answer was lost, and that is applied all the same */
    int64_t at_ms;
    enum change { CHANGE_ADD = 1, CHANGE_PROMOTE, CHANGE_REMOVE } change;
    struct member_id id;
    int slot, asked_by;
};

struct sim_etcd {
    unsigned founded; /* clusters, ever */
    struct cluster_id cluster;
    size_t count;
    struct sim_member members[LIST_MAX];
    int64_t commit, term;
    int leader; /* slot; -1 = none */
    int64_t leader_since_ms, leader_lost_ms;
    size_t removed_count;
    struct member_id removed[REMOVED_MAX];
    size_t log_count; /* what each member ever had on its disk, by ID */
    struct {
        struct member_id id;
        int64_t logged;
    } logs[REMOVED_MAX];
    struct late_change late[LATE_MAX];
    struct sim_process processes[SLOTS];
    int64_t linked_since_ms[SLOTS][SLOTS]; /* -1 = not linked */
    uint64_t received[SLOTS][SLOTS];       /* bytes at [i] from the process at [j] */
    int64_t acknowledged;                  /* client writes */
};

void etcd_init(void);
void etcd_tick(int64_t step_ms); /* raft: elections, replication, links, late changes, removed members that stop */
bool etcd_start(int slot);       /* from the plan and the data directory; false = it exited */
void etcd_stop(int slot);
struct sim_member *etcd_member(struct member_id id);
struct sim_member *etcd_member_at(int slot); /* the newest with that slot's URL */
int etcd_slot_running(struct member_id id);  /* -1 = nowhere */
bool etcd_was_removed(struct member_id id);
int64_t *etcd_logged(struct member_id id);
bool etcd_move_leader(struct member_id to);
bool etcd_answers(int slot);    /* its ports are open */
bool etcd_has_quorum(int slot); /* a barrier read through it would be answered */
bool etcd_voters_healthy(void); /* a leader, and all voters linked to it */
/* etcd's own checks, at the member in `slot`. CALL_OK: it is applied now. */
struct etcd_answer etcd_change(int slot, enum change change, struct member_id id, int peer_slot, int asked_by, bool is_applied);

/* -- pods.c: the StatefulSet, its controller, and a kubelet for each pod -- */
struct pod {
    bool exists, is_deleted, is_dead; /* dead: its node is off, the API does not know yet */
    unsigned life;
    int64_t deleted_at_ms, given_up_at_ms, init_began_ms, init_again_ms, etcd_again_ms, sidecar_again_ms;
    bool init_is_done, etcd_was_told, hook_has_answer;
    bool stops_init, stops_sidecar; /* SIGTERM */
    enum usher_exit init_exit;
    bool asks_to_leave;
    int64_t asked_at_ms;
    struct task *init, *sidecar;
    struct usher *usher;
    struct sidecar *beside;
    struct settings settings;
    bool must_look; /* I8: the outcome of its last write is unknown */
};

struct sim_pods {
    int64_t replicas;
    bool is_ephemeral; /* emptyDir */
    bool api_is_down;
    bool controller_is_away;                /* nobody makes or deletes pods: a wanted one can be missing for long */
    bool cut[SLOTS][SLOTS], cut_off[SLOTS]; /* pairs; from everybody and from the API */
    struct pod of[SLOTS];
    struct set_record record;
    unsigned record_writes;
};

extern struct sim_etcd sim_etcd;
extern struct sim_pods sim_pods;
extern bool sim_is_verbose, sim_is_calm; /* calm: no more faults, nothing is lost or slow */
extern const char *sim_folder;

void pods_init(bool is_ephemeral, int64_t replicas);
void pods_tick(void);
void pod_die(int slot);  /* node off: everything in it ends at once */
void pod_gone(int slot); /* its object is deleted; what is wanted is made anew */
void pod_lose_volume(int slot);
bool pods_are_linked(int a, int b);
bool pod_reads_wal(int slot, struct wal_facts *out); /* what really lies there */
void sim_slot_url(int slot, bool is_peer, char out[URL_BYTES]);
int sim_slot_of_url(const char *url);

/* -- sim_world.c -- */
void sim_world_init(int slot, struct world *out_world, struct record_store *out_store);

/* -- rules.c: what must hold, told by whoever does it -- */
void rules_fault(const char *what); /* an adversary's step; the next seconds excuse what only freshness could have prevented */
void rules_founded(int slot);
void rules_started(int slot, struct member_id id);
void rules_removed(const struct sim_member *removed, int asked_by);
void rules_changed_voters(const char *what);
void rules_init_ended(int slot, struct wal_facts before, bool had_leader);
void rules_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern struct sim_counts {
    uint64_t founded, adds, promotions, removals, moves, starts, faults, turns, unknown_outcomes, refusals, permits, pods_deleted;
} sim_counts;

#endif
