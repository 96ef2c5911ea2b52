#include "usher/member/observe.h"

#include <stdio.h>
#include <string.h>

#include "usher/core/quorum.h"
#include "usher/host/log.h"
#include "usher/host/text_file.h"
#include "usher/host/wal_header.h"
#include "usher/member/plan.h"

static void read_file_permits(struct usher *usher)
{
    char path[PATH_BYTES + 32];
    struct bounded_text text;

    usher->file_permits = (struct permit_list){0};
    snprintf(path, sizeof path, "%s/usher-permit", usher->settings->data_dir);
    bounded_text_init(&text, 8192);
    if (text_file_read(path, 8192, &text, NULL) == TEXT_FILE_READ)
        permit_list_parse(&usher->file_permits, bounded_text_c(&text), PERMIT_FROM_FILE);
    bounded_text_done(&text);
}

static bool notes_are_of_forgotten_cluster(const struct usher *usher)
{
    return usher->record.state != RECORD_UNREADABLE && set_record_forgot(&usher->record, usher->notes.cluster);
}

/* A trace speaks against founding on this volume: it has been part of a cluster. Traces of a cluster that a person declared gone do not. */
static bool volume_has_trace(const struct usher *usher)
{
    const struct usher_file *notes = &usher->notes;

    if (notes_are_of_forgotten_cluster(usher))
        return false;
    return member_id_is_known(notes->join_record.member) || member_id_is_known(notes->left.member) || notes->endpoint_count > 0 ||
           data_dir_has_archive(usher->settings->data_dir);
}

static void fill_volume_facts(struct usher *usher)
{
    struct volume_facts *volume = &usher->facts.volume;
    const struct usher_file *notes = &usher->notes;
    const struct settings *settings = usher->settings;
    bool another_slot, another_namespace;

    *volume = (struct volume_facts){0};
    if (usher->notes_state == USHER_FILE_UNREADABLE || usher->notes_state == USHER_FILE_UNKNOWN) {
        volume->is_readable = usher->notes_state == USHER_FILE_UNREADABLE ? TRI_NO : TRI_UNKNOWN;
        return;
    }
    volume->is_readable = TRI_YES;
    another_slot = notes->slot[0] != '\0' && strcmp(notes->slot, settings->join.slot_name) != 0;
    another_namespace =
        notes->pod_namespace[0] != '\0' && settings->pod_namespace[0] != '\0' && strcmp(notes->pod_namespace, settings->pod_namespace) != 0;
    volume->is_another_slots = another_slot || another_namespace ? TRI_YES : TRI_NO;
    snprintf(volume->owner_slot, sizeof volume->owner_slot, "%s", notes->slot);
    volume->left.cluster = notes->left.cluster;
    volume->left.member = notes->left.member;
    volume->join_record.cluster = notes->join_record.cluster;
    volume->join_record.member = notes->join_record.member;
    if (!(notes->nonce_was_used && notes_are_of_forgotten_cluster(usher))) { /* that founding is forgotten, as its traces are */
        snprintf(volume->nonce, sizeof volume->nonce, "%s", notes->nonce);
        volume->nonce_was_used = notes->nonce_was_used;
    }
    volume->has_trace = volume_has_trace(usher);
}

static enum tri etcd_lives(const struct usher *usher)
{
    const struct settings *settings = usher->settings;
    enum tri lock = wal_etcd_holds_lock(settings->data_dir);
    enum tri port =
        lock == TRI_YES ? TRI_YES : usher->world->port_accepts(usher->world->self, settings->local_endpoint, deadline_in_ms(500));

    if (lock == TRI_YES || port == TRI_YES)
        return TRI_YES;
    return port == TRI_UNKNOWN ? TRI_UNKNOWN : TRI_NO; /* a lock that cannot be looked at goes with data that cannot be read: J5 says so */
}

void observe_disk(struct usher *usher)
{
    const struct settings *settings = usher->settings;
    struct join_facts *facts = &usher->facts;
    enum plan_state plan_state = PLAN_UNKNOWN;
    bool is_new = false;

    facts->settings = settings->join;
    facts->record = &usher->record;
    facts->view = &usher->view;
    facts->data_place =
        data_dir_place(settings->data_dir, settings->wal_dir, settings->in_kubernetes, usher->place_detail, sizeof usher->place_detail);
    usher->wal_problem.text[0] = usher->notes_problem.text[0] = '\0';
    wal_header_read(settings->data_dir, settings->wal_dir, &facts->wal, &usher->wal_problem);
    usher->notes_state = usher_file_read(settings->data_dir, &usher->notes, &usher->notes_problem);
    if (usher->notes_state == USHER_FILE_ABSENT)
        usher->notes = (struct usher_file){0};
    fill_volume_facts(usher);
    read_file_permits(usher);
    facts->file_permits = usher->file_permits;
    facts->free_bytes = data_dir_free_bytes(settings->data_dir);
    facts->has_plan = plan_read(settings, &plan_state, &is_new) == PLAN_FILE_READ && plan_state == PLAN_START;
    facts->pod_turned_removed = plan_was_removed(settings);
    facts->etcd_lives_here = etcd_lives(usher);
}

