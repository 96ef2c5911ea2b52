#include "usher/serve/probe_verdict.h"

#include <assert.h>

enum part {
    PART_UNKNOWN = 0,
    PART_LOOP,   /* the loop turns */
    PART_SEAT,   /* neither removed nor left */
    PART_VOTER,  /* a voter, not a learner */
    PART_RECORD, /* the cluster that we founded stands in the set record */
    PART_QUORUM, /* a quorum read is fresh */
    PART_PLAN,   /* this life's plan is written */
    PART_PORT,   /* our etcd's port accepts, or need not */
};

enum { PARTS_MAX = 5 };

/* Which parts make which probe. */
static const enum part probe_parts[PROBES][PARTS_MAX] = {
    [PROBE_LIVE] = {PART_LOOP},
    [PROBE_READY] = {PART_LOOP, PART_SEAT, PART_VOTER, PART_RECORD, PART_QUORUM},
    [PROBE_STARTUP] = {PART_PLAN},
    [PROBE_ETCD_LIVE] = {PART_PORT},
};

static const char *part_name(enum part part)
{
    switch (part) {
    case PART_LOOP:
        return "loop";
    case PART_SEAT:
        return "seat";
    case PART_VOTER:
        return "voter";
    case PART_RECORD:
        return "founding-recorded";
    case PART_QUORUM:
        return "quorum-read";
    case PART_PLAN:
        return "plan";
    case PART_PORT:
        return "etcd-port";
    case PART_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *probe_word(enum probe probe)
{
    switch (probe) {
    case PROBE_LIVE:
        return "livez";
    case PROBE_READY:
        return "readyz";
    case PROBE_STARTUP:
        return "startupz";
    case PROBE_ETCD_LIVE:
        return "etcd/livez";
    case PROBE_UNKNOWN:
    case PROBES:
        break;
    }
    return "unknown";
}

static struct health_facts all_well(int64_t now_ms)
{
    return (struct health_facts){
        .now_ms = now_ms,
        .loop_turned_at_ms = now_ms,
        .quorum_read_at_ms = now_ms,
        .port_accepted_at_ms = now_ms,
        .etcd_expected_since_ms = -1,
        .is_voter = true,
        .founder_is_recorded = true,
        .plan_was_written = true,
    };
}

/* One part as it is, everything else well: what the judge says then is about this part alone. */
static struct health_verdict judge_part(const struct health_facts *seen, enum part part, int64_t now_ms)
{
    struct health_facts facts = all_well(now_ms);
    switch (part) {
    case PART_LOOP:
        facts.loop_turned_at_ms = seen->loop_turned_at_ms;
        break;
    case PART_SEAT:
        facts.has_left = seen->has_left;
        facts.was_removed = seen->was_removed;
        break;
    case PART_VOTER:
        facts.is_voter = seen->is_voter;
        facts.is_learner = seen->is_learner;
        break;
    case PART_RECORD:
        facts.founder_is_recorded = seen->founder_is_recorded;
        break;
    case PART_QUORUM:
        facts.quorum_read_at_ms = seen->quorum_read_at_ms;
        break;
    case PART_PLAN:
        facts.plan_was_written = seen->plan_was_written;
        break;
    case PART_PORT:
        facts.etcd_expected_since_ms = seen->etcd_expected_since_ms;
        facts.port_accepted_at_ms = seen->port_accepted_at_ms;
        break;
    case PART_UNKNOWN:
        return (struct health_verdict){.ready_reason = REASON_UNKNOWN};
    }
    return health_judge(&facts);
}

static bool is_passed(const struct health_verdict *verdict, enum part part)
{
    if (part == PART_PLAN)
        return verdict->is_started;
    if (part == PART_PORT)
        return verdict->is_etcd_live;
    if (part == PART_LOOP)
        return verdict->is_live;
    return verdict->is_ready;
}

/* The whole verdict, one call: what nearly every probe needs. */
static bool passes(const struct health_facts *seen, enum probe probe, int64_t now_ms)
{
    struct health_facts facts = *seen;
    facts.now_ms = now_ms;
    struct health_verdict verdict = health_judge(&facts);
    switch (probe) {
    case PROBE_LIVE:
        return verdict.is_live;
    case PROBE_READY:
        return verdict.is_ready;
    case PROBE_STARTUP:
        return verdict.is_started;
    case PROBE_ETCD_LIVE:
        return verdict.is_etcd_live;
    case PROBE_UNKNOWN:
    case PROBES:
        break;
    }
    return false;
}

uint32_t probe_judge(const struct snapshot *snapshot, enum probe probe, int64_t now_ms)
{
    assert(probe > PROBE_UNKNOWN && probe < PROBES);
    if (passes(&snapshot->health, probe, now_ms))
        return 0;
    uint32_t failed = 0;
    for (unsigned i = 0; i < PARTS_MAX && probe_parts[probe][i] != PART_UNKNOWN; i++) {
        struct health_verdict verdict = judge_part(&snapshot->health, probe_parts[probe][i], now_ms);
        if (!is_passed(&verdict, probe_parts[probe][i]))
            failed |= UINT32_C(1) << i;
    }
    /* The judge said no, and no part explains it: still no. */
    return failed ? failed : UINT32_C(1) << PARTS_MAX;
}

static const char *why_failed(const struct snapshot *snapshot, enum part part)
{
    if (part == PART_PLAN)
        return snapshot->plan_message[0] ? snapshot->plan_message : "the start plan of this life is not written yet";
    if (part == PART_PORT)
        return "etcd should run, and its client port has not accepted for a minute";
    /* Judged at time 0 with every time "never": the kind of failure is what counts, not how old. */
    struct health_facts facts = snapshot->health;
    if (part == PART_LOOP)
        facts.loop_turned_at_ms = -1;
    if (part == PART_QUORUM)
        facts.quorum_read_at_ms = -1;
    struct health_verdict verdict = judge_part(&facts, part, 0);
    return reason_sentence(verdict.ready_reason);
}

bool probe_part(const struct snapshot *snapshot, enum probe probe, unsigned part, const char **out_name, const char **out_why_failed)
{
    assert(probe > PROBE_UNKNOWN && probe < PROBES);
    if (part >= PARTS_MAX || probe_parts[probe][part] == PART_UNKNOWN)
        return false;
    *out_name = part_name(probe_parts[probe][part]);
    *out_why_failed = why_failed(snapshot, probe_parts[probe][part]);
    return true;
}

void probe_text(const struct snapshot *snapshot, enum probe probe, uint32_t failed_parts, bool is_verbose, struct bounded_text *out_text)
{
    if (failed_parts == 0 && !is_verbose) {
        (void)bounded_text_add_c(out_text, "ok\n");
        return;
    }
    const char *name, *why;
    for (unsigned i = 0; probe_part(snapshot, probe, i, &name, &why); i++) {
        if (failed_parts & UINT32_C(1) << i)
            (void)bounded_text_printf(out_text, "[-]%s failed: %s\n", name, why);
        else
            (void)bounded_text_printf(out_text, "[+]%s ok\n", name);
    }
    (void)bounded_text_printf(out_text, "%s check %s\n", probe_word(probe), failed_parts == 0 ? "passed" : "failed");
}
