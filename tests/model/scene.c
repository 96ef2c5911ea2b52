#include "scene.h"

#include <stdio.h>
#include <string.h>

#define OUR_SLOT "pod-0"
#define OUR_URL "http://pod-0:2380"

static const struct {
    const char *name;
    unsigned count;
} dimensions[DIMENSIONS] = {
    [REACH] = {"reach", REACHES},
    [OTHERS] = {"others", 462},
    [SELF] = {"self", SELVES},
    [SELF_URL] = {"self-url", SELF_URLS},
    [SECOND] = {"second", 2},
    [STRAY] = {"stray", STRAYS},
    [WAL] = {"wal", WALS},
    [RECORD] = {"record", RECORDS},
    [PERMIT] = {"permit", PERMITS},
    [PERMIT_FROM] = {"permit-from", 2},
    [GAUGE] = {"gauge", 3},
    [LOOKED] = {"looked", 2},
    [QUORUM_READ] = {"quorum-read", 2},
    [LEFT] = {"left", LEFTS},
    [JOIN_RECORD] = {"join-record", JOIN_RECORDS},
    [NONCE] = {"nonce", NONCES},
    [TRACE] = {"trace", 2},
    [NOTES] = {"notes", 3},
    [SLOT] = {"slot", 3},
    [REJOIN] = {"rejoin", 3},
    [BOOTSTRAP] = {"bootstrap", BOOTSTRAPS},
    [HAS_RECORD] = {"has-record", 2},
    [EXPECTED] = {"expected", EXPECTEDS},
    [STALE_DATA] = {"stale-data", 2},
    [LOST_DATA] = {"lost-data", 2},
    [UNREADABLE_DATA] = {"unreadable-data", 2},
    [SINCE_REMOVAL] = {"since-removal", SINCES},
    [FREE_SPACE] = {"free-space", SPACES},
    [LIVES] = {"etcd-lives", 3},
    [PLAN] = {"plan", 2},
    [POD_REMOVED] = {"pod-removed", 2},
    [PLACE] = {"place", 5},
};

/* Value 0 of each dimension is the plain one: a fresh pod beside a cluster, nothing unknown. */
static const enum tri no_first[] = {TRI_NO, TRI_YES, TRI_UNKNOWN};
static const enum tri yes_first[] = {TRI_YES, TRI_NO, TRI_UNKNOWN};

static const struct {
    const char *text;
    enum permit_kind kind;
    uint64_t id; /* 0: by name */
} permits[PERMITS] = {
    [P_NONE] = {"", PERMIT_UNKNOWN, 0},
    [P_REPLACE_SELF] = {"replace=a0", PERMIT_REPLACE, SELF_ID},
    [P_START_SELF] = {"start=a0", PERMIT_START, SELF_ID},
    [P_ARCHIVE_SELF] = {"archive=a0", PERMIT_ARCHIVE, SELF_ID},
    [P_DROP_SELF] = {"drop=a0", PERMIT_DROP, SELF_ID},
    [P_FORGET_OURS] = {"forget=c1", PERMIT_FORGET, OUR_CLUSTER},
    [P_FORGET_OTHER] = {"forget=c2", PERMIT_FORGET, OTHER_CLUSTER},
    [P_FORGET_NONCE] = {"forget=nonce-1", PERMIT_FORGET, 0},
    [P_ARCHIVE_SLOT] = {"archive=" OUR_SLOT, PERMIT_ARCHIVE, 0},
    [P_DROP_SLOT] = {"drop=" OUR_SLOT, PERMIT_DROP, 0},
    [P_REPLACE_WRONG] = {"replace=ff", PERMIT_REPLACE, 0xff},
    [P_START_GONE] = {"start=a9", PERMIT_START, GONE_ID},
    [P_ARCHIVE_GONE] = {"archive=a9", PERMIT_ARCHIVE, GONE_ID},
};

const char *dimension_name(enum dimension dimension) { return dimensions[dimension].name; }
unsigned dimension_count(enum dimension dimension) { return dimensions[dimension].count; }

static void text(char *out, size_t bytes, const char *from) { snprintf(out, bytes, "%s", from); }

/* --- the others ----------------------------------------------------------------------------------------------------------------------- */
static struct {
    unsigned char size;
    unsigned char kinds[OTHERS_MAX];
} multisets[462];
static unsigned multisets_up_to[OTHERS_MAX + 1];