void observe_record(struct usher *usher)
{
    if (usher->record_store.read == NULL) {
        usher->record = (struct set_record){.state = RECORD_NOT_CONFIGURED};
        return;
    }
    usher->record_problem.text[0] = '\0';
    usher->record_read_at_ms = usher->world->now_ms(usher->world->self);
    if (!usher->record_store.read(usher->record_store.self, deadline_in_ms(RECORD_READ_MS), &usher->record, &usher->record_problem))
        usher->record = (struct set_record){.state = RECORD_UNREADABLE};
}

void observe_add_address(struct look_request *request, const char *text, bool is_remembered)
{
    if (text[0] == '\0' || request->address_count >= ENDPOINTS_MAX)
        return;
    for (size_t i = 0; i < request->address_count; i++)
        if (url_equals(request->addresses[i].text, text))
            return;
    request->addresses[request->address_count].text = text;
    request->addresses[request->address_count].is_remembered = is_remembered;
    request->address_count++;
}

void observe_add_known_addresses(const struct usher *usher, struct look_request *request)
{
    for (size_t i = 0; i < usher->settings->endpoint_count; i++)
        observe_add_address(request, usher->settings->endpoints[i], false);
    for (size_t i = 0; i < usher->settings->remote_endpoint_count; i++)
        observe_add_address(request, usher->settings->remote_endpoints[i], false);
    if (!notes_are_of_forgotten_cluster(usher))
        for (size_t i = 0; i < usher->notes.endpoint_count; i++)
            observe_add_address(request, usher->notes.endpoints[i], true);
    if (usher->record.state == RECORD_CLUSTER)
        for (size_t i = 0; i < usher->record.endpoint_count; i++)
            observe_add_address(request, usher->record.endpoints[i], true);
}

static void look(struct usher *usher, const struct look_request *request, struct deadline deadline)
{
    struct usher_error err = {0};

    usher->counters.looks++;
    if (!usher->world->look(usher->world->self, request, deadline, &usher->view, &err)) {
        usher->counters.look_failures++;
        usher->view.live = LIVE_UNKNOWN;
        usher->view.endpoint_count = usher->view.list.count = 0;
        log_warn("cannot look at the cluster: %s", err.text);
    }
}

/* Right after our ADD: who took it is asked alone, everybody else was a moment ago. True: it gave the list. */
static bool looked_where_added(struct usher *usher, struct deadline deadline)
{
    struct look_request request = {.first_barrier_is_enough = true, .wanted = join_wanted_cluster(&usher->facts)};
    char address[URL_BYTES];

    if (usher->added_at[0] == '\0')
        return false;
    memcpy(address, usher->added_at, sizeof address);
    usher->added_at[0] = '\0';
    observe_add_address(&request, address, false);
    look(usher, &request, deadline_earlier(deadline, deadline_in_ms(LOOK_WHERE_ADDED_MS)));
    return usher->view.live == LIVE_REACHABLE;
}

void observe_cluster(struct usher *usher, struct deadline deadline)
{
    struct look_request request = {.first_barrier_is_enough = true, .wanted = join_wanted_cluster(&usher->facts)};

    if (looked_where_added(usher, deadline))
        return;
    observe_add_known_addresses(usher, &request);
    look(usher, &request, deadline);
}

/* What the remaining answers amount to, after strays were taken out. */
static void settle_live(struct cluster_view *view)
{
    view->live = LIVE_UNREACHABLE;
    view->list.count = 0;
    view->cluster = (struct cluster_id){0};
    for (size_t i = 0; i < view->endpoint_count; i++)
        if (view->endpoints[i].state != ENDPOINT_UNREACHABLE)
            view->live = LIVE_NO_QUORUM;
}

void observe_drop_strays(struct usher *usher, struct strays *out)
{
    struct cluster_view *view = &usher->view;
    bool list_is_stray = false;
    size_t kept = 0;

    out->count = 0;
    for (size_t i = 0; i < view->endpoint_count; i++) {
        const struct endpoint_view *endpoint = &view->endpoints[i];
        char hex[ID_TEXT_BYTES];
        if (stray_judge(&usher->facts, endpoint) != STRAY_DROP) {
            if (kept != i)
                view->endpoints[kept] = *endpoint;
            kept++;
            continue;
        }
        list_is_stray |= view->live == LIVE_REACHABLE && cluster_id_equals(view->cluster, endpoint->cluster);
        id_to_hex(endpoint->cluster.value, hex);
        if (out->count < sizeof out->lines / sizeof out->lines[0]) {
            snprintf(out->lines[out->count], sizeof out->lines[0], "%s (cluster %s)", endpoint->address, hex);
            out->count++;
        }
    }
    if (kept == view->endpoint_count)
        return;
    view->endpoint_count = kept;
    if (list_is_stray || view->live != LIVE_REACHABLE)
        settle_live(view);
}

