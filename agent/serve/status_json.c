#include "usher/serve/status_json.h"

#include <jansson.h>

#include "usher/core/quorum.h"
#include "usher/serve/probe_verdict.h"

/* "No memory" reported value by value would drown the shape of the document; jansson's *_new functions give the reference back in
 * each case, so one flag is enough: a document that misses a value is not sent. */
struct document {
    bool is_whole;
};

static void put(struct document *document, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) != 0)
        document->is_whole = false;
}

static void append(struct document *document, json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) != 0)
        document->is_whole = false;
}

static json_t *text_or_null(const char *text)
{
    /* Names come from etcd: what is not UTF-8 must not cost the whole answer. */
    json_t *value = text[0] ? json_string(text) : json_null();
    return value ? value : json_string("(not UTF-8)");
}

static json_t *id_or_null(uint64_t id)
{
    if (id == 0)
        return json_null();
    char hex[ID_TEXT_BYTES];
    id_to_hex(id, hex);
    return json_string(hex);
}

static json_t *seconds_since(int64_t at_ms, int64_t now_ms)
{
    if (at_ms < 0)
        return json_null();
    return json_real((double)(now_ms > at_ms ? now_ms - at_ms : 0) / 1000.0);
}

static json_t *count_of(uint64_t value) { return json_integer((json_int_t)value); }

static void put_probe(struct document *document, json_t *root, const struct snapshot *snapshot, enum probe probe, const char *key,
                      json_t *checks, int64_t now_ms)
{
    uint32_t failed = probe_judge(snapshot, probe, now_ms);
    put(document, root, key, json_boolean(failed == 0));
    const char *name, *why;
    for (unsigned i = 0; checks && probe_part(snapshot, probe, i, &name, &why); i++) {
        bool is_passed = !(failed & UINT32_C(1) << i);
        json_t *check = json_object();
        put(document, check, "name", json_string(name));
        put(document, check, "ok", json_boolean(is_passed));
        put(document, check, "detail", is_passed ? json_null() : text_or_null(why));
        append(document, checks, check);
    }
}

static void put_health(struct document *document, json_t *root, const struct snapshot *snapshot, int64_t now_ms)
{
    struct health_facts facts = snapshot->health;
    facts.now_ms = now_ms;
    struct health_verdict verdict = health_judge(&facts);
    json_t *checks = json_array();
    put_probe(document, root, snapshot, PROBE_LIVE, "live", NULL, now_ms);
    put_probe(document, root, snapshot, PROBE_READY, "ready", checks, now_ms);
    put_probe(document, root, snapshot, PROBE_STARTUP, "startup_done", NULL, now_ms);
    put_probe(document, root, snapshot, PROBE_ETCD_LIVE, "etcd_live", NULL, now_ms);
    put(document, root, "ready_reason", json_string(reason_name(verdict.ready_reason)));
    put(document, root, "ready_sentence", json_string(reason_sentence(verdict.ready_reason)));
    put(document, root, "ready_checks", checks);

    json_t *ages = json_object();
    put(document, ages, "snapshot", seconds_since(snapshot->published_at_ms, now_ms));
    put(document, ages, "loop_turn", seconds_since(facts.loop_turned_at_ms, now_ms));
    put(document, ages, "quorum_read", seconds_since(facts.quorum_read_at_ms, now_ms));
    put(document, ages, "etcd_port_accepted", seconds_since(facts.port_accepted_at_ms, now_ms));
    put(document, ages, "member_list_read", seconds_since(snapshot->list_read_at_ms, now_ms));
    put(document, root, "age_seconds", ages);
    put(document, root, "up_seconds", seconds_since(snapshot->started_at_ms, now_ms));
}

static json_t *reason_object(struct document *document, enum reason reason)
{
    json_t *object = json_object();
    put(document, object, "reason", json_string(reason_name(reason)));
    put(document, object, "reason_number", json_integer((json_int_t)reason));
    put(document, object, "sentence", json_string(reason_sentence(reason)));
    put(document, object, "remedy", json_string(reason_remedy(reason)));
    return object;
}

static void put_decisions(struct document *document, json_t *root, const struct snapshot *snapshot, int64_t now_ms)
{
    json_t *plan = reason_object(document, snapshot->plan_reason);
    put(document, plan, "state", json_string(plan_state_word(snapshot->plan)));
    put(document, plan, "message", text_or_null(snapshot->plan_message));
    put(document, root, "plan", plan);

    json_t *last = reason_object(document, snapshot->last_reason);
    put(document, last, "action", text_or_null(snapshot->last_action));
    put(document, last, "target", id_or_null(snapshot->last_target.value));
    put(document, last, "text", text_or_null(snapshot->last_text));
    put(document, root, "last_decision", last);

    if (snapshot->waiting_for == REASON_UNKNOWN) {
        put(document, root, "waiting", json_null());
        return;
    }
    json_t *waiting = reason_object(document, snapshot->waiting_for);
    put(document, waiting, "text", text_or_null(snapshot->waiting_text));
    put(document, waiting, "seconds", seconds_since(snapshot->waiting_since_ms, now_ms));
    put(document, root, "waiting", waiting);
}

static json_t *member_object(struct document *document, const struct snapshot_member *member)
{
    json_t *object = json_object();
    put(document, object, "id", id_or_null(member->id.value));
    put(document, object, "name", text_or_null(member->name));
    put(document, object, "role", json_string(member->is_learner ? "learner" : "voter"));
    put(document, object, "is_started", json_boolean(member->is_started));
    put(document, object, "is_leader", json_boolean(member->is_leader));
    put(document, object, "is_healthy", member->is_healthy == TRI_UNKNOWN ? json_null() : json_boolean(member->is_healthy == TRI_YES));
    put(document, object, "version", text_or_null(member->version));
    put(document, object, "db_size_bytes", member->db_size_bytes < 0 ? json_null() : json_integer((json_int_t)member->db_size_bytes));
    put(document, object, "raft_index", member->raft_index ? count_of(member->raft_index) : json_null());
    put(document, object, "raft_applied_index", member->raft_applied_index ? count_of(member->raft_applied_index) : json_null());
    return object;
}

