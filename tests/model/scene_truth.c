/* What is so in a scene, worked out from its numbers without the product's code. */
#include "scene.h"

bool scene_has_ids(const struct scene *scene)
{
    return scene->at[WAL] == W_IDS || scene->at[WAL] == W_IDS_GONE || scene->at[WAL] == W_IDS_FOREIGN;
}

uint64_t scene_wal_member(const struct scene *scene)
{
    return !scene_has_ids(scene) ? 0 : scene->at[WAL] == W_IDS_GONE ? GONE_ID : SELF_ID;
}

uint64_t scene_wal_cluster(const struct scene *scene)
{
    return !scene_has_ids(scene) ? 0 : scene->at[WAL] == W_IDS_FOREIGN ? OTHER_CLUSTER : OUR_CLUSTER;
}

static bool self_is_listed(const struct scene *scene) { return scene->at[SELF] != SELF_ABSENT; }

enum kind scene_kind_at(const struct scene *scene, int index)
{
    return (size_t)index < scene->other_count ? scene->other_kinds[index] : (enum kind)scene->at[SELF];
}

uint64_t scene_id_at(const struct scene *scene, int index)
{
    return (size_t)index < scene->other_count ? FIRST_ID + (uint64_t)index : SELF_ID;
}

bool scene_holds_our_url(const struct scene *scene, int index)
{
    if ((size_t)index < scene->other_count)
        return index == 0 && scene->at[SECOND] != 0;
    return self_is_listed(scene) && scene->at[SELF_URL] != URL_ANOTHER;
}

/* Which member the record gives to our slot, as far as the record may be believed about the list that was read. */
static int recorded_entry(const struct scene *scene)
{
    int self = self_is_listed(scene) ? (int)scene->other_count : ENTRY_ABSENT;

    if (scene->at[RECORD] == R_OURS && scene->at[REACH] == REACH_LIST)
        return self;
    if (scene->at[RECORD] == R_FOREIGN && scene->at[REACH] == REACH_OTHER_LIST)
        return self;
    if (scene->at[RECORD] == R_OURS_FIRST && scene->at[REACH] == REACH_LIST && scene->other_count > 0)
        return 0;
    return ENTRY_ABSENT;
}

int scene_own_entry(const struct scene *scene)
{
    int self = self_is_listed(scene) ? (int)scene->other_count : ENTRY_ABSENT;
    bool first_holds = scene->other_count > 0 && scene->at[SECOND] != 0;
    bool self_holds = self >= 0 && scene_holds_our_url(scene, self);
    int by_url = first_holds && self_holds ? ENTRY_AMBIGUOUS : first_holds ? 0 : self_holds ? self : ENTRY_ABSENT;
    int by_record = recorded_entry(scene);

    if (scene->at[REACH] != REACH_LIST && scene->at[REACH] != REACH_OTHER_LIST)
        return ENTRY_ABSENT;
    if (scene_has_ids(scene))
        return scene_wal_member(scene) == SELF_ID ? self : ENTRY_ABSENT;
    if (by_url == ENTRY_AMBIGUOUS || (by_url >= 0 && by_record >= 0 && by_url != by_record))
        return ENTRY_AMBIGUOUS;
    return by_url >= 0 ? by_url : by_record;
}

static bool permit_can_be_read(const struct scene *scene)
{
    return scene->at[PERMIT_FROM] == 0 || (scene->at[RECORD] != R_UNREADABLE && scene->at[RECORD] != R_NOT_READ);
}

bool scene_permits(const struct scene *scene, enum permit_kind kind, uint64_t id)
{
    static const struct {
        enum permit_choice choice;
        enum permit_kind kind;
        uint64_t id;
    } given[] = {
        {P_REPLACE_SELF, PERMIT_REPLACE, SELF_ID},   {P_START_SELF, PERMIT_START, SELF_ID},
        {P_ARCHIVE_SELF, PERMIT_ARCHIVE, SELF_ID},   {P_DROP_SELF, PERMIT_DROP, SELF_ID},
        {P_FORGET_OURS, PERMIT_FORGET, OUR_CLUSTER}, {P_FORGET_OTHER, PERMIT_FORGET, OTHER_CLUSTER},
        {P_REPLACE_WRONG, PERMIT_REPLACE, 0xff},     {P_START_GONE, PERMIT_START, GONE_ID},
        {P_ARCHIVE_GONE, PERMIT_ARCHIVE, GONE_ID},
    };

    if (id == 0 || !permit_can_be_read(scene))
        return false;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if ((unsigned)given[i].choice == scene->at[PERMIT])
            return given[i].kind == kind && given[i].id == id;
    return false;
}

bool scene_permits_slot(const struct scene *scene, enum permit_kind kind)
{
    return ((kind == PERMIT_ARCHIVE && scene->at[PERMIT] == P_ARCHIVE_SLOT) || (kind == PERMIT_DROP && scene->at[PERMIT] == P_DROP_SLOT)) &&
           permit_can_be_read(scene);
}

bool scene_record_names_cluster(const struct scene *scene) { return scene->at[RECORD] >= R_OURS && scene->at[RECORD] <= R_FOREIGN; }

/* After the member at `index` is gone, at least a quorum of the voters left still answers; and somebody is left. A learner is no voter. */
bool scene_removal_is_safe(const struct scene *scene, int index)
{
    int members = (int)scene->other_count + (self_is_listed(scene) ? 1 : 0), voters = 0, up = 0;

    if (kind_is_learner(scene_kind_at(scene, index)))
        return true;
    for (int i = 0; i < members; i++) {
        enum kind kind = scene_kind_at(scene, i);
        if (i == index || kind_is_learner(kind))
            continue;
        voters++;
        up += kind_is_up(kind) ? 1 : 0;
    }
    return voters > 0 && 2 * up > voters;
}
