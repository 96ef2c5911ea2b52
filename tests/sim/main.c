/* sim [-v] [FIRST [COUNT]]: runs COUNT seeds, each in a process of its own. A seed founds a set of pods, lets faults and scaling rain on it while a
 * client writes, then lets it rest, and asks whether it became whole. Prints what happened, and `N passed, M failed`. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"
#include "usher/host/log.h"
#include "usher/member/plan.h"

enum { STEP_MS = 50, CALM_LIMIT_MS = 400 * 1000, PATIENCE_MS = 100 * 1000, SETTLED_MS = 5000, SEED_LIMIT_S = 120 };

bool sim_is_verbose, sim_is_calm;
const char *sim_folder;

static void set_replicas(int64_t replicas)
{
    if (replicas == sim_pods.replicas)
        return;
    sim_say("scale: %lld -> %lld", (long long)sim_pods.replicas, (long long)replicas);
    sim_pods.replicas = replicas;
    rules_fault("scaled");
}

static void pass_ms(int64_t ms)
{
    for (int64_t until_ms = sim_now_ms() + ms; sim_now_ms() < until_ms;) {
        pods_tick();
        etcd_tick(STEP_MS);
        task_sleep_until(sim_now_ms() + STEP_MS);
    }
}

/* May this slot's data vanish? Only while raft itself could bear it. */
static bool can_lose(int slot)
{
    size_t voters = 0, others = 0;
    bool is_held = false;

    for (size_t i = 0; i < sim_etcd.count; i++) {
        const struct sim_member *member = &sim_etcd.members[i];
        struct wal_facts wal = {0};
        if (member->is_learner)
            continue;
        voters++;
        if (sim_pods.is_ephemeral && (sim_pods.of[member->slot].is_deleted || sim_pods.of[member->slot].is_dead))
            continue; /* its data is as good as gone */
        if (member->slot == slot || !pod_reads_wal(member->slot, &wal) || !member_id_equals(wal.member, member->id))
            continue;
        others++;
        is_held |= *etcd_logged(member->id) >= sim_etcd.commit;
    }
    return sim_etcd.founded > 0 && voters > 1 && others > voters / 2 && is_held;
}

static void fault_of_pod(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    switch (chance_between(0, 6)) {
    case 0:
        rules_fault("etcd is killed");
        etcd_stop(slot);
        break;
    case 1:
        rules_fault("the usher is killed");
        task_kill(pod->init_is_done ? &pod->sidecar : &pod->init);
        break;
    case 2:
    case 3:
        if (pod->exists && !pod->is_deleted && (!sim_pods.is_ephemeral || can_lose(slot))) {
            rules_fault("a pod is deleted");
            pod->is_deleted = true;
            pod->deleted_at_ms = sim_now_ms();
        }
        break;
    case 4:
        if (!sim_pods.is_ephemeral || can_lose(slot)) {
            rules_fault("a node is off");
            pod_die(slot);
        }
        break;
    case 5:
        if (can_lose(slot)) {
            rules_fault("a volume is lost");
            pod_lose_volume(slot);
        }
        break;
    default:
        rules_fault("a pod is cut off");
        sim_pods.cut_off[slot] = true;
        break;
    }
}

static void heal_some(bool all)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        struct pod *pod = &sim_pods.of[slot];
        if (pod->is_dead && (all || chance_percent(50))) { /* the node comes back: its pods are made anew */
            pod_gone(slot);
        }
        if (all || chance_percent(60))
            sim_pods.cut_off[slot] = false;
        for (int other = 0; other < SLOTS; other++)
            if (all || chance_percent(60))
                sim_pods.cut[slot][other] = sim_pods.cut[other][slot] = false;
    }
    if (all || chance_percent(60))
        sim_pods.api_is_down = false;
    if (all || chance_percent(40))
        sim_pods.controller_is_away = false;
}