static void list_multisets(void)
{
    unsigned count = 0;

    for (unsigned size = 0; size <= OTHERS_MAX; size++) {
        unsigned char kinds[OTHERS_MAX] = {0};
        for (;;) {
            unsigned at = size;
            multisets[count].size = (unsigned char)size;
            memcpy(multisets[count++].kinds, kinds, sizeof kinds);
            while (at > 0 && kinds[at - 1] == KINDS - 1)
                at--;
            if (at == 0)
                break;
            memset(kinds + at - 1, kinds[at - 1] + 1, size - at + 1);
        }
        multisets_up_to[size] = count;
    }
}

unsigned others_count(unsigned members) { return multisets_up_to[members]; }

size_t others_unpack(unsigned number, enum kind out_kinds[OTHERS_MAX])
{
    for (unsigned i = 0; i < multisets[number].size; i++)
        out_kinds[i] = (enum kind)multisets[number].kinds[i];
    return multisets[number].size;
}

/* --- the look ------------------------------------------------------------------------------------------------------------------------- */
static struct endpoint_view *add_endpoint(struct scene *scene, enum endpoint_state state, uint64_t cluster, uint64_t id)
{
    struct endpoint_view *endpoint = &scene->view.endpoints[scene->view.endpoint_count++];

    endpoint->state = state;
    endpoint->cluster.value = cluster;
    endpoint->member.value = id;
    endpoint->leader.value = 0;
    endpoint->is_remembered = false;
    endpoint->db_size_bytes = id != 0 ? DB_BYTES : -1;
    return endpoint;
}

/* Slots of the array are written in place; names and URLs that stay the same are written once, by scene_init. */
static void add_member(struct scene *scene, uint64_t id, enum kind kind, bool has_our_url)
{
    struct member_list *list = &scene->view.list;
    struct member *member = &list->members[list->count++];

    member->id.value = id;
    member->is_learner = kind_is_learner(kind);
    member->client_urls.count = kind_is_started(kind) ? 1 : 0;
    member->peer_urls.count = has_our_url ? 2 : 1;
    if (kind_is_up(kind))
        add_endpoint(scene, kind_is_learner(kind) ? ENDPOINT_LEARNER : ENDPOINT_SERVING, scene->view.cluster.value, id);
}

static void build_list(struct scene *scene)
{
    enum kind self = (enum kind)scene->at[SELF];
    size_t asked = scene->view.endpoint_count;

    scene->view.live = LIVE_REACHABLE;
    scene->view.cluster.value = scene->at[REACH] == REACH_LIST ? OUR_CLUSTER : OTHER_CLUSTER;
    for (size_t i = 0; i < scene->other_count; i++)
        add_member(scene, FIRST_ID + i, scene->other_kinds[i], i == 0 && scene->at[SECOND]);
    if (self != SELF_ABSENT) {
        struct member *member = &scene->view.list.members[scene->view.list.count];
        scene->rewritten = scene->view.list.count;
        add_member(scene, SELF_ID, self, scene->at[SELF_URL] != URL_ANOTHER);
        if (scene->at[SELF_URL] == URL_OURS)
            member->peer_urls.count = 1;
        text(member->peer_urls.url[0], URL_BYTES, scene->at[SELF_URL] == URL_OURS ? OUR_URL "/" : "http://old-address:2380");
    }
    if (scene->view.endpoint_count == asked) /* somebody answered the list: an endpoint that did not say as whom */
        add_endpoint(scene, ENDPOINT_SERVING, scene->view.cluster.value, 0);
}

