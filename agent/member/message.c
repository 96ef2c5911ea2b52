#include "usher/member/message.h"

#include <stdio.h>
#include <string.h>

#include "usher/host/bounded_text.h"

static void add_hex(struct bounded_text *text, const char *before, uint64_t id)
{
    char hex[ID_TEXT_BYTES];

    if (id == 0)
        return;
    id_to_hex(id, hex);
    bounded_text_printf(text, "%s%s", before, hex);
}

static const char *live_word(const struct cluster_view *view)
{
    switch (view->live) {
    case LIVE_UNREACHABLE:
        return "nobody answers";
    case LIVE_NO_QUORUM:
        for (size_t i = 0; i < view->endpoint_count; i++)
            if (view->endpoints[i].state != ENDPOINT_UNKNOWN && view->endpoints[i].state != ENDPOINT_UNREACHABLE)
                return "something answers, without a quorum that could be read";
        return "nobody answers, and not all could be asked";
    case LIVE_REACHABLE:
        return "the cluster answers";
    case LIVE_UNKNOWN:
        break;
    }
    return "not looked yet";
}

static const char *endpoint_word(enum endpoint_state state)
{
    switch (state) {
    case ENDPOINT_UNREACHABLE:
        return "unreachable";
    case ENDPOINT_NO_QUORUM:
        return "no quorum";
    case ENDPOINT_LEARNER:
        return "a learner";
    case ENDPOINT_SERVING:
        return "serving";
    case ENDPOINT_REFUSES:
        return "refuses us";
    case ENDPOINT_UNKNOWN:
        break;
    }
    return "not known";
}

static void add_endpoints(struct bounded_text *text, const struct cluster_view *view)
{
    for (size_t i = 0; i < view->endpoint_count && i < 8; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        bounded_text_printf(text, "%s%s: %s", i == 0 ? " [" : "; ", endpoint->address, endpoint_word(endpoint->state));
        add_hex(text, ", member ", endpoint->member.value);
        add_hex(text, " of cluster ", endpoint->cluster.value);
        if (endpoint->problem[0] != '\0' && endpoint->state != ENDPOINT_SERVING)
            bounded_text_printf(text, " (%.160s)", endpoint->problem);
    }
    if (view->endpoint_count > 0)
        bounded_text_add_c(text, "]");
}

static void add_seen_disk(struct bounded_text *text, const struct join_facts *facts, const struct message_details *details)
{
    switch (facts->wal.state) {
    case WAL_IDS:
        add_hex(text, " Seen: data of member ", facts->wal.member.value);
        add_hex(text, " of cluster ", facts->wal.cluster.value);
        break;
    case WAL_NONE:
        bounded_text_add_c(text, " Seen: an empty data directory");
        break;
    case WAL_REMAINS:
        bounded_text_add_c(text, " Seen: member/snap without a WAL");
        break;
    case WAL_TORN:
    case WAL_UNREADABLE:
        bounded_text_printf(text, " Seen: %s", details->wal_problem != NULL ? details->wal_problem : "unreadable data");
        break;
    case WAL_UNKNOWN:
        bounded_text_add_c(text, " Seen: the data was not read");
        break;
    }
    if (facts->volume.is_another_slots == TRI_YES)
        bounded_text_printf(text, " on a volume of slot \"%s\"", facts->volume.owner_slot);
    if (details->place_detail != NULL && details->place_detail[0] != '\0')
        bounded_text_printf(text, " (%s)", details->place_detail);
}

static void add_seen_record(struct bounded_text *text, const struct join_facts *facts, const struct message_details *details)
{
    const struct set_record *record = facts->record;

    if (record == NULL || record->state == RECORD_NOT_CONFIGURED)
        return;
    if (record->state == RECORD_UNREADABLE)
        bounded_text_printf(text, "; the set record cannot be read (%s)", details->record_problem != NULL ? details->record_problem : "?");
    else if (record->state == RECORD_CLAIMED)
        bounded_text_printf(text, "; the set record is claimed by slot \"%s\" (nonce %s, %s)", record->claim.slot, record->claim.nonce,
                            record->claim.time);
    else if (record->state == RECORD_CLUSTER)
        add_hex(text, "; the set record names cluster ", record->cluster.value);
    else
        bounded_text_add_c(text, "; the set record is empty");
}