static bool is_whole(void)
{
    if (sim_etcd.count != (size_t)sim_pods.replicas || !etcd_voters_healthy() ||
        !cluster_id_equals(sim_pods.record.cluster, sim_etcd.cluster))
        return false;
    for (size_t i = 0; i < sim_etcd.count; i++) {
        const struct sim_member *member = &sim_etcd.members[i];
        if (member->is_learner || !member->is_started || member->slot >= sim_pods.replicas || etcd_slot_running(member->id) != member->slot)
            return false;
    }
    return true;
}

/* An emptyDir goes with its pod, left or not: whoever scales such a set down while the API or a quorum is away, or down to pods that are no voters
 * yet, loses it whatever we do. */
static void scale_ephemeral(void)
{
    heal_some(true);
    pass_ms(10000);
    if (!is_whole())
        return;
    set_replicas(chance_between(1, SLOTS));
    pass_ms(GRACE_MS);
}

static void one_fault(void)
{
    int slot = (int)chance_between(0, SLOTS - 1), other = (int)chance_between(0, SLOTS - 1);

    switch (chance_between(0, 10)) {
    case 0:
    case 1:
        if (sim_pods.is_ephemeral)
            scale_ephemeral();
        else
            set_replicas(chance_between(chance_percent(70) ? 1 : 0, SLOTS));
        break;
    case 2:
        rules_fault("the API is down");
        sim_pods.api_is_down = true;
        break;
    case 3:
        rules_fault("a link is cut");
        sim_pods.cut[slot][other] = sim_pods.cut[other][slot] = slot != other;
        break;
    case 4:
        rules_fault("all etcd are killed");
        for (int i = 0; i < SLOTS; i++)
            etcd_stop(i);
        break;
    case 5:
        rules_fault("the controller is away");
        sim_pods.controller_is_away = true;
        break;
    default:
        fault_of_pod(slot);
        break;
    }
}

static void describe(void)
{
    for (size_t i = 0; i < sim_etcd.count; i++)
        printf("  member %llx slot %d %s%s runs in %d\n", (unsigned long long)sim_etcd.members[i].id.value, sim_etcd.members[i].slot,
               sim_etcd.members[i].is_learner ? "learner" : "voter", sim_etcd.members[i].is_started ? "" : ", not started",
               etcd_slot_running(sim_etcd.members[i].id));
    for (int slot = 0; slot < SLOTS; slot++)
        if (sim_pods.of[slot].exists)
            printf("  pod %d: init %s, says: %.600s\n", slot, sim_pods.of[slot].init_is_done ? "done" : "not done",
                   sim_pods.of[slot].init_is_done ? sim_pods.of[slot].beside->last_text : sim_pods.of[slot].usher->message);
}

static bool is_removed_while_it_ran(const struct pod *pod)
{
    enum plan_state state = PLAN_UNKNOWN;
    bool is_new;

    return pod->exists && pod->init_is_done && plan_read(&pod->settings, &state, &is_new) == PLAN_FILE_READ && state == PLAN_REMOVED;
}

/* What the tables leave to a person, and nothing else: a lost volume that the record does not give to that member needs `replace=`; a pod that
 * turned `removed` is deleted, and joins anew. */
static void help(void)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        struct pod *pod = &sim_pods.of[slot];
        const struct sim_member *member = etcd_member_at(slot);
        char permit[64];
        if (is_removed_while_it_ran(pod)) {
            sim_counts.pods_deleted++;
            sim_say("a person deletes pod %d", slot);
            pod_gone(slot);
        }
        if (!pod->exists || pod->init_is_done || pod->init_exit != USHER_EXIT_REFUSED || member == NULL || sim_etcd.leader < 0)
            continue;
        pod->init_exit = USHER_EXIT_DONE;
        if (member_id_equals(set_record_slot(&sim_pods.record, pod->settings.join.slot_name), member->id))
            continue;
        snprintf(permit, sizeof permit, "replace=%llx", (unsigned long long)member->id.value);
        sim_pods.record.permits = (struct permit_list){0};
        permit_list_parse(&sim_pods.record.permits, permit, PERMIT_FROM_RECORD);
        sim_pods.record_writes++;
        sim_counts.permits++;
        sim_say("a person permits %s", permit);
    }
}

