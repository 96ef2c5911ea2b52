#include "usher/core/set_record.h"

#include <string.h>

/* False when it does not fit: then nothing was copied. */
static bool copy_text(char *out, size_t out_bytes, const char *text)
{
    size_t length = strnlen(text, out_bytes);

    if (length >= out_bytes)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

void set_record_settle(struct set_record *record)
{
    if (cluster_id_is_known(record->cluster))
        record->state = RECORD_CLUSTER;
    else if (record->claim.slot[0] != '\0' || record->claim.nonce[0] != '\0')
        record->state = RECORD_CLAIMED;
    else
        record->state = RECORD_EMPTY;
}

static struct record_slot *find_slot(struct set_record *record, const char *slot_name)
{
    for (size_t i = 0; i < record->slot_count; i++)
        if (strcmp(record->slots[i].name, slot_name) == 0)
            return &record->slots[i];
    return NULL;
}

struct member_id set_record_slot(const struct set_record *record, const char *slot_name)
{
    for (size_t i = 0; i < record->slot_count; i++)
        if (strcmp(record->slots[i].name, slot_name) == 0)
            return record->slots[i].id;
    return (struct member_id){0};
}

bool set_record_has_id(const struct set_record *record, struct member_id id)
{
    for (size_t i = 0; i < record->slot_count; i++)
        if (member_id_equals(record->slots[i].id, id))
            return true;
    return false;
}

bool set_record_forgot(const struct set_record *record, struct cluster_id cluster)
{
    for (size_t i = 0; i < record->forgotten_count; i++)
        if (cluster_id_equals(record->forgotten[i], cluster))
            return true;
    return false;
}

bool set_record_claim(struct set_record *record, const char *slot_name, const char *nonce, const char *time_text)
{
    if (record->state != RECORD_EMPTY || slot_name[0] == '\0' || nonce[0] == '\0')
        return false;
    if (!copy_text(record->claim.slot, sizeof record->claim.slot, slot_name) ||
        !copy_text(record->claim.nonce, sizeof record->claim.nonce, nonce) ||
        !copy_text(record->claim.time, sizeof record->claim.time, time_text))
        return false;
    set_record_settle(record);
    return true;
}

static bool adopt_slot(struct set_record *record, const char *slot_name, struct member_id id)
{
    struct record_slot *slot = find_slot(record, slot_name);

    if (!member_id_is_known(id) || slot_name[0] == '\0')
        return false;
    if (slot == NULL) {
        if (record->slot_count >= SLOTS_MAX || !copy_text(record->slots[record->slot_count].name, NAME_BYTES, slot_name))
            return false;
        slot = &record->slots[record->slot_count++];
        slot->id.value = 0;
    }
    if (member_id_equals(slot->id, id))
        return false;
    slot->id = id;
    return true;
}

static bool adopt_endpoints(struct set_record *record, const struct member_list *list)
{
    size_t count = 0;
    bool is_changed = false;

    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < list->members[i].client_urls.count && count < REMEMBERED_MAX; k++, count++) {
            const char *url = list->members[i].client_urls.url[k];
            if (count < record->endpoint_count && strcmp(record->endpoints[count], url) == 0)
                continue;
            memcpy(record->endpoints[count], url, URL_BYTES);
            is_changed = true;
        }
    }
    if (count == 0) /* nobody is started: what is remembered is better than nothing */
        return false;
    is_changed |= count != record->endpoint_count;
    record->endpoint_count = count;
    return is_changed;
}

bool set_record_adopt(struct set_record *record, struct cluster_id cluster, const char *slot_name, struct member_id id,
                      const struct member_list *list_or_null)
{
    bool is_changed = false;

    if (!cluster_id_is_known(cluster) || cluster_id_differs(record->cluster, cluster) || set_record_forgot(record, cluster))
        return false;
    if (record->state != RECORD_EMPTY && record->state != RECORD_CLAIMED && record->state != RECORD_CLUSTER)
        return false;
    if (!cluster_id_is_known(record->cluster)) {
        record->cluster = cluster;
        is_changed = true;
    }
    is_changed |= adopt_slot(record, slot_name, id);
    if (list_or_null != NULL)
        is_changed |= adopt_endpoints(record, list_or_null);
    set_record_settle(record);
    return is_changed;
}

static void remove_permit_at(struct permit_list *list, size_t at)
{
    memmove(&list->permits[at], &list->permits[at + 1], (list->count - at - 1) * sizeof list->permits[0]);
    list->count--;
}

bool set_record_forget(struct set_record *record)
{
    struct cluster_id cluster = record->cluster;

    if (record->state != RECORD_CLUSTER && record->state != RECORD_CLAIMED)
        return false;
    if (cluster_id_is_known(cluster) && !set_record_forgot(record, cluster)) {
        if (record->forgotten_count >= FORGOTTEN_MAX) {
            memmove(&record->forgotten[0], &record->forgotten[1], (FORGOTTEN_MAX - 1) * sizeof record->forgotten[0]);
            record->forgotten_count--;
        }
        record->forgotten[record->forgotten_count++] = cluster;
    }
    record->cluster.value = 0;
    record->claim.slot[0] = record->claim.nonce[0] = record->claim.time[0] = '\0';
    record->slot_count = record->endpoint_count = 0;
    for (size_t i = record->permits.count; i-- > 0;)
        if (record->permits.permits[i].kind == PERMIT_FORGET)
            remove_permit_at(&record->permits, i);
    set_record_settle(record);
    return true;
}

bool set_record_drop_permit(struct set_record *record, const struct permit *permit)
{
    for (size_t i = 0; i < record->permits.count; i++)
        if (record->permits.permits[i].kind == permit->kind && strcmp(record->permits.permits[i].name, permit->name) == 0) {
            remove_permit_at(&record->permits, i);
            return true;
        }
    return false;
}
