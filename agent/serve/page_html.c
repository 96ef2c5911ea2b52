#include "usher/serve/page_html.h"

#include <stdio.h>

#include "usher/core/ids.h"
#include "usher/serve/probe_verdict.h"

static void add(struct bounded_text *text, const char *plain) { (void)bounded_text_add_c(text, plain); }

static void add_escaped(struct bounded_text *text, const char *from)
{
    for (; *from != '\0'; from++) {
        switch (*from) {
        case '<':
            add(text, "&lt;");
            break;
        case '>':
            add(text, "&gt;");
            break;
        case '&':
            add(text, "&amp;");
            break;
        case '"':
            add(text, "&quot;");
            break;
        default:
            (void)bounded_text_printf(text, "%c", *from);
        }
    }
}

static void add_hex(struct bounded_text *text, uint64_t id)
{
    char hex[ID_TEXT_BYTES] = "not known";

    if (id != 0)
        id_to_hex(id, hex);
    add(text, hex);
}

static void add_row(struct bounded_text *text, const char *name, const char *value)
{
    add(text, "<tr><th>");
    add(text, name);
    add(text, "</th><td>");
    add_escaped(text, value);
    add(text, "</td></tr>\n");
}

static void add_members(struct bounded_text *text, const struct snapshot *snapshot)
{
    add(text, "<h2>Members</h2><table><tr><th>ID</th><th>name</th><th>seat</th><th>answers</th><th>version</th><th>applied</th></tr>\n");
    for (size_t i = 0; i < snapshot->member_count; i++) {
        const struct snapshot_member *member = &snapshot->members[i];
        add(text, "<tr><td><code>");
        add_hex(text, member->id.value);
        add(text, member->id.value == snapshot->member.value ? "</code> (ours)</td><td>" : "</code></td><td>");
        add_escaped(text, member->name);
        add(text, "</td><td>");
        add(text, !member->is_started ? "not started" : member->is_learner ? "learner" : member->is_leader ? "voter, leads" : "voter");
        add(text, "</td><td>");
        add(text, member->is_healthy == TRI_YES ? "yes" : member->is_healthy == TRI_NO ? "no" : "not asked");
        add(text, "</td><td>");
        add_escaped(text, member->version);
        (void)bounded_text_printf(text, "</td><td>%llu</td></tr>\n", (unsigned long long)member->raft_applied_index);
    }
    add(text, "</table>\n");
}

static void add_learner(struct bounded_text *text, const struct snapshot *snapshot)
{
    char line[160];

    if (!snapshot->learner.is_known)
        return;
    snprintf(line, sizeof line, "%.0f %%, %llu entries to go", snapshot->learner.fraction * 100,
             (unsigned long long)snapshot->learner.entries_to_go);
    if (snapshot->learner.is_stalled)
        snprintf(line, sizeof line, "%.0f %%, %llu entries to go; no progress for %lld s", snapshot->learner.fraction * 100,
                 (unsigned long long)snapshot->learner.entries_to_go, (long long)(snapshot->learner.idle_ms / 1000));
    add_row(text, "catching up", line);
}

static void add_wait(struct bounded_text *text, const struct snapshot *snapshot, int64_t now_ms)
{
    char line[512];

    if (snapshot->waiting_for == REASON_UNKNOWN)
        return;
    snprintf(line, sizeof line, "%s, for %lld s", reason_sentence(snapshot->waiting_for),
             (long long)((now_ms - snapshot->waiting_since_ms) / 1000));
    add_row(text, "waiting", line);
    add_row(text, "next", reason_remedy(snapshot->waiting_for));
}

void page_html_write(const struct snapshot *snapshot, const char *version, int64_t now_ms, struct bounded_text *out_text)
{
    bool is_ready = probe_judge(snapshot, PROBE_READY, now_ms) == 0;
    char hex[ID_TEXT_BYTES] = "not known";

    add(out_text, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"2\"><title>");
    add_escaped(out_text, snapshot->name);
    add(out_text, " - etcd-usher</title><style>body{font:15px/1.5 sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
                  "th,td{text-align:left;padding:.2em 1em .2em 0;vertical-align:top;border-bottom:1px solid #ddd}"
                  ".yes{color:#176d2d}.no{color:#b3261e}</style></head><body>\n<h1>");
    add_escaped(out_text, snapshot->name);
    add(out_text, is_ready ? " <span class=\"yes\">ready</span></h1>\n<table>\n" : " <span class=\"no\">not ready</span></h1>\n<table>\n");
    if (cluster_id_is_known(snapshot->cluster))
        id_to_hex(snapshot->cluster.value, hex);
    add_row(out_text, "cluster", hex);
    add_row(out_text, "seat", snapshot_membership_word(snapshot->membership));
    add_row(out_text, "plan", plan_state_word(snapshot->plan));
    add_row(out_text, "last decision", snapshot->last_text);
    add_wait(out_text, snapshot, now_ms);
    add_learner(out_text, snapshot);
    for (size_t i = 0; i < snapshot->warning_count; i++)
        add_row(out_text, "warning", snapshot->warnings[i]);
    add(out_text, "</table>\n");
    add_members(out_text, snapshot);
    add(out_text, "<p><a href=\"/status\">status</a> <a href=\"/metrics\">metrics</a> <a href=\"/readyz?verbose\">readyz</a> ");
    add(out_text, "etcd-usher ");
    add_escaped(out_text, version);
    add(out_text, "</p></body></html>\n");
}