static void put_cluster(struct document *document, json_t *root, const struct snapshot *snapshot)
{
    size_t voters, learners, healthy_voters;
    snapshot_count_members(snapshot, &voters, &learners, &healthy_voters);
    json_t *cluster = json_object();
    json_t *members = json_array();
    for (size_t i = 0; i < snapshot->member_count; i++)
        append(document, members, member_object(document, &snapshot->members[i]));
    put(document, cluster, "voters", count_of(voters));
    put(document, cluster, "learners", count_of(learners));
    put(document, cluster, "healthy_voters", count_of(healthy_voters));
    put(document, cluster, "quorum", voters ? count_of(quorum_size(voters)) : json_null());
    put(document, cluster, "members", members);
    put(document, root, "cluster", cluster);
}

static void put_learners(struct document *document, json_t *root, const struct snapshot *snapshot, int64_t now_ms)
{
    bool is_measured = snapshot->learner.is_measured;
    json_t *learner = snapshot->learner.is_known ? json_object() : json_null();
    if (snapshot->learner.is_known) {
        put(document, learner, "percent", is_measured ? json_real(snapshot->learner.fraction * 100.0) : json_null());
        put(document, learner, "entries_to_go", is_measured ? count_of(snapshot->learner.entries_to_go) : json_null());
        put(document, learner, "bytes_to_go", is_measured ? json_integer((json_int_t)snapshot->learner.bytes_to_go) : json_null());
        put(document, learner, "seconds_to_go",
            snapshot->learner.left_ms < 0 ? json_null() : json_real((double)snapshot->learner.left_ms / 1000.0));
        put(document, learner, "seconds_without_progress", json_real((double)snapshot->learner.idle_ms / 1000.0));
        put(document, learner, "is_stalled", json_boolean(snapshot->learner.is_stalled));
    }
    put(document, root, "learner", learner);

    json_t *other = snapshot->other_learner.id.value != 0 ? json_object() : json_null();
    if (snapshot->other_learner.id.value != 0) {
        put(document, other, "id", id_or_null(snapshot->other_learner.id.value));
        put(document, other, "is_started", json_boolean(snapshot->other_learner.is_started));
        put(document, other, "seconds", seconds_since(snapshot->other_learner.since_ms, now_ms));
        put(document, other, "text", text_or_null(snapshot->other_learner.text));
    }
    put(document, root, "other_learner", other);
}

static void put_rest(struct document *document, json_t *root, const struct snapshot *snapshot)
{
    json_t *leave = json_object();
    put(document, leave, "is_stopping", json_boolean(snapshot->is_stopping));
    put(document, leave, "is_leaving", json_boolean(snapshot->is_leaving));
    put(document, leave, "has_left", json_boolean(snapshot->health.has_left));
    put(document, leave, "was_removed", json_boolean(snapshot->health.was_removed));
    put(document, leave, "text", text_or_null(snapshot->leave_text));
    put(document, root, "leave", leave);

    json_t *warnings = json_array();
    for (size_t i = 0; i < snapshot->warning_count; i++)
        append(document, warnings, text_or_null(snapshot->warnings[i]));
    put(document, root, "warnings", warnings);

    const struct snapshot_counters *counters = &snapshot->counters;
    json_t *counts = json_object();
    put(document, counts, "turns", count_of(counters->turns));
    put(document, counts, "adds", count_of(counters->adds));
    put(document, counts, "promotions", count_of(counters->promotions));
    put(document, counts, "removals", count_of(counters->removals));
    put(document, counts, "leader_moves", count_of(counters->leader_moves));
    put(document, counts, "url_updates", count_of(counters->url_updates));
    put(document, counts, "archives", count_of(counters->archives));
    put(document, counts, "errors", count_of(counters->errors));
    put(document, root, "counters", counts);
}

static int on_dump(const char *bytes, size_t length_bytes, void *text) { return bounded_text_add(text, bytes, length_bytes) ? 0 : -1; }

bool status_json_write(const struct snapshot *snapshot, const char *version, int64_t now_ms, bool is_pretty, struct bounded_text *out_text,
                       struct usher_error *err)
{
    struct document document = {.is_whole = true};
    json_t *root = json_object();
    put(&document, root, "version", json_string(version));
    put(&document, root, "name", text_or_null(snapshot->name));
    put(&document, root, "slot", text_or_null(snapshot->slot));
    put(&document, root, "member_id", id_or_null(snapshot->member.value));
    put(&document, root, "cluster_id", id_or_null(snapshot->cluster.value));
    put(&document, root, "membership", json_string(snapshot_membership_word(snapshot->membership)));
    put(&document, root, "is_leader", json_boolean(snapshot->is_leader));
    put_health(&document, root, snapshot, now_ms);
    put_decisions(&document, root, snapshot, now_ms);
    put_cluster(&document, root, snapshot);
    put_learners(&document, root, snapshot, now_ms);
    put_rest(&document, root, snapshot);
    bool is_written =
        document.is_whole && root && json_dump_callback(root, on_dump, out_text, is_pretty ? JSON_INDENT(2) : JSON_COMPACT) == 0;
    json_decref(root);
    if (is_written && is_pretty)
        is_written = bounded_text_add_c(out_text, "\n");
    return is_written || usher_error_set(err, "the status does not fit into memory");
}
