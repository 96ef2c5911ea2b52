/* One look: a barrier read at every address in parallel. Barrier read = a quorum read, then the member list on the SAME endpoint: on 3.4 the
 * list alone is answered from a member's own, possibly stale, state even without quorum. The status is asked beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/etcd/etcd_client.h"
#include "usher/etcd/etcd_wire.h"
#include "usher/etcd/resolve.h"

/* base64("etcd-usher/barrier"): any key will do, present or not; count only, so that nothing is carried. */
#define BARRIER_BODY "{\"key\":\"ZXRjZC11c2hlci9iYXJyaWVy\",\"count_only\":true}"

enum { RESOLVE_MS = 2000 };
enum question { ASK_STATUS = 0, ASK_RANGE, ASK_LIST, QUESTIONS };

struct look;

struct probe {
    struct look *look;
    struct endpoint_view *endpoint;
    struct member_id range_from;
    bool was_accepted, is_settled; /* settled: its state is final */
    bool name_was_not_found;
};

/* A tag carries the probe and the question. */
struct tag {
    struct probe *probe;
    enum question question;
};

struct look {
    struct etcd_client *client;
    const struct look_request *request;
    struct cluster_view *view;
    struct deadline deadline;
    int64_t began_ms;
    bool has_list, ended_early;
    struct probe probes[ENDPOINTS_MAX];
    struct tag tags[ENDPOINTS_MAX][QUESTIONS];
};

static bool was_silent(const struct etcd_client *client, const char *address)
{
    for (size_t i = 0; i < client->silent_count; i++)
        if (url_equals(client->silent[i], address))
            return true;
    return false;
}

/* After the first barrier read the others get as long again, at least FAIR_CHANCE_MS. Whose address has not even taken a connection by then, while
 * somebody else answered twice, is far away or a black hole, and gets KNOCK_CHANCE_MS; who kept silent a moment ago, too, gets nothing more. */
static int64_t chance_for_others_ms(const struct look *look, const struct http_batch *batch)
{
    int64_t now_ms = monotonic_ms(), took_ms = now_ms - look->began_ms, chance_ms = 1;
    bool silence_is_kept = now_ms - look->client->silent_at_ms <= SILENCE_KEPT_MS;

    for (size_t i = 0; i < look->view->endpoint_count; i++) {
        if (look->probes[i].is_settled || (silence_is_kept && was_silent(look->client, look->view->endpoints[i].address)))
            continue;
        if (!http_batch_knocks(batch, &look->tags[i][ASK_STATUS]) && !http_batch_knocks(batch, &look->tags[i][ASK_RANGE]))
            return took_ms > FAIR_CHANCE_MS ? took_ms : FAIR_CHANCE_MS;
        chance_ms = KNOCK_CHANCE_MS;
    }
    return chance_ms;
}

static void ask(struct look *look, struct http_batch *batch, struct probe *probe, enum question question)
{
    static const char *const paths[QUESTIONS] = {"/v3/maintenance/status", "/v3/kv/range", "/v3/cluster/member/list"};
    static const char *const bodies[QUESTIONS] = {"{}", BARRIER_BODY, "{\"linearizable\":true}"};
    struct tag *tag = &look->tags[probe - look->probes][question];
    char url[HTTP_URL_BYTES];
    struct http_request request = etcd_client_request(look->client, probe->endpoint->address, paths[question], bodies[question], url);

    *tag = (struct tag){probe, question};
    request.tag = tag;
    http_batch_add(batch, &request);
}

static void settle(struct probe *probe, enum endpoint_state state, const char *problem)
{
    struct endpoint_view *endpoint = probe->endpoint;

    if (probe->is_settled || endpoint == NULL)
        return;
    probe->is_settled = true;
    endpoint->state = state;
    if (problem != NULL)
        snprintf(endpoint->problem, sizeof endpoint->problem, "%.240s", problem);
}

/* "user name is empty" alone does not say that the password is wrong. */
static void refuse(struct probe *probe, const char *message)
{
    const struct etcd_client *client = probe->look->client;
    char text[PROBLEM_BYTES];

    snprintf(text, sizeof text, "%.100s (no token: %.120s)", message, client->token_problem);
    settle(probe, ENDPOINT_REFUSES, client->token[0] == '\0' && client->token_problem[0] != '\0' ? text : message);
}