static void build_view(struct scene *scene)
{
    struct cluster_view *view = &scene->view;
    struct quorum_health health;

    scene->facts.view = scene->at[REACH] == REACH_NOT_LOOKED ? NULL : view;
    view->endpoint_count = view->list.count = 0;
    view->cluster.value = 0;
    snprintf(view->list.members[scene->rewritten].peer_urls.url[0], URL_BYTES, "http://pod-%zu:2380", scene->rewritten + 1);
    add_endpoint(scene, ENDPOINT_UNREACHABLE, 0, 0);
    switch ((enum reach)scene->at[REACH]) {
    case REACH_LIST:
    case REACH_OTHER_LIST:
        build_list(scene);
        break;
    case REACH_NOBODY_BUT_UNASKED:
        add_endpoint(scene, ENDPOINT_UNKNOWN, 0, 0);
        view->live = LIVE_UNREACHABLE;
        break;
    case REACH_NOBODY_BUT_REFUSES:
        add_endpoint(scene, ENDPOINT_REFUSES, 0, 0);
        view->live = LIVE_UNREACHABLE;
        break;
    case REACH_NOBODY:
        view->live = LIVE_UNREACHABLE;
        break;
    case REACH_NO_QUORUM:
        add_endpoint(scene, ENDPOINT_NO_QUORUM, OUR_CLUSTER, FIRST_ID);
        view->live = LIVE_NO_QUORUM;
        break;
    case REACH_NO_QUORUM_COPY:
        add_endpoint(scene, ENDPOINT_NO_QUORUM, OUR_CLUSTER, SELF_ID);
        view->live = LIVE_NO_QUORUM;
        break;
    case REACH_UNKNOWN:
    case REACH_NOT_LOOKED:
    case REACHES:
        view->live = LIVE_UNKNOWN;
        break;
    }
    if (scene->at[STRAY] != STRAY_ABSENT)
        add_endpoint(scene, ENDPOINT_SERVING, scene->at[REACH] == REACH_OTHER_LIST ? OUR_CLUSTER : OTHER_CLUSTER, FIRST_ID)->is_remembered =
            scene->at[STRAY] == STRAY_REMEMBERED;
    quorum_health_from_view(view, &health);
    for (size_t i = 0; i < view->list.count; i++)
        scene->removal[i] = quorum_judge(view, &health, QUORUM_REMOVE, view->list.members[i].id);
    scene->is_view_stale = false;
}

/* --- the record and the permit ---------------------------------------------------------------------------------------------------------- */
static void set_permit(struct scene *scene)
{
    const char *list = permits[scene->at[PERMIT]].text;
    bool in_record = scene->at[PERMIT_FROM] != 0;

    scene->facts.file_permits.count = scene->record.permits.count = 0;
    if (in_record)
        permit_list_parse(&scene->record.permits, list, PERMIT_FROM_RECORD);
    else
        permit_list_parse(&scene->facts.file_permits, list, PERMIT_FROM_FILE);
}

static void record_slot(struct set_record *record, uint64_t cluster, uint64_t id)
{
    record->cluster.value = cluster;
    record->slot_count = id == 0 ? 0 : 1;
    text(record->slots[0].name, NAME_BYTES, OUR_SLOT);
    record->slots[0].id.value = id;
}

static void record_claim(struct set_record *record, const char *slot, const char *nonce)
{
    text(record->claim.slot, NAME_BYTES, slot);
    text(record->claim.nonce, NONCE_BYTES, nonce);
}

static void set_record_to(struct scene *scene, enum record value)
{
    static const enum record_state states[RECORDS] = {
        [R_EMPTY] = RECORD_EMPTY,           [R_CLAIMED_OURS] = RECORD_CLAIMED,  [R_CLAIMED_OURS_NONCE_LOST] = RECORD_CLAIMED,
        [R_CLAIMED_OTHER] = RECORD_CLAIMED, [R_OURS] = RECORD_CLUSTER,          [R_OURS_GONE] = RECORD_CLUSTER,
        [R_OURS_FIRST] = RECORD_CLUSTER,    [R_OURS_NO_SLOT] = RECORD_CLUSTER,  [R_FOREIGN] = RECORD_CLUSTER,
        [R_FORGOT_OURS] = RECORD_EMPTY,     [R_UNREADABLE] = RECORD_UNREADABLE, [R_NOT_CONFIGURED] = RECORD_NOT_CONFIGURED,
        [R_UNKNOWN] = RECORD_UNKNOWN,       [R_NOT_READ] = RECORD_UNKNOWN,
    };
    struct set_record *record = &scene->record;

    scene->facts.record = value == R_NOT_READ ? NULL : record;
    record_slot(record, 0, 0);
    record_claim(record, "", "");
    record->forgotten_count = 0;
    record->state = states[value];
    if (value == R_CLAIMED_OURS || value == R_CLAIMED_OURS_NONCE_LOST)
        record_claim(record, OUR_SLOT, value == R_CLAIMED_OURS ? "nonce-1" : "nonce-2");
    else if (value == R_CLAIMED_OTHER)
        record_claim(record, "pod-1", "nonce-1");
    else if (value == R_OURS || value == R_UNREADABLE)
        record_slot(record, OUR_CLUSTER, SELF_ID);
    else if (value == R_OURS_GONE)
        record_slot(record, OUR_CLUSTER, GONE_ID);
    else if (value == R_OURS_FIRST)
        record_slot(record, OUR_CLUSTER, FIRST_ID);
    else if (value == R_OURS_NO_SLOT)
        record_slot(record, OUR_CLUSTER, 0);
    else if (value == R_FOREIGN)
        record_slot(record, OTHER_CLUSTER, SELF_ID);
    else if (value == R_FORGOT_OURS)
        record->forgotten[record->forgotten_count++].value = OUR_CLUSTER;
}

