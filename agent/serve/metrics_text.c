#include "usher/serve/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "usher/core/quorum.h"
#include "usher/serve/probe_verdict.h"

/* Each family starts here, so that HELP and TYPE are never forgotten and never come twice. */
static void family(struct bounded_text *text, const char *name, const char *type, const char *help)
{
    (void)bounded_text_printf(text, "# HELP etcd_usher_%s %s\n# TYPE etcd_usher_%s %s\n", name, help, name, type);
}

static void gauge(struct bounded_text *text, const char *name, const char *help, double value)
{
    family(text, name, "gauge", help);
    (void)bounded_text_printf(text, "etcd_usher_%s %.15g\n", name, value);
}

static void counter(struct bounded_text *text, const char *name, const char *help, uint64_t value)
{
    family(text, name, "counter", help);
    (void)bounded_text_printf(text, "etcd_usher_%s %" PRIu64 "\n", name, value);
}

/* One sample of a family with one label; the values are words of ours, nothing to escape. */
static void labelled(struct bounded_text *text, const char *name, const char *label, const char *word, uint64_t value)
{
    (void)bounded_text_printf(text, "etcd_usher_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

/* "Never" is NaN: a rule that compares it is false, and an age of 0 would look like news. */
static void age(struct bounded_text *text, const char *name, const char *help, int64_t at_ms, int64_t now_ms)
{
    family(text, name, "gauge", help);
    if (at_ms < 0)
        (void)bounded_text_printf(text, "etcd_usher_%s NaN\n", name);
    else
        (void)bounded_text_printf(text, "etcd_usher_%s %.3f\n", name, (double)(now_ms > at_ms ? now_ms - at_ms : 0) / 1000.0);
}

/* Versions come from etcd: only what a version is made of reaches a label. */
static void add_version(struct bounded_text *text, const char *version)
{
    for (const char *c = version; *c; c++) {
        bool is_plain =
            (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '.' || *c == '-' || *c == '+';
        (void)bounded_text_add(text, is_plain ? c : "_", 1);
    }
}

static void write_probes(struct bounded_text *text, const struct snapshot *snapshot, int64_t now_ms)
{
    gauge(text, "live", "1 when /livez passes.", probe_judge(snapshot, PROBE_LIVE, now_ms) == 0);
    gauge(text, "ready", "1 when /readyz passes.", probe_judge(snapshot, PROBE_READY, now_ms) == 0);
    gauge(text, "startup_done", "1 when /startupz passes.", probe_judge(snapshot, PROBE_STARTUP, now_ms) == 0);
    gauge(text, "etcd_live", "1 when /etcd/livez passes.", probe_judge(snapshot, PROBE_ETCD_LIVE, now_ms) == 0);

    family(text, "ready_check", "gauge", "1 for each check of /readyz that passes.");
    uint32_t failed = probe_judge(snapshot, PROBE_READY, now_ms);
    const char *name, *why;
    for (unsigned i = 0; probe_part(snapshot, PROBE_READY, i, &name, &why); i++)
        labelled(text, "ready_check", "check", name, !(failed & UINT32_C(1) << i));

    age(text, "loop_turn_age_seconds", "Time since the loop last turned.", snapshot->health.loop_turned_at_ms, now_ms);
    age(text, "quorum_read_age_seconds", "Time since a quorum read through our etcd was answered.", snapshot->health.quorum_read_at_ms,
        now_ms);
    age(text, "etcd_port_accept_age_seconds", "Time since the client port of our etcd accepted.", snapshot->health.port_accepted_at_ms,
        now_ms);
    age(text, "member_list_age_seconds", "Time since the member list was read with a quorum.", snapshot->list_read_at_ms, now_ms);
    age(text, "uptime_seconds", "Time since the sidecar started.", snapshot->started_at_ms, now_ms);
}

static void write_states(struct bounded_text *text, const struct snapshot *snapshot, int64_t now_ms)
{
    static const enum snapshot_membership memberships[] = {SNAPSHOT_MEMBERSHIP_UNKNOWN, SNAPSHOT_NOT_LISTED, SNAPSHOT_LEARNER,
                                                           SNAPSHOT_VOTER};
    family(text, "membership", "gauge", "1 for what our member is by the last member list.");
    for (size_t i = 0; i < sizeof memberships / sizeof memberships[0]; i++)
        labelled(text, "membership", "state", snapshot_membership_word(memberships[i]), snapshot->membership == memberships[i]);

    static const enum plan_state plans[] = {PLAN_UNKNOWN, PLAN_START, PLAN_HOLD, PLAN_REMOVED, PLAN_REFUSED};
    family(text, "plan_state", "gauge", "1 for the state of the start plan.");
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        labelled(text, "plan_state", "state", plan_state_word(plans[i]), snapshot->plan == plans[i]);

    gauge(text, "is_leader", "1 when our member leads.", snapshot->is_leader);
    gauge(text, "leaving", "1 while it is evaluated whether our member leaves.", snapshot->is_leaving);
    gauge(text, "left", "1 when our member has left the cluster.", snapshot->health.has_left);
    gauge(text, "removed", "1 when our member was removed by somebody else.", snapshot->health.was_removed);
    gauge(text, "warnings", "Warnings that /status lists.", (double)snapshot->warning_count);

    bool is_waiting = snapshot->waiting_for != REASON_UNKNOWN;
    family(text, "waiting", "gauge", "1 while the usher waits, by what for.");
    labelled(text, "waiting", "reason", is_waiting ? reason_name(snapshot->waiting_for) : "none", is_waiting);
    bool has_time = is_waiting && snapshot->waiting_since_ms >= 0 && now_ms > snapshot->waiting_since_ms;
    gauge(text, "waiting_seconds", "How long the current wait has lasted.",
          has_time ? (double)(now_ms - snapshot->waiting_since_ms) / 1000.0 : 0.0);
}

/* What is not known is NaN; for a voter nothing is left to do. */
static void to_go(struct bounded_text *text, const char *name, const char *help, bool is_learner, bool is_known, double value)
{
    family(text, name, "gauge", help);
    if (is_learner && !is_known)
        (void)bounded_text_printf(text, "etcd_usher_%s NaN\n", name);
    else
        (void)bounded_text_printf(text, "etcd_usher_%s %.15g\n", name, is_learner ? value : 0.0);
}

static void write_learners(struct bounded_text *text, const struct snapshot *snapshot, int64_t now_ms)
{
    bool is_learner = snapshot->learner.is_known, is_measured = snapshot->learner.is_measured;

    gauge(text, "learner_progress_ratio", "How much of the leader's log our learner has applied; 1 for a voter.",
          is_learner ? snapshot->learner.fraction : (double)(snapshot->membership == SNAPSHOT_VOTER));
    to_go(text, "learner_entries_to_go", "Entries that our learner still has to apply.", is_learner, is_measured,
          (double)snapshot->learner.entries_to_go);
    to_go(text, "learner_bytes_to_go", "By how much the database of our learner is smaller than the leader's, while it catches up.",
          is_learner, is_measured, (double)snapshot->learner.bytes_to_go);
    to_go(text, "learner_seconds_to_go", "When our learner is in sync, by its speed so far.", is_learner, snapshot->learner.left_ms >= 0,
          (double)snapshot->learner.left_ms / 1000.0);
    to_go(text, "learner_idle_seconds", "How long our learner has made no progress.", is_learner, true,
          (double)snapshot->learner.idle_ms / 1000.0);
    gauge(text, "learner_stalled", "1 when our learner makes no progress.", is_learner && snapshot->learner.is_stalled);

    family(text, "other_learner_seconds", "gauge", "How long we have seen a learner that is not ours: the next joiner waits for it.");
    if (snapshot->other_learner.id.value == 0)
        return;
    char hex[ID_TEXT_BYTES];
    id_to_hex(snapshot->other_learner.id.value, hex);
    (void)bounded_text_printf(text, "etcd_usher_other_learner_seconds{member=\"%s\",started=\"%s\"} %.3f\n", hex,
                              snapshot->other_learner.is_started ? "true" : "false",
                              (double)(now_ms - snapshot->other_learner.since_ms) / 1000.0);
}

static void write_cluster(struct bounded_text *text, const struct snapshot *snapshot)
{
    size_t voters, learners, healthy;
    snapshot_count_members(snapshot, &voters, &learners, &healthy);
    size_t quorum = quorum_size(voters);
    gauge(text, "voters", "Voters in the last member list.", (double)voters);
    gauge(text, "learners", "Learners in the last member list.", (double)learners);
    gauge(text, "healthy_voters", "Voters that answer or are seen as connected.", (double)healthy);
    gauge(text, "quorum_voters", "Voters that a quorum needs.", voters ? (double)quorum : 0.0);
    gauge(text, "fault_tolerance_voters", "Healthy voters that may fail before the quorum is lost.",
          voters && healthy > quorum ? (double)(healthy - quorum) : 0.0);

    family(text, "etcd_version_info", "gauge", "1 for each etcd version seen in the cluster.");
    for (size_t i = 0; i < snapshot->member_count; i++) {
        const char *version = snapshot->members[i].version;
        bool is_known = !version[0];
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = strcmp(snapshot->members[k].version, version) == 0;
        if (is_known)
            continue;
        (void)bounded_text_add_c(text, "etcd_usher_etcd_version_info{version=\"");
        add_version(text, version);
        (void)bounded_text_add_c(text, "\"} 1\n");
    }
}

static void write_counters(struct bounded_text *text, const struct snapshot_counters *counters)
{
    counter(text, "turns_total", "Turns of the loop.", counters->turns);
    counter(text, "member_adds_total", "Members added by us.", counters->adds);
    counter(text, "promotions_total", "Learners promoted by us.", counters->promotions);
    counter(text, "removals_total", "Members removed by us.", counters->removals);
    counter(text, "url_updates_total", "Peer URLs updated by us.", counters->url_updates);
    counter(text, "leader_moves_total", "Leaderships moved by us.", counters->leader_moves);
    counter(text, "archives_total", "Data directories moved aside.", counters->archives);
    counter(text, "waits_total", "Waits begun.", counters->waits);
    counter(text, "errors_total", "Turns that failed on this machine (disk, permissions, memory).", counters->errors);

    family(text, "leave_evaluations_total", "counter", "Evaluations of leaving, by how they ended.");
    labelled(text, "leave_evaluations_total", "result", "left", counters->leaves_done);
    labelled(text, "leave_evaluations_total", "result", "stayed", counters->leaves_stayed);
    labelled(text, "leave_evaluations_total", "result", "failed", counters->leaves_failed);

    family(text, "decisions_total", "counter", "Decisions by their reason.");
    enum reason reason;
    for (unsigned i = 0; i < SNAPSHOT_REASONS_MAX && (reason = reason_at(i)) != REASON_UNKNOWN; i++)
        if (counters->decisions[i] != 0)
            labelled(text, "decisions_total", "reason", reason_name(reason), counters->decisions[i]);

    family(text, "calls_total", "counter", "Calls to etcd and to the set record, by outcome.");
    for (unsigned verb = SNAPSHOT_VERB_LOOK; verb < SNAPSHOT_VERBS; verb++)
        for (unsigned outcome = 0; outcome < SNAPSHOT_OUTCOMES; outcome++)
            (void)bounded_text_printf(text, "etcd_usher_calls_total{verb=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                                      snapshot_verb_word((enum snapshot_verb)verb), snapshot_outcome_word((enum snapshot_outcome)outcome),
                                      counters->calls[verb][outcome]);
}

bool metrics_text_write(const struct snapshot *snapshot, const struct http_counters *http, const char *version, int64_t now_ms,
                        struct bounded_text *out_text)
{
    family(out_text, "build_info", "gauge", "1, with the version of etcd-usher.");
    (void)bounded_text_printf(out_text, "etcd_usher_build_info{version=\"%s\"} 1\n", version);
    write_probes(out_text, snapshot, now_ms);
    write_states(out_text, snapshot, now_ms);
    write_learners(out_text, snapshot, now_ms);
    write_cluster(out_text, snapshot);
    write_counters(out_text, &snapshot->counters);
    counter(out_text, "http_requests_total", "HTTP requests answered.", http->requests);
    counter(out_text, "http_not_found_total", "HTTP requests for a path that does not exist.", http->not_found);
    counter(out_text, "http_bad_methods_total", "HTTP requests that were neither GET nor HEAD.", http->bad_methods);
    counter(out_text, "http_cut_off_total", "HTTP connections ended because a request took too long to arrive.", http->cut_off);
    gauge(out_text, "http_connections", "Open HTTP connections.", (double)http->connections);
    return !out_text->overflowed;
}