static void take_status(struct probe *probe, const struct http_reply *reply)
{
    struct etcd_status status;
    struct endpoint_view *endpoint = probe->endpoint;

    if (reply->status != 200 || !etcd_wire_read_status(reply->body, reply->body_bytes, &status, NULL))
        return;
    endpoint->cluster = status.cluster;
    endpoint->member = status.member;
    endpoint->leader = status.leader;
    endpoint->is_learner = status.is_learner;
    endpoint->raft_term = status.raft_term;
    endpoint->raft_index = status.raft_index;
    endpoint->raft_applied_index = status.raft_applied_index;
    endpoint->db_size_bytes = status.db_size_bytes;
    memcpy(endpoint->version, status.version, sizeof endpoint->version);
}

/* A refused barrier: a learner, no quorum, or something that we cannot use. True = go on to the list all the same. */
static bool judge_refusal(struct probe *probe, const struct http_reply *reply)
{
    char message[PROBLEM_BYTES];
    enum etcd_refusal refusal = etcd_wire_read_refusal(reply->body, reply->body_bytes, message, sizeof message);

    switch ((int)refusal) {
    case REFUSAL_PERMISSION_DENIED: /* an answer through quorum: healthy */
    case REFUSAL_USER_EMPTY:
        return true;
    case REFUSAL_NOT_FOR_LEARNER:
        probe->endpoint->is_learner = true;
        settle(probe, ENDPOINT_LEARNER, NULL);
        return false;
    case REFUSAL_NO_LEADER:
    case REFUSAL_LEADER_CHANGED:
    case REFUSAL_TIMED_OUT:
    case REFUSAL_STOPPED:
        settle(probe, ENDPOINT_NO_QUORUM, message);
        return false;
    case REFUSAL_BAD_TOKEN:
        probe->look->client->token[0] = '\0';
        refuse(probe, message);
        return false;
    default:
        refuse(probe, message);
        return false;
    }
}

static void take_list(struct probe *probe, struct http_batch *batch, const struct http_reply *reply)
{
    struct look *look = probe->look;
    struct member_list *list = look->has_list ? NULL : &look->view->list;
    struct member_list *scratch = list == NULL ? malloc(sizeof *scratch) : NULL;
    struct etcd_header header = {{0}, {0}};
    struct usher_error err = {0};
    char message[PROBLEM_BYTES];

    if (reply->status != 200) {
        (void)etcd_wire_read_refusal(reply->body, reply->body_bytes, message, sizeof message);
        refuse(probe, message);
    } else if ((list == NULL && scratch == NULL) ||
               !etcd_wire_read_list(reply->body, reply->body_bytes, &header, list != NULL ? list : scratch, &err)) {
        settle(probe, ENDPOINT_REFUSES, err.text);
    } else if (member_id_is_known(probe->range_from) && !member_id_equals(probe->range_from, header.member)) {
        settle(probe, ENDPOINT_REFUSES, "two members answer at this address in turn (a load balancer): no barrier read is possible");
    } else {
        probe->endpoint->cluster = header.cluster;
        probe->endpoint->member = header.member;
        settle(probe, ENDPOINT_SERVING, NULL);
        if (list != NULL && !cluster_id_differs(look->request->wanted, header.cluster)) {
            look->has_list = true;
            look->view->cluster = header.cluster;
            look->view->list_from = header.member;
            if (look->request->first_barrier_is_enough) {
                look->ended_early = true;
                http_batch_end_by(batch, deadline_in_ms(chance_for_others_ms(look, batch)));
            }
        }
    }
    free(scratch);
}

static void take_silence(struct probe *probe, enum question question, const struct http_reply *reply)
{
    if (question == ASK_STATUS)
        return;
    probe->name_was_not_found = reply->name_not_found;
    if (probe->look->ended_early && deadline_left_ms(probe->look->deadline) > 0 && reply->took_ms < 1000)
        settle(probe, ENDPOINT_UNKNOWN, "not waited for");
    else if (probe->was_accepted && strstr(reply->problem, "SSL") == NULL && strstr(reply->problem, "certificate") == NULL)
        settle(probe, ENDPOINT_NO_QUORUM, reply->problem);
    else if (!probe->was_accepted && reply->name_unanswered)
        settle(probe, ENDPOINT_UNKNOWN, "the resolver did not answer in time");
    else
        settle(probe, probe->was_accepted ? ENDPOINT_REFUSES : ENDPOINT_UNREACHABLE, reply->problem);
}