/* --- disk and settings ------------------------------------------------------------------------------------------------------------------ */
static void set_wal(struct scene *scene, enum wal value)
{
    static const enum wal_state states[WALS] = {
        [W_NONE] = WAL_NONE,       [W_IDS] = WAL_IDS,   [W_IDS_GONE] = WAL_IDS,          [W_IDS_FOREIGN] = WAL_IDS,
        [W_REMAINS] = WAL_REMAINS, [W_TORN] = WAL_TORN, [W_UNREADABLE] = WAL_UNREADABLE, [W_UNKNOWN] = WAL_UNKNOWN,
    };
    struct wal_facts *wal = &scene->facts.wal;

    wal->state = states[value];
    wal->member.value = wal->cluster.value = 0;
    if (wal->state == WAL_IDS) {
        wal->member.value = value == W_IDS_GONE ? GONE_ID : SELF_ID;
        wal->cluster.value = value == W_IDS_FOREIGN ? OTHER_CLUSTER : OUR_CLUSTER;
    }
}

static void set_bootstrap(struct join_settings *settings, enum bootstrap value)
{
    static const enum bootstrap_mode modes[BOOTSTRAPS] = {BOOTSTRAP_RECORD, BOOTSTRAP_NEVER, BOOTSTRAP_ONCE, BOOTSTRAP_ONCE};
    settings->bootstrap = modes[value];
    text(settings->bootstrap_once_name, NAME_BYTES, value == B_ONCE_OURS ? OUR_SLOT : "pod-1");
}

static void set_nonce(struct volume_facts *volume, enum nonce value)
{
    text(volume->nonce, NONCE_BYTES, value == N_NONE ? "" : value == N_ANOTHER ? "nonce-9" : "nonce-1");
    volume->nonce_was_used = value == N_USED;
}

static void set_join_record(struct volume_facts *volume, enum join_record value)
{
    volume->join_record.member.value = value == J_NONE ? 0 : value == J_OLDER ? 0xee : SELF_ID;
    volume->join_record.cluster.value = value == J_NONE ? 0 : value == J_SELF_OTHER_CLUSTER ? OTHER_CLUSTER : OUR_CLUSTER;
}

/* The mark depends on the WAL's ids: see scene_settle. */
static void settle_left(struct scene *scene)
{
    struct volume_facts *volume = &scene->facts.volume;
    bool is_there = scene->at[LEFT] != LEFT_NONE;

    volume->left.member.value = !is_there ? 0 : scene->at[LEFT] == LEFT_OLDER ? 0xdd : scene->facts.wal.member.value;
    volume->left.cluster.value = !is_there ? 0 : scene->facts.wal.cluster.value;
}