static void become_whole(int64_t replicas)
{
    int64_t began_ms = sim_now_ms(), until_ms = began_ms + CALM_LIMIT_MS, whole_since_ms = -1;

    set_replicas(replicas);
    while (sim_now_ms() < until_ms && (whole_since_ms < 0 || sim_now_ms() - whole_since_ms < SETTLED_MS)) {
        pass_ms(500);
        if (sim_now_ms() - began_ms > PATIENCE_MS)
            help();
        whole_since_ms = !is_whole() ? -1 : whole_since_ms < 0 ? sim_now_ms() : whole_since_ms;
    }
    if (whole_since_ms >= 0)
        return;
    describe();
    rules_broken("I11: not whole at %lld members after %d s of calm", (long long)replicas, CALM_LIMIT_MS / 1000);
}

static void scenario(void *argument)
{
    int64_t faults = chance_between(4, 25);

    (void)argument;
    pass_ms(chance_between(0, 15000));
    for (int64_t i = 0; i < faults; i++) {
        one_fault();
        pass_ms(chance_percent(30) ? chance_between(0, 1000) : chance_between(1000, 40000));
        if (chance_percent(40))
            heal_some(false);
    }
    sim_is_calm = true;
    heal_some(true);
    rules_fault("calm");
    become_whole(SLOTS);
    become_whole(chance_between(1, SLOTS));
}

static int run_seed(uint64_t seed)
{
    chance_seed(seed);
    alarm(SEED_LIMIT_S);
    log_setup(LOG_FORMAT_TEXT, sim_is_verbose ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "sim");
    if (!sim_is_verbose && freopen("/dev/null", "w", stderr) == NULL)
        return 1;
    etcd_init();
    pods_init(chance_percent(20), chance_between(1, SLOTS));
    tasks_run(scenario, NULL);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

/* True: it held. The counts of all seeds are added up in shared memory. */
static bool fork_seed(uint64_t seed, struct sim_counts *total)
{
    char folder[PATH_BYTES];
    int status = 1;
    pid_t child;

    /* In memory where there is such a place: each step of an usher is fsynced. */
    snprintf(folder, sizeof folder, "%s/usher-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        return false;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        sim_folder = folder;
        status = run_seed(seed);
        fflush(stdout);
        for (size_t i = 0; i < sizeof *total / sizeof(uint64_t); i++)
            ((uint64_t *)total)[i] += ((const uint64_t *)&sim_counts)[i];
        _Exit(status);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (child < 0 || status != 0)
        printf("FAIL seed %llu (replay: sim -v %llu)\n", (unsigned long long)seed, (unsigned long long)seed);
    return child > 0 && status == 0;
}

int main(int argc, char **argv)
{
    struct sim_counts *total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t first, count, passed = 0;
    int at = 1;

    sim_is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    at += sim_is_verbose ? 1 : 0;
    first = argc > at ? strtoull(argv[at], NULL, 10) : 1;
    count = argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : 1;
    if (total == MAP_FAILED || count == 0 || argc > at + 2) {
        fprintf(stderr, "usage: sim [-v] [FIRST [COUNT]]\n");
        return 2;
    }
    for (uint64_t seed = first; seed < first + count; seed++)
        passed += fork_seed(seed, total) ? 1 : 0;
    printf("%llu faults and scalings, %llu turns of sidecars, %llu lost answers, %llu refusals: %llu founded, %llu adds, %llu promotions, "
           "%llu removals, %llu leaders moved, %llu starts of etcd; %llu permits and %llu deleted pods by a person\n",
           (unsigned long long)total->faults, (unsigned long long)total->turns, (unsigned long long)total->unknown_outcomes,
           (unsigned long long)total->refusals, (unsigned long long)total->founded, (unsigned long long)total->adds,
           (unsigned long long)total->promotions, (unsigned long long)total->removals, (unsigned long long)total->moves,
           (unsigned long long)total->starts, (unsigned long long)total->permits, (unsigned long long)total->pods_deleted);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)(count - passed));
    return passed == count ? 0 : 1;
}
