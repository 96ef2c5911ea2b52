#include <jansson.h>
#include <stdlib.h>

#include "facts_words.h"
#include "usher/member/facts_json.h"

static json_t *word(const struct word_table *table, int value)
{
    return json_string(value >= 0 && (size_t)value < table->count ? table->words[value] : table->words[0]);
}

static json_t *hex(uint64_t id)
{
    char text[ID_TEXT_BYTES] = "";

    if (id != 0)
        id_to_hex(id, text);
    return json_string(text);
}

/* What others sent may be no UTF-8, or be cut inside a letter: it must not cost the row that it stands in. */
static json_t *foreign_text(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : json_string("(not UTF-8)");
}

static json_t *urls(const struct url_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->url[i]));
    return array;
}

static json_t *permits(const struct permit_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_sprintf("%s=%s", permit_word(list->permits[i].kind), list->permits[i].name));
    return array;
}

static json_t *member(const struct member *member)
{
    return json_pack("{s:o, s:o, s:b, s:o, s:o}", "id", hex(member->id.value), "name", foreign_text(member->name), "learner",
                     (int)member->is_learner, "peer-urls", urls(&member->peer_urls), "client-urls", urls(&member->client_urls));
}

static json_t *endpoint(const struct endpoint_view *endpoint)
{
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:b, s:I, s:o, s:o}", "address", endpoint->address, "remembered",
                     (int)endpoint->is_remembered, "state", word(&words_endpoint, (int)endpoint->state), "cluster",
                     hex(endpoint->cluster.value), "member", hex(endpoint->member.value), "leader", hex(endpoint->leader.value), "learner",
                     (int)endpoint->is_learner, "db-size-bytes", (json_int_t)endpoint->db_size_bytes, "version",
                     foreign_text(endpoint->version), "problem", foreign_text(endpoint->problem));
}

static json_t *view_json(const struct cluster_view *view)
{
    json_t *members = json_array(), *endpoints = json_array();

    for (size_t i = 0; view->live == LIVE_REACHABLE && i < view->list.count; i++)
        json_array_append_new(members, member(&view->list.members[i]));
    for (size_t i = 0; i < view->endpoint_count; i++)
        json_array_append_new(endpoints, endpoint(&view->endpoints[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "live", word(&words_live, (int)view->live), "cluster", hex(view->cluster.value),
                     "list-from", hex(view->list_from.value), "members", members, "endpoints", endpoints);
}

static json_t *record_json(const struct set_record *record)
{
    json_t *slots = json_object(), *forgotten = json_array();

    for (size_t i = 0; i < record->slot_count; i++)
        json_object_set_new(slots, record->slots[i].name, hex(record->slots[i].id.value));
    for (size_t i = 0; i < record->forgotten_count; i++)
        json_array_append_new(forgotten, hex(record->forgotten[i].value));
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "state", word(&words_record, (int)record->state), "claim-slot",
                     record->claim.slot, "claim-nonce", record->claim.nonce, "cluster", hex(record->cluster.value), "slots", slots,
                     "forgotten", forgotten, "permits", permits(&record->permits));
}

static json_t *settings_json(const struct join_settings *settings)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "slot", settings->slot_name, "name", settings->name,
                     "peer-urls", urls(&settings->peer_urls), "bootstrap", word(&words_bootstrap, (int)settings->bootstrap),
                     "bootstrap-once-name", settings->bootstrap_once_name, "expected-cluster", hex(settings->expected_cluster.value),
                     "rejoin", word(&words_rejoin, (int)settings->rejoin), "stale-data", word(&words_policy, (int)settings->stale_data),
                     "lost-data", word(&words_policy, (int)settings->lost_data), "unreadable-data",
                     word(&words_policy, (int)settings->unreadable_data), "has-set-record", (int)settings->has_set_record);
}

static json_t *volume_json(const struct volume_facts *volume)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:b, s:b}", "readable", word(&words_tri, (int)volume->is_readable),
                     "another-slots", word(&words_tri, (int)volume->is_another_slots), "owner-slot", volume->owner_slot, "left-cluster",
                     hex(volume->left.cluster.value), "left-member", hex(volume->left.member.value), "join-record-cluster",
                     hex(volume->join_record.cluster.value), "join-record-member", hex(volume->join_record.member.value), "nonce",
                     volume->nonce, "nonce-used", (int)volume->nonce_was_used, "trace", (int)volume->has_trace);
}

bool facts_json_write(const struct join_facts *facts, struct bounded_text *out_text, struct usher_error *err)
{
    json_t *root = json_pack(
        "{s:i, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "version", 1, "etcd-lives",
        word(&words_tri, (int)facts->etcd_lives_here), "has-plan", (int)facts->has_plan, "pod-was-removed", (int)facts->pod_turned_removed,
        "data-place", word(&words_place, (int)facts->data_place), "wal", word(&words_wal, (int)facts->wal.state), "wal-cluster",
        hex(facts->wal.cluster.value), "wal-member", hex(facts->wal.member.value), "volume", volume_json(&facts->volume), "our-gauge",
        word(&words_gauge, (int)facts->our_gauge), "removal-keeps-quorum", word(&words_tri, (int)facts->removal_keeps_quorum),
        "looked-for-ms", (json_int_t)facts->looked_for_ms, "since-our-removal-ms", (json_int_t)facts->since_our_removal_ms, "free-bytes",
        (json_int_t)facts->free_bytes, "settings", settings_json(&facts->settings));
    char *dump;
    bool is_added;

    if (root == NULL)
        return usher_error_set(err, "cannot render the facts: out of memory, or a name that is not UTF-8");
    json_object_set_new(root, "file-permits", permits(&facts->file_permits));
    if (facts->view != NULL)
        json_object_set_new(root, "view", view_json(facts->view));
    if (facts->record != NULL)
        json_object_set_new(root, "record", record_json(facts->record));
    dump = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    is_added = dump != NULL && bounded_text_add_c(out_text, dump) && bounded_text_add_c(out_text, "\n");
    free(dump);
    return is_added || usher_error_set(err, "the facts do not fit");
}
