#include "usher/world/real_world.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/etcd/etcd_wire.h"
#include "usher/host/log.h"
#include "usher/host/record_file.h"

enum { RECORD_KEPT_MS = 5000 };

static bool look(void *self, const struct look_request *request, struct deadline deadline, struct cluster_view *out_view,
                 struct usher_error *err)
{
    struct real_world *real = self;
    return etcd_client_look(&real->client, request, deadline, out_view, err);
}

static void statuses(void *self, const char *const *addresses, size_t count, struct deadline deadline, struct etcd_status *out_statuses,
                     bool *out_known)
{
    struct real_world *real = self;
    etcd_client_statuses(&real->client, addresses, count, deadline, out_statuses, out_known);
}

static void gauges(void *self, const char *const *addresses, size_t count, struct member_id target, struct deadline deadline,
                   struct gauge_reading *out_readings)
{
    struct real_world *real = self;
    etcd_client_gauges(&real->client, addresses, count, target, deadline, out_readings);
}

static bool quorum_read(void *self, const char *address, struct deadline deadline, struct etcd_answer *out_answer)
{
    struct real_world *real = self;

    etcd_client_call(&real->client, address, "/v3/kv/range", "{\"key\":\"ZXRjZC11c2hlci9iYXJyaWVy\",\"count_only\":true}", false,
                     REPLY_HEADER, deadline, out_answer);
    return out_answer->outcome == CALL_OK || (out_answer->outcome == CALL_REFUSED && out_answer->refusal == REFUSAL_PERMISSION_DENIED);
}

static void add(struct real_world *real, const char *address, const struct url_list *peer_urls, const char *suffix,
                struct deadline deadline, struct etcd_answer *out)
{
    struct bounded_text body;

    bounded_text_init(&body, MEMBER_URLS_MAX * URL_BYTES + 128);
    etcd_wire_write_urls(&body, "{\"peerURLs\":", peer_urls, suffix);
    etcd_client_call(&real->client, address, "/v3/cluster/member/add", bounded_text_c(&body), true, REPLY_ADDED, deadline, out);
    bounded_text_done(&body);
}

static void add_learner(void *self, const char *address, const struct url_list *peer_urls, struct deadline deadline,
                        struct etcd_answer *out)
{
    add(self, address, peer_urls, ",\"isLearner\":true}", deadline, out);
}

static void add_voter(void *self, const char *address, const struct url_list *peer_urls, struct deadline deadline, struct etcd_answer *out)
{
    add(self, address, peer_urls, "}", deadline, out);
}

static void call_with_id(struct real_world *real, const char *address, const char *path, const char *key, struct member_id id,
                         enum reply_kind kind, struct deadline deadline, struct etcd_answer *out)
{
    char body[96];

    snprintf(body, sizeof body, "{\"%s\":\"%llu\"}", key, (unsigned long long)id.value);
    etcd_client_call(&real->client, address, path, body, true, kind, deadline, out);
}

static void promote(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    call_with_id(self, address, "/v3/cluster/member/promote", "ID", id, REPLY_HEADER, deadline, out);
}

static void remove_member(void *self, const char *address, struct member_id id, struct deadline deadline, struct etcd_answer *out)
{
    call_with_id(self, address, "/v3/cluster/member/remove", "ID", id, REPLY_HEADER, deadline, out);
}

static void move_leader(void *self, const char *address, struct member_id to, struct deadline deadline, struct etcd_answer *out)
{
    call_with_id(self, address, "/v3/maintenance/transfer-leadership", "targetID", to, REPLY_BARE, deadline, out);
}

static void update_peer_urls(void *self, const char *address, struct member_id id, const struct url_list *peer_urls,
                             struct deadline deadline, struct etcd_answer *out)
{
    struct real_world *real = self;
    struct bounded_text body;
    char prefix[96];

    assert(peer_urls->count > 0); /* an empty list panics etcd, at every restart again */
    snprintf(prefix, sizeof prefix, "{\"ID\":\"%llu\",\"peerURLs\":", (unsigned long long)id.value);
    bounded_text_init(&body, MEMBER_URLS_MAX * URL_BYTES + 128);
    etcd_wire_write_urls(&body, prefix, peer_urls, "}");
    etcd_client_call(&real->client, address, "/v3/cluster/member/update", bounded_text_c(&body), true, REPLY_HEADER, deadline, out);
    bounded_text_done(&body);
}

static enum tri port_accepts(void *self, const char *address, struct deadline deadline)
{
    CURL *easy = curl_easy_init();
    enum tri verdict = TRI_UNKNOWN;
    long os_error = 0;
    CURLcode result;

    (void)self;
    if (easy == NULL)
        return TRI_UNKNOWN;
    curl_easy_setopt(easy, CURLOPT_URL, address);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L); /* only whether somebody listens; nothing is sent */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(deadline_left_ms(deadline) > 0 ? deadline_left_ms(deadline) : 1));
    result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    if (result == CURLE_OK || result == CURLE_SSL_CONNECT_ERROR || result == CURLE_PEER_FAILED_VERIFICATION)
        verdict = TRI_YES;
    else if (result == CURLE_COULDNT_CONNECT)
        verdict = TRI_NO;
    curl_easy_cleanup(easy);
    return verdict;
}