static void add_gauge(struct bounded_text *text, enum reason reason, enum gauge_verdict gauge)
{
    if (reason != REASON_LOST_UNPROVEN && reason != REASON_LOST_UNPROVEN_WAIT)
        return;
    bounded_text_printf(text, ". Its life: %s",
                        gauge == GAUGE_CONNECTED ? "a voter still shows it as connected"
                        : gauge == GAUGE_DOWN    ? "a quorum of voters shows it down, but the set record does not give our slot to it"
                                                 : "the gauges of a quorum of voters could not be read twice");
}

/* A pod's images need no shell: there it goes into the set record (as YAML: a JSON log would put a backslash before each quote, and a person copies
 * from there). The file serves wherever the data directory can be written. */
static void add_permit(struct bounded_text *text, const struct permit *permit, const struct message_details *details)
{
    static const char in_configmap[] = "configmap:";
    const char *record = details->set_record != NULL ? details->set_record : "", *word = permit_word(permit->kind), *name = permit->name;
    char hex[ID_TEXT_BYTES];

    if (permit->kind == PERMIT_UNKNOWN || (permit->id == 0 && permit->name[0] == '\0'))
        return;
    id_to_hex(permit->id, hex);
    if (permit->id != 0)
        name = hex;
    if (strncmp(record, in_configmap, sizeof in_configmap - 1) == 0)
        bounded_text_printf(text, ". To allow it once: kubectl -n %s patch configmap %s --type=merge -p 'data: {permit: %s=%s}'",
                            details->pod_namespace, record + sizeof in_configmap - 1, word, name);
    else
        bounded_text_printf(text, ". To allow it once: echo '%s=%s' > '%s/usher-permit'", word, name,
                            details->data_dir != NULL ? details->data_dir : "DATA-DIR");
}

static void add_seen(struct bounded_text *text, const struct join_facts *facts, const struct join_decision *decision,
                     const struct message_details *details)
{
    bounded_text_printf(text, "%s.", reason_sentence(decision->reason));
    add_seen_disk(text, facts, details);
    add_seen_record(text, facts, details);
    if (facts->view != NULL) {
        bounded_text_printf(text, "; %s", live_word(facts->view));
        add_endpoints(text, facts->view);
    }
    add_hex(text, "; it is about member ", decision->target.value);
    add_gauge(text, decision->reason, facts->our_gauge);
    if (details->notes_problem != NULL && details->notes_problem[0] != '\0')
        bounded_text_printf(text, ". usher.json: %s", details->notes_problem);
}

static void add_next(struct bounded_text *text, const struct join_decision *decision, const struct message_details *details)
{
    if (decision->action != JOIN_REFUSE && decision->action != JOIN_WAIT && decision->action != JOIN_HOLD_REMOVED)
        return;
    if (strcmp(reason_remedy(decision->reason), "nothing") != 0)
        bounded_text_printf(text, ". Next: %s", reason_remedy(decision->reason));
    add_permit(text, &decision->would_help, details);
}

void message_for_join(const struct join_facts *facts, const struct join_decision *decision, const struct message_details *details,
                      char *out_text, size_t out_bytes)
{
    struct bounded_text seen, next;
    size_t room;

    bounded_text_init(&seen, 8192);
    bounded_text_init(&next, 4096);
    add_seen(&seen, facts, decision, details);
    add_next(&next, decision, details);
    /* Whatever is cut: what to do is said whole. */
    room = next.length_bytes < out_bytes ? out_bytes - 1 - next.length_bytes : 0;
    snprintf(out_text, out_bytes, "%.*s%s", (int)room, bounded_text_c(&seen), bounded_text_c(&next));
    bounded_text_done(&seen);
    bounded_text_done(&next);
}
