/* A permit: a single-use yes of a person for one unsafe step, naming what it is for (DESIGN 4.5). From the key `permit` of the set
 * record, or the file `usher-permit` beside the data; a comma list. */
#ifndef USHER_CORE_PERMIT_H
#define USHER_CORE_PERMIT_H

#include <stddef.h>

#include "usher/core/ids.h"

enum { PERMITS_MAX = 16, PERMIT_NAME_BYTES = 256 };

enum permit_kind {
    PERMIT_UNKNOWN = 0,
    PERMIT_ARCHIVE, /* G4 foreign data (member ID), J5 unreadable data (slot name) */
    PERMIT_REPLACE, /* J14: that member is dead, take its seat */
    PERMIT_START,   /* J3, G4: this volume is the right one */
    PERMIT_DROP,    /* ARCHIVE without space: delete instead */
    PERMIT_FORGET,  /* J16, G5: that cluster (ID) or claim (nonce) is gone for good */
    PERMIT_RESCUE,  /* quorum lost for good */
};

enum permit_source { PERMIT_FROM_UNKNOWN = 0, PERMIT_FROM_RECORD, PERMIT_FROM_FILE };

struct permit {
    enum permit_kind kind;
    enum permit_source source;
    uint64_t id;                  /* 0 when `name` is not hex */
    char name[PERMIT_NAME_BYTES]; /* as written */
};

struct permit_list {
    size_t count;
    struct permit permits[PERMITS_MAX];
    bool has_bad_entry; /* something there could not be read: named in a warning, grants nothing */
};

/* Adds what `text` holds. Bad entries grant nothing and set has_bad_entry. */
void permit_list_parse(struct permit_list *list, const char *text, enum permit_source source);
/* By ID (0 never matches), or by the name as written (NULL or empty never matches). NULL when not granted. */
const struct permit *permit_find(const struct permit_list *list, enum permit_kind kind, uint64_t id, const char *name);
const char *permit_word(enum permit_kind kind); /* "archive" ... */

#endif