/* Who is healthy: those that answered the look, and those that answer a status call at their own client URLs as their ID. */
void observe_health(const struct usher *usher, struct quorum_health *out)
{
    const struct world *world = usher->world;
    const struct member_list *list = &usher->view.list;
    const char *addresses[MEMBERS_MAX];
    struct etcd_status statuses[MEMBERS_MAX];
    bool known[MEMBERS_MAX] = {false};
    size_t index_of[MEMBERS_MAX], count = 0;

    quorum_health_from_view(&usher->view, out);
    if (usher->view.live != LIVE_REACHABLE)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (!out->is_healthy[i] && member_is_started(&list->members[i])) {
            addresses[count] = list->members[i].client_urls.url[0];
            index_of[count++] = i;
        }
    if (count == 0)
        return;
    world->statuses(world->self, addresses, count, deadline_in_ms(HEALTH_LOOK_MS), statuses, known);
    for (size_t k = 0; k < count; k++)
        out->is_healthy[index_of[k]] = known[k] && member_id_equals(statuses[k].member, list->members[index_of[k]].id) &&
                                       cluster_id_equals(statuses[k].cluster, usher->view.cluster) &&
                                       member_id_is_known(statuses[k].leader);
}

static enum tri judge_removal(const struct usher *usher, struct member_id target)
{
    struct quorum_health health;

    observe_health(usher, &health);
    switch (quorum_judge(&usher->view, &health, QUORUM_REMOVE, target)) {
    case QUORUM_ALLOWED:
        return TRI_YES;
    case QUORUM_TOO_FEW_LEFT:
    case QUORUM_LAST_VOTER:
    case QUORUM_NO_SUCH_MEMBER:
        return TRI_NO;
    case QUORUM_UNKNOWN:
        break;
    }
    return TRI_UNKNOWN;
}

/* 4.4 for our entry, and whether its ID looks alive: only where a row asks for it. */
static void judge_our_entry(struct usher *usher)
{
    struct join_facts *facts = &usher->facts;
    struct our_entry entry = our_entry_find(facts);

    facts->our_gauge = GAUGE_UNKNOWN;
    facts->removal_keeps_quorum = TRI_UNKNOWN;
    if (entry.member == NULL)
        return;
    /* Data starts, whoever else is up: nobody is asked for it (I10). Nor for an entry that is only to be started (J9). */
    if (facts->wal.state != WAL_IDS && !(entry.state == OUR_ENTRY_NOT_STARTED && entry.is_in_join_record))
        facts->removal_keeps_quorum = judge_removal(usher, entry.member->id);
    if (entry.state == OUR_ENTRY_STARTED && !cluster_view_who_answers_as(&usher->view, usher->view.cluster, entry.member->id))
        facts->our_gauge = gauge_watch_read(&usher->gauge, usher->world, &usher->view, entry.member->id, deadline_in_ms(GAUGE_READ_MS));
}

/* Only while we are held or wait, and only what was read whole: a permit or a claim is seen a few seconds later then. Each write compares
 * anyway. */
static bool record_is_kept(const struct usher *usher)
{
    return usher->record_store.keep_ms > 0 && (usher->is_held || usher->waiting_for != REASON_UNKNOWN) && usher->record_read_at_ms >= 0 &&
           usher->record.state > RECORD_UNREADABLE &&
           usher->world->now_ms(usher->world->self) - usher->record_read_at_ms < usher->record_store.keep_ms;
}

void observe_join(struct usher *usher)
{
    struct join_facts *facts = &usher->facts;
    struct strays strays;
    int64_t now_ms;

    observe_disk(usher);
    if (facts->etcd_lives_here == TRI_YES)
        return; /* G1: nothing else matters */
    usher->start_by = facts->wal.state == WAL_IDS ? deadline_in_ms(LOOK_WITH_DATA_MS) : deadline_never();
    if (!record_is_kept(usher))
        observe_record(usher);
    fill_volume_facts(usher); /* forgotten clusters are known now */
    observe_cluster(usher, deadline_earlier(usher->start_by, deadline_in_ms(LOOK_MS)));
    observe_drop_strays(usher, &strays);
    usher_watch_learner(usher, facts->wal.member);
    for (size_t i = 0; i < strays.count; i++)
        log_warn("ignoring the answer of %s: not our cluster", strays.lines[i]);
    judge_our_entry(usher);
    now_ms = usher->world->now_ms(usher->world->self);
    facts->looked_for_ms = usher->looking_since_ms < 0 ? 0 : now_ms - usher->looking_since_ms;
    facts->since_our_removal_ms = usher->our_removal_at_ms < 0 ? -1 : now_ms - usher->our_removal_at_ms;
}
