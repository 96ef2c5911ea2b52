/* The invariants (I1 to I12) as far as they can be seen from outside, checked at the very step that would break them. What the cluster really
 * is, is known here: whose data lies on which volume, which pod is wanted, who runs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

/* A decision rests on a look: what happened since could not be known. */
enum { FRESH_MS = 6000, LATE_MS = 20000, START_MS = 3500 };

struct sim_counts sim_counts;
static int64_t last_fault_ms;
static bool is_over;

void sim_say(const char *format, ...)
{
    va_list arguments;

    if (!sim_is_verbose)
        return;
    printf("%9.3f  ", (double)sim_now_ms() / 1000);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void rules_broken(const char *format, ...)
{
    va_list arguments;

    if (is_over)
        return;
    is_over = true;
    printf("%9.3f  BROKEN ", (double)sim_now_ms() / 1000);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _Exit(1);
}

void rules_fault(const char *what)
{
    last_fault_ms = sim_now_ms();
    sim_counts.faults++;
    sim_say("fault: %s", what);
}

void rules_founded(int slot)
{
    sim_counts.founded++;
    sim_say("etcd: slot %d founds a cluster", slot);
    if (++sim_etcd.founded > 1)
        rules_broken("I1: slot %d founded a second cluster", slot);
}

static int slot_with_data_of(struct member_id id)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        struct wal_facts wal = {0};
        if (pod_reads_wal(slot, &wal) && wal.state == WAL_IDS && member_id_equals(wal.member, id))
            return slot;
    }
    return -1;
}

void rules_started(int slot, struct member_id id)
{
    const struct pod *pod = &sim_pods.of[slot];
    int other = etcd_slot_running(id);

    if (other >= 0)
        rules_broken("two etcd of one member run, in slots %d and %d", slot, other);
    if (etcd_was_removed(id) && sim_etcd.leader >= 0 && sim_etcd.leader_since_ms < pod->init_began_ms - FRESH_MS &&
        last_fault_ms < pod->init_began_ms - FRESH_MS && pod->etcd_again_ms <= pod->init_began_ms + FRESH_MS)
        rules_broken("I4: slot %d starts on the data of a member that was removed", slot);
}

/* Now, or so lately that a removal which was asked for then may be applied only now. */
static bool is_given_up(int slot)
{
    int64_t at_ms = sim_pods.of[slot].given_up_at_ms;
    return at_ms > 0 && sim_now_ms() - at_ms < LATE_MS;
}

void rules_removed(const struct sim_member *removed, int asked_by)
{
    const struct pod *pod = &sim_pods.of[removed->slot];
    int data = slot_with_data_of(removed->id);

    if (is_given_up(removed->slot))
        return;
    if (asked_by != removed->slot)
        rules_broken("I2: slot %d, whose seat was not given up, was removed by slot %d", removed->slot, asked_by);
    if (data >= 0 && !(sim_pods.is_ephemeral && (pod->is_deleted || !pod->exists)))
        rules_broken("I2: slot %d was removed, whose seat was not given up and whose data is there", removed->slot);
}

void rules_changed_voters(const char *what)
{
    size_t voters = 0, with_data = 0, linked = 0;

    for (size_t i = 0; i < sim_etcd.count; i++) {
        const struct sim_member *member = &sim_etcd.members[i];
        int slot = etcd_slot_running(member->id);
        if (member->is_learner)
            continue;
        voters++;
        with_data += slot_with_data_of(member->id) >= 0 ? 1 : 0;
        linked += slot >= 0 && sim_etcd.leader >= 0 && pods_are_linked(slot, sim_etcd.leader) ? 1 : 0;
    }
    if (voters == 0)
        rules_broken("I3: the last voter was removed");
    if (with_data <= voters / 2)
        rules_broken("I3: after %s only %zu of %zu voters have data", what, with_data, voters);
    if (linked <= voters / 2 && sim_now_ms() - last_fault_ms > FRESH_MS)
        rules_broken("I3: after %s only %zu of %zu voters are up", what, linked, voters);
}

void rules_init_ended(int slot, struct wal_facts before, bool had_leader)
{
    int64_t took_ms = sim_now_ms() - sim_pods.of[slot].init_began_ms;

    if (before.state == WAL_IDS && !had_leader && sim_etcd.leader < 0 && !etcd_was_removed(before.member) && took_ms > START_MS)
        rules_broken("I10: in an outage slot %d took %lld ms to start on its data", slot, (long long)took_ms);
}
