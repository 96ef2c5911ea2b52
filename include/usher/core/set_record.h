/* The set record: what a slot set remembers outside its volumes (DESIGN 5.2), as a value with pure edits. The stores (a file, a
 * ConfigMap) read it, and write the edited value by compare-and-swap. Entries are overwritten, not deleted. */
#ifndef USHER_CORE_SET_RECORD_H
#define USHER_CORE_SET_RECORD_H

#include "usher/core/member_list.h"
#include "usher/core/permit.h"

enum { NONCE_BYTES = 33, SLOTS_MAX = 64, REMEMBERED_MAX = 32, FORGOTTEN_MAX = 16 };

enum record_state {
    RECORD_UNKNOWN = 0,    /* not read yet */
    RECORD_NOT_CONFIGURED, /* no --set-record */
    RECORD_UNREADABLE,     /* 403, 404, time-out, bad JSON: never "empty" */
    RECORD_EMPTY,
    RECORD_CLAIMED, /* somebody is founding, no cluster ID yet */
    RECORD_CLUSTER, /* holds a cluster ID: never founds again */
};

struct record_slot {
    char name[NAME_BYTES];
    struct member_id id;
};

struct set_record {
    enum record_state state;
    struct {
        char slot[NAME_BYTES]; /* empty = no claim */
        char nonce[NONCE_BYTES];
        char time[32]; /* RFC 3339, for people only */
    } claim;
    struct cluster_id cluster;
    size_t slot_count;
    struct record_slot slots[SLOTS_MAX];
    size_t endpoint_count;
    char endpoints[REMEMBERED_MAX][URL_BYTES]; /* client URLs last seen */
    size_t forgotten_count;
    struct cluster_id forgotten[FORGOTTEN_MAX];
    struct permit_list permits;
    char version[64]; /* the store's own token for compare-and-swap */
};

/* Derives `state` from the contents (EMPTY, CLAIMED or CLUSTER). */
void set_record_settle(struct set_record *record);
struct member_id set_record_slot(const struct set_record *record, const char *slot_name); /* unknown when absent */
bool set_record_has_id(const struct set_record *record, struct member_id id);
bool set_record_forgot(const struct set_record *record, struct cluster_id cluster);

/* Edits. Each returns whether anything changed (unchanged = no write). */
bool set_record_claim(struct set_record *record, const char *slot_name, const char *nonce, const char *time_text);
/* ADOPT: cluster ID (only when none stands there; another one is left alone and false returned), own slot, endpoints. */
bool set_record_adopt(struct set_record *record, struct cluster_id cluster, const char *slot_name, struct member_id id,
                      const struct member_list *list_or_null);
/* forget=ID or forget=nonce: drops cluster ID, claim, slots, endpoints and the permit, and remembers the ID under `forgotten`. */
bool set_record_forget(struct set_record *record);
bool set_record_drop_permit(struct set_record *record, const struct permit *permit);

#endif