static void take_reply(void *self, struct http_batch *batch, void *tag_pointer, const struct http_reply *reply)
{
    struct tag *tag = tag_pointer;
    struct probe *probe = tag->probe;
    struct etcd_header header = {{0}, {0}};

    (void)self;
    probe->was_accepted |= reply->tcp_accepted;
    if (reply->outcome != HTTP_ANSWERED) {
        take_silence(probe, tag->question, reply);
        return;
    }
    switch (tag->question) {
    case ASK_STATUS:
        take_status(probe, reply);
        break;
    case ASK_RANGE:
        if (reply->status == 200 && etcd_wire_read_header(reply->body, reply->body_bytes, &header, NULL))
            probe->range_from = header.member;
        else if (!judge_refusal(probe, reply))
            break;
        ask(probe->look, batch, probe, ASK_LIST);
        break;
    case ASK_LIST:
        take_list(probe, batch, reply);
        break;
    case QUESTIONS:
        break;
    }
}

static bool is_own(const struct etcd_client *client, const char *address)
{
    return url_equals(client->settings->local_endpoint, address) || url_list_contains(&client->settings->client_urls, address);
}

/* NULL: left out (our own, asked already, or too many). */
static struct probe *add_probe(struct look *look, const char *address, bool is_remembered)
{
    struct cluster_view *view = look->view;
    struct endpoint_view *endpoint;

    if (view->endpoint_count >= ENDPOINTS_MAX || (!look->request->includes_own && is_own(look->client, address)))
        return NULL;
    for (size_t i = 0; i < view->endpoint_count; i++)
        if (url_equals(view->endpoints[i].address, address))
            return NULL;
    endpoint = &view->endpoints[view->endpoint_count];
    memset(endpoint, 0, sizeof *endpoint);
    snprintf(endpoint->address, sizeof endpoint->address, "%s", address);
    endpoint->is_remembered = is_remembered;
    endpoint->db_size_bytes = -1;
    look->probes[view->endpoint_count] = (struct probe){.look = look, .endpoint = endpoint};
    return &look->probes[view->endpoint_count++];
}

static bool is_to_resolve(const char *text) { return strncmp(text, "dns:", 4) == 0 || strncmp(text, "srv:", 4) == 0; }

static void add_resolved(struct look *look, const struct resolved *resolved, const struct http_tls *tls, bool is_remembered)
{
    for (size_t i = 0; i < resolved->count; i++) {
        etcd_client_remember_name(look->client, resolved->urls[i], resolved->names[i], tls);
        add_probe(look, resolved->urls[i], is_remembered);
    }
}

/* dns: and srv: give addresses; what cannot be resolved stays in the view with the resolver's words: unreachable when there is no such name,
 * unknown when nobody said so. All are resolved at once, and half of the time is left for the asking. */
static void expand(struct look *look)
{
    const struct look_request *request = look->request;
    int64_t left_ms = deadline_left_ms(look->deadline);
    struct deadline by = deadline_in_ms(left_ms / 2 < RESOLVE_MS ? left_ms / 2 : RESOLVE_MS);
    struct resolve_job *jobs[ENDPOINTS_MAX] = {NULL};

    for (size_t i = 0; i < request->address_count; i++)
        if (is_to_resolve(request->addresses[i].text))
            jobs[i] =
                resolve_start(request->addresses[i].text, etcd_client_tls(look->client, request->addresses[i].text)->ca_file[0] != '\0');
    for (size_t i = 0; i < request->address_count; i++) {
        const char *text = request->addresses[i].text;
        struct resolved resolved;
        struct usher_error err = {0};
        enum resolve_outcome outcome;
        struct probe *probe;
        if (!is_to_resolve(text)) {
            add_probe(look, text, request->addresses[i].is_remembered);
            continue;
        }
        outcome = resolve_finish(jobs[i], by, &resolved, &err);
        if (outcome == RESOLVE_FOUND) {
            add_resolved(look, &resolved, etcd_client_tls(look->client, text), request->addresses[i].is_remembered);
            continue;
        }
        probe = add_probe(look, text, request->addresses[i].is_remembered);
        if (probe != NULL)
            settle(probe, outcome == RESOLVE_NO_SUCH_NAME ? ENDPOINT_UNREACHABLE : ENDPOINT_UNKNOWN, err.text);
    }
}