static int64_t now_ms(void *self)
{
    (void)self;
    return monotonic_ms();
}

static uint64_t random_value(void *self)
{
    uint64_t value = 0;

    (void)self;
    if (RAND_bytes((unsigned char *)&value, sizeof value) != 1)
        abort(); /* a nonce that somebody could guess or repeat is worse than no start */
    return value;
}

static bool wait_for(void *self, struct deadline deadline)
{
    struct real_world *real = self;
    return wake_wait(real->wake, deadline);
}

static bool is_stopping(void *self)
{
    struct real_world *real = self;
    return wake_is_stopping(real->wake);
}

static bool record_read(void *self, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    struct real_world *real = self;
    return record_file_read(real->record_path, deadline, out, err);
}

static bool record_swap(void *self, const struct set_record *record, struct deadline deadline, bool *out_conflict, struct usher_error *err)
{
    struct real_world *real = self;
    return record_file_swap(real->record_path, record, deadline, out_conflict, err);
}

static void read_pod(void *self, const char *name, struct deadline deadline, struct pod_facts *out, struct usher_error *err)
{
    struct real_world *real = self;
    kube_read_pod(&real->kube, real->settings, name, deadline, out, err);
}

static void read_set(void *self, const char *name, struct deadline deadline, struct stateful_set_facts *out, struct usher_error *err)
{
    struct real_world *real = self;
    kube_read_stateful_set(&real->kube, name, deadline, out, err);
}

static void event(void *self, bool is_warning, const char *reason, const char *message)
{
    struct real_world *real = self;
    kube_event(&real->events, is_warning ? "Warning" : "Normal", reason, message);
}

static void api_gives_way(void *self, bool gives_way)
{
    struct real_world *real = self;
    real->kube.gives_way = gives_way;
}

static bool config_map_read(void *self, struct deadline deadline, struct set_record *out, struct usher_error *err)
{
    struct real_world *real = self;
    return kube_record_read(&real->config_map, deadline, out, err);
}

static bool config_map_swap(void *self, const struct set_record *record, struct deadline deadline, bool *out_conflict,
                            struct usher_error *err)
{
    struct real_world *real = self;
    return kube_record_swap(&real->config_map, record, deadline, out_conflict, err);
}

/* The API is used where there is one; only a set record that lives there cannot do without. */
static bool init_kube(struct real_world *real, const struct settings *settings, struct usher_error *err)
{
    bool needs_it = strncmp(settings->set_record, "configmap:", 10) == 0;
    struct usher_error problem = {0};

    if (!settings->in_kubernetes && !needs_it)
        return true;
    if (!kube_client_init(&real->kube, settings, wake_fd(real->wake), &problem)) {
        if (needs_it)
            return usher_error_set(err, "--set-record=%s: %s", settings->set_record, problem.text);
        log_warn("no Kubernetes API here: %s", problem.text);
        return true;
    }
    real->world.read_pod = read_pod;
    real->world.read_set = read_set;
    real->world.event = event;
    real->world.api_gives_way = api_gives_way;
    real->events = (struct kube_events){.client = &real->kube, .settings = settings, .instance = random_value(real)};
    if (needs_it) {
        kube_record_init(&real->config_map, &real->kube, settings->set_record + 10);
        real->store = (struct record_store){.self = real, .keep_ms = RECORD_KEPT_MS, .read = config_map_read, .swap = config_map_swap};
    }
    return true;
}

bool real_world_init(struct real_world *real, const struct settings *settings, struct wake *wake, struct usher_error *err)
{
    memset(real, 0, sizeof *real);
    real->wake = wake;
    real->settings = settings;
    real->world = (struct world){
        .self = real,
        .look = look,
        .statuses = statuses,
        .gauges = gauges,
        .quorum_read = quorum_read,
        .add_learner = add_learner,
        .add_voter = add_voter,
        .promote = promote,
        .remove = remove_member,
        .update_peer_urls = update_peer_urls,
        .move_leader = move_leader,
        .port_accepts = port_accepts,
        .now_ms = now_ms,
        .random = random_value,
        .wait = wait_for,
        .is_stopping = is_stopping,
    };
    if (strncmp(settings->set_record, "file:", 5) == 0) {
        snprintf(real->record_path, sizeof real->record_path, "%s", settings->set_record + 5);
        real->store = (struct record_store){.self = real, .read = record_read, .swap = record_swap};
    }
    return init_kube(real, settings, err) && etcd_client_init(&real->client, settings, wake_fd(wake), err);
}

void real_world_done(struct real_world *real)
{
    kube_record_done(&real->config_map);
    kube_client_done(&real->kube);
    etcd_client_done(&real->client);
}