static void set_small(struct scene *scene, enum dimension dimension, unsigned value)
{
    static const enum gauge_verdict gauges[] = {GAUGE_UNKNOWN, GAUGE_CONNECTED, GAUGE_DOWN};
    static const enum rejoin_policy rejoins[] = {REJOIN_AT_START, REJOIN_ALWAYS, REJOIN_NEVER};
    static const enum data_place places[] = {PLACE_GOOD, PLACE_UNKNOWN, PLACE_MISSING, PLACE_NOT_MOUNTED, PLACE_WAL_ELSEWHERE};
    static const uint64_t clusters[] = {0, OUR_CLUSTER, OTHER_CLUSTER};
    static const int64_t since_ms[] = {-1, 500, 5000}, free_bytes[] = {-1, 1 << 30, DB_BYTES - 1};
    struct join_facts *facts = &scene->facts;
    enum data_policy policy = value == 0 ? DATA_POLICY_ACT : DATA_POLICY_REFUSE;

    switch ((int)dimension) {
    case GAUGE:
        facts->our_gauge = gauges[value];
        break;
    case LOOKED:
        facts->looked_for_ms = value == 0 ? 0 : JOIN_LOOK_MS;
        break;
    case JOIN_RECORD:
        set_join_record(&facts->volume, (enum join_record)value);
        break;
    case NONCE:
        set_nonce(&facts->volume, (enum nonce)value);
        break;
    case TRACE:
        facts->volume.has_trace = value != 0;
        break;
    case NOTES:
        facts->volume.is_readable = yes_first[value];
        break;
    case SLOT:
        facts->volume.is_another_slots = no_first[value];
        break;
    case REJOIN:
        facts->settings.rejoin = rejoins[value];
        break;
    case BOOTSTRAP:
        set_bootstrap(&facts->settings, (enum bootstrap)value);
        break;
    case HAS_RECORD:
        facts->settings.has_set_record = value == 0;
        break;
    case EXPECTED:
        facts->settings.expected_cluster.value = clusters[value];
        break;
    case STALE_DATA:
        facts->settings.stale_data = policy;
        break;
    case LOST_DATA:
        facts->settings.lost_data = policy;
        break;
    case UNREADABLE_DATA:
        facts->settings.unreadable_data = value == 0 ? DATA_POLICY_REFUSE : DATA_POLICY_ACT;
        break;
    case SINCE_REMOVAL:
        facts->since_our_removal_ms = since_ms[value];
        break;
    case FREE_SPACE:
        facts->free_bytes = free_bytes[value];
        break;
    case LIVES:
        facts->etcd_lives_here = no_first[value];
        break;
    case PLAN:
        facts->has_plan = value != 0;
        break;
    case POD_REMOVED:
        facts->pod_turned_removed = value != 0;
        break;
    case PLACE:
        facts->data_place = places[value];
        break;
    default:
        break;
    }
}

void scene_set(struct scene *scene, enum dimension dimension, unsigned value)
{
    scene->at[dimension] = (unsigned char)value;
    switch ((int)dimension) {
    case OTHERS:
        scene->others = (unsigned short)value;
        scene->other_count = others_unpack(value, scene->other_kinds);
        scene->is_view_stale = true;
        break;
    case REACH:
    case SELF:
    case SELF_URL:
    case SECOND:
    case STRAY:
        scene->is_view_stale = true;
        break;
    case WAL:
        set_wal(scene, (enum wal)value);
        break;
    case RECORD:
        set_record_to(scene, (enum record)value);
        break;
    case PERMIT:
    case PERMIT_FROM:
        set_permit(scene);
        break;
    default:
        set_small(scene, dimension, value);
        break;
    }
}

/* The observer fills the quorum fact for the entry that is ours; with QUORUM_READ 1 it could not be judged. */
void scene_settle(struct scene *scene)
{
    int entry;

    if (scene->is_view_stale)
        build_view(scene);
    settle_left(scene);
    entry = scene_own_entry(scene);
    scene->facts.removal_keeps_quorum = entry < 0 || scene->at[QUORUM_READ] != 0  ? TRI_UNKNOWN
                                        : scene->removal[entry] == QUORUM_ALLOWED ? TRI_YES
                                                                                  : TRI_NO;
}

void scene_init(struct scene *scene)
{
    struct join_settings *settings = &scene->facts.settings;

    if (multisets_up_to[0] == 0)
        list_multisets();
    memset(scene, 0, sizeof *scene);
    text(settings->slot_name, NAME_BYTES, OUR_SLOT);
    text(settings->name, NAME_BYTES, OUR_SLOT);
    settings->peer_urls.count = 1;
    text(settings->peer_urls.url[0], URL_BYTES, OUR_URL);
    for (size_t i = 0; i <= OTHERS_MAX; i++) {
        snprintf(scene->view.list.members[i].client_urls.url[0], URL_BYTES, "http://pod-%zu:2379", i + 1);
        snprintf(scene->view.list.members[i].peer_urls.url[0], URL_BYTES, "http://pod-%zu:2380", i + 1);
        text(scene->view.list.members[i].peer_urls.url[1], URL_BYTES, OUR_URL);
        text(scene->view.list.members[i].name, NAME_BYTES, OUR_SLOT); /* two sets often use the same names */
    }
    for (unsigned i = 0; i < DIMENSIONS; i++)
        scene_set(scene, (enum dimension)i, 0);
    scene_set(scene, SELF, SELF_ABSENT);
}