static enum live_cluster live_of(const struct look *look)
{
    if (look->has_list)
        return LIVE_REACHABLE;
    for (size_t i = 0; i < look->view->endpoint_count; i++)
        if (look->view->endpoints[i].state != ENDPOINT_UNREACHABLE)
            return LIVE_NO_QUORUM;
    return LIVE_UNREACHABLE;
}

/* libcurl does not tell "no such name" from a name server that fails. The latter says nothing, and nobody may found a cluster on that (I9):
 * where all else is unreachable, the resolver itself is asked. */
static void doubt_missing_names(struct look *look)
{
    struct resolve_job *jobs[ENDPOINTS_MAX] = {NULL};

    if (live_of(look) != LIVE_UNREACHABLE)
        return;
    for (size_t i = 0; i < look->view->endpoint_count; i++) {
        const char *host = strstr(look->view->endpoints[i].address, "://");
        char text[URL_BYTES];
        if (!look->probes[i].name_was_not_found || host == NULL)
            continue;
        snprintf(text, sizeof text, "dns:%.*s", (int)strcspn(host + 3, "/"), host + 3);
        jobs[i] = resolve_start(text, false);
    }
    for (size_t i = 0; i < look->view->endpoint_count; i++) {
        struct endpoint_view *endpoint = &look->view->endpoints[i];
        struct resolved resolved;
        struct usher_error err = {.text = "the name was found just now"};
        if (!look->probes[i].name_was_not_found || resolve_finish(jobs[i], look->deadline, &resolved, &err) == RESOLVE_NO_SUCH_NAME)
            continue;
        endpoint->state = ENDPOINT_UNKNOWN;
        snprintf(endpoint->problem, sizeof endpoint->problem, "%.240s", err.text);
    }
}

static void remember_silent(const struct look *look)
{
    struct etcd_client *client = look->client;

    client->silent_count = 0;
    client->silent_at_ms = monotonic_ms();
    for (size_t i = 0; look->ended_early && i < look->view->endpoint_count; i++)
        if (look->view->endpoints[i].state == ENDPOINT_UNKNOWN && client->silent_count < ENDPOINTS_MAX)
            snprintf(client->silent[client->silent_count++], URL_BYTES, "%s", look->view->endpoints[i].address);
}

static bool run_look(struct look *look, struct usher_error *err)
{
    struct cluster_view *view = look->view;
    const char *addresses[ENDPOINTS_MAX];
    struct http_batch *batch;

    for (size_t i = 0; i < view->endpoint_count; i++)
        addresses[i] = view->endpoints[i].address;
    etcd_client_authenticate(look->client, addresses, view->endpoint_count, look->deadline);
    if (!http_batch_begin(look->client->http, take_reply, look, &batch, err))
        return false;
    look->began_ms = monotonic_ms();
    http_batch_end_by(batch, look->deadline);
    for (size_t i = 0; i < view->endpoint_count; i++) {
        if (look->probes[i].is_settled)
            continue;
        ask(look, batch, &look->probes[i], ASK_STATUS);
        ask(look, batch, &look->probes[i], ASK_RANGE);
    }
    if (!http_batch_run(batch, look->deadline, true) && !look->has_list)
        return usher_error_set(err, "the look was interrupted");
    remember_silent(look);
    doubt_missing_names(look);
    view->live = live_of(look);
    return true;
}

bool etcd_client_look(struct etcd_client *client, const struct look_request *request, struct deadline deadline,
                      struct cluster_view *out_view, struct usher_error *err)
{
    struct look *look = calloc(1, sizeof *look);
    bool is_done;

    if (look == NULL)
        return usher_error_set(err, "out of memory");
    *look = (struct look){.client = client, .request = request, .view = out_view, .deadline = deadline};
    out_view->live = LIVE_UNKNOWN;
    out_view->cluster = (struct cluster_id){0};
    out_view->list_from = (struct member_id){0};
    out_view->list.count = out_view->endpoint_count = 0;
    expand(look);
    is_done = run_look(look, err);
    free(look);
    return is_done;
}
