/* The StatefulSet (podManagementPolicy Parallel), its controller, and what a kubelet does with each pod: init until it ends well, then etcd by
 * its plan and the sidecar; at the end the hook, SIGTERM to etcd, SIGTERM to the sidecar, and SIGKILL when the grace is over. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"
#include "usher/host/wal_header.h"
#include "usher/member/plan.h"

enum { INIT_AGAIN_MS = 5000, SIDECAR_AGAIN_MS = 1000, ETCD_AGAIN_MS = 1000, HOOK_RESERVE_MS = 2000 };

struct sim_pods sim_pods;
static struct world worlds[SLOTS];
static struct record_store stores[SLOTS];
static struct wal_facts wal_at_init[SLOTS];
static bool led_at_init[SLOTS];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind;
    return place->level == 0 ? 0 : remove(path);
}

static void empty_folder(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

bool pods_are_linked(int a, int b)
{
    const struct sim_pods *pods = &sim_pods;
    return a == b || (!pods->cut[a][b] && !pods->cut_off[a] && !pods->cut_off[b] && !pods->of[a].is_dead && !pods->of[b].is_dead);
}

bool pod_reads_wal(int slot, struct wal_facts *out)
{
    struct usher_error err = {0};

    wal_header_read(sim_pods.of[slot].settings.data_dir, "", out, &err);
    return out->state == WAL_NONE || out->state == WAL_IDS;
}

static void fill_settings(int slot, struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    snprintf(settings->data_dir, PATH_BYTES, "%s/slot-%d/data", sim_folder, slot);
    snprintf(settings->plan_dir, PATH_BYTES, "%s/slot-%d/plan", sim_folder, slot);
    sim_slot_url(slot, false, settings->local_endpoint);
    snprintf(settings->join.name, NAME_BYTES, "etcd-%d", slot);
    snprintf(settings->join.slot_name, NAME_BYTES, "etcd-%d", slot);
    snprintf(settings->pod_name, NAME_BYTES, "etcd-%d", slot);
    settings->join.peer_urls.count = settings->client_urls.count = 1;
    sim_slot_url(slot, true, settings->join.peer_urls.url[0]);
    sim_slot_url(slot, false, settings->client_urls.url[0]);
    for (int i = 0; i < SLOTS; i++)
        sim_slot_url(i, false, settings->endpoints[settings->endpoint_count++]);
    settings->join.bootstrap = BOOTSTRAP_RECORD;
    settings->join.rejoin = REJOIN_AT_START;
    settings->join.stale_data = settings->join.lost_data = DATA_POLICY_ACT;
    settings->join.unreadable_data = DATA_POLICY_REFUSE;
    settings->join.has_set_record = true;
    snprintf(settings->cluster_token, NAME_BYTES, "etcd-cluster");
    snprintf(settings->set_record, PATH_BYTES, "configmap:etcd");
    settings->leave = LEAVE_PROVEN;
    settings->leave_timeout_ms = 25000;
    settings->leaves_by_grace = true;
    settings->keep_archives = 1;
    settings->promote_samples = 2;
    settings->promotes_orphans = true;
    settings->orphan_after_ms = 30000;
    settings->ghost_after_ms = GHOST_AFTER_MS;
    settings->min_voters = 3;
}

void pods_init(bool is_ephemeral, int64_t replicas)
{
    char path[PATH_BYTES];

    memset(&sim_pods, 0, sizeof sim_pods);
    sim_pods.is_ephemeral = is_ephemeral;
    sim_pods.replicas = replicas;
    set_record_settle(&sim_pods.record);
    for (int slot = 0; slot < SLOTS; slot++) {
        struct pod *pod = &sim_pods.of[slot];
        fill_settings(slot, &pod->settings);
        snprintf(path, sizeof path, "%s/slot-%d", sim_folder, slot);
        mkdir(path, 0700);
        mkdir(pod->settings.data_dir, 0700);
        mkdir(pod->settings.plan_dir, 0700);
        pod->usher = calloc(1, sizeof *pod->usher);
        pod->beside = calloc(1, sizeof *pod->beside);
        sim_world_init(slot, &worlds[slot], &stores[slot]);
    }
}

static void run_init(void *argument)
{
    struct pod *pod = argument;
    int slot = task_owner();
    struct usher_error err = {0};

    pod->init_exit = USHER_EXIT_FAILED;
    if (!plan_discard(&pod->settings, &err))
        return;
    usher_init(pod->usher, &pod->settings, &worlds[slot], &stores[slot]);
    pod->init_exit = join_run(pod->usher, deadline_never(), &err);
    sim_say("init of slot %d ended with %d: %.400s", slot, (int)pod->init_exit, pod->usher->message);
}

static bool is_asked(void *self, enum leave_asked *out_how)
{
    const struct pod *pod = self;

    if (!pod->asks_to_leave || pod->hook_has_answer)
        return false;
    *out_how = LEAVE_ASKED_HOOK;
    return true;
}

static void say(void *self, const char *text) { (void)self, (void)text; }

static void done(void *self, enum usher_exit exit, enum reason reason, const char *text, bool is_final)
{
    struct pod *pod = self;
    (void)is_final;
    pod->hook_has_answer = true;
    sim_say("verdict of slot %d: %d, %s: %.300s", task_owner(), (int)exit, reason_name(reason), text);
}

static void publish(void *self, const struct sidecar *sidecar) { (void)self, (void)sidecar, sim_counts.turns++; }

static bool take_poke(void *self)
{
    (void)self;
    return false;
}

static void run_sidecar(void *argument)
{
    struct pod *pod = argument;
    int slot = task_owner();
    struct leave_door door = {pod, is_asked, say, done};
    struct usher_error err = {0};

    sidecar_init(pod->beside, &pod->settings, &worlds[slot], &stores[slot], &door);
    pod->beside->publish = publish;
    pod->beside->take_poke = take_poke;
    if (sidecar_run(pod->beside, &err) != USHER_EXIT_DONE)
        rules_broken("the sidecar of slot %d ended badly", slot);
}

static void create(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    empty_folder(pod->settings.plan_dir);
    pod->exists = true;
    pod->life++;
    pod->is_deleted = pod->init_is_done = pod->etcd_was_told = pod->hook_has_answer = pod->stops_init = pod->stops_sidecar =
        pod->asks_to_leave = pod->must_look = false;
    pod->init_again_ms = pod->etcd_again_ms = pod->sidecar_again_ms = sim_now_ms();
    snprintf(pod->settings.pod_uid, NAME_BYTES, "%d-%u", slot, pod->life);
    sim_say("pod %d is created", slot);
}

static void end_all(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    task_kill(&pod->init);
    task_kill(&pod->sidecar);
    etcd_stop(slot);
    pod->must_look = false;
}

void pod_gone(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    end_all(slot);
    pod->exists = pod->is_dead = false;
    if (sim_pods.is_ephemeral)
        empty_folder(pod->settings.data_dir);
    sim_say("pod %d is gone", slot);
}

void pod_die(int slot)
{
    end_all(slot);
    sim_pods.of[slot].is_dead = true;
}

void pod_lose_volume(int slot)
{
    pod_gone(slot);
    empty_folder(sim_pods.of[slot].settings.data_dir);
}

static void keep_init(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    if (pod->is_deleted && !pod->stops_init) {
        pod->stops_init = true;
        task_wake(pod->init);
    }
    if (pod->init == NULL) {
        if (pod->is_deleted)
            pod_gone(slot);
        else if (sim_now_ms() >= pod->init_again_ms) {
            pod_reads_wal(slot, &wal_at_init[slot]);
            led_at_init[slot] = sim_etcd.leader >= 0;
            pod->init_began_ms = sim_now_ms();
            pod->must_look = false;
            pod->init = task_start(run_init, pod, slot);
        }
        return;
    }
    if (!task_has_ended(pod->init))
        return;
    task_kill(&pod->init);
    pod->init_again_ms = sim_now_ms() + INIT_AGAIN_MS;
    if (pod->init_exit != USHER_EXIT_DONE)
        return;
    pod->init_is_done = true;
    rules_init_ended(slot, wal_at_init[slot], led_at_init[slot]);
}

static void keep_etcd(int slot)
{
    struct pod *pod = &sim_pods.of[slot];
    enum plan_state state = PLAN_UNKNOWN;
    bool is_new = false;

    if (sim_etcd.processes[slot].is_running || pod->etcd_was_told || sim_now_ms() < pod->etcd_again_ms)
        return;
    if (plan_read(&pod->settings, &state, &is_new) != PLAN_FILE_READ || state != PLAN_START)
        return;
    pod->etcd_again_ms = sim_now_ms() + ETCD_AGAIN_MS;
    if (!etcd_start(slot))
        sim_say("etcd of slot %d exited at its start", slot);
}

static void end_pod(int slot)
{
    struct pod *pod = &sim_pods.of[slot];
    int64_t left_ms = pod->deleted_at_ms + GRACE_MS - sim_now_ms();

    if (!pod->asks_to_leave) {
        pod->asks_to_leave = true;
        pod->asked_at_ms = sim_now_ms();
        task_wake(pod->sidecar);
    }
    if (!pod->etcd_was_told && (pod->hook_has_answer || left_ms < HOOK_RESERVE_MS)) {
        pod->etcd_was_told = pod->stops_sidecar = true;
        etcd_stop(slot);
        task_wake(pod->sidecar);
    }
    if (left_ms <= 0 || (pod->etcd_was_told && task_has_ended(pod->sidecar)))
        pod_gone(slot);
}

static void keep_sidecar(int slot)
{
    struct pod *pod = &sim_pods.of[slot];

    if (pod->sidecar != NULL || pod->stops_sidecar || sim_now_ms() < pod->sidecar_again_ms)
        return;
    pod->sidecar_again_ms = sim_now_ms() + SIDECAR_AGAIN_MS;
    pod->must_look = false;
    pod->sidecar = task_start(run_sidecar, pod, slot);
}

void pods_tick(void)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        struct pod *pod = &sim_pods.of[slot];
        bool is_wanted = slot < sim_pods.replicas;
        if (!is_wanted && sim_pods.replicas > 0) /* at 0 the set pauses */
            pod->given_up_at_ms = sim_now_ms();
        if (is_wanted && !pod->exists && !sim_pods.controller_is_away)
            create(slot);
        if (!is_wanted && pod->exists && !pod->is_deleted && !sim_pods.controller_is_away) {
            pod->is_deleted = true;
            pod->deleted_at_ms = sim_now_ms();
        }
        if (!pod->exists || pod->is_dead)
            continue;
        if (!pod->init_is_done) {
            keep_init(slot);
            continue;
        }
        keep_sidecar(slot);
        keep_etcd(slot);
        if (pod->is_deleted)
            end_pod(slot);
    }
}
