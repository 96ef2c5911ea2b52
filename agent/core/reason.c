#include "usher/core/reason.h"

#include <stddef.h>

struct reason_row {
    enum reason reason;
    const char *name, *row, *sentence, *remedy;
};

static const struct reason_row rows[] = {
#define X(number, symbol, name, row, sentence, remedy) {REASON_##symbol, name, row, sentence, remedy},
    USHER_REASONS(X)
#undef X
};

static const struct reason_row unknown_row = {REASON_UNKNOWN, "unknown", "-", "no decision has been taken", "nothing"};

static const struct reason_row *find(enum reason reason)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].reason == reason)
            return &rows[i];
    return &unknown_row;
}

const char *reason_name(enum reason reason) { return find(reason)->name; }
const char *reason_row(enum reason reason) { return find(reason)->row; }
const char *reason_sentence(enum reason reason) { return find(reason)->sentence; }
const char *reason_remedy(enum reason reason) { return find(reason)->remedy; }

enum reason reason_at(unsigned index) { return index < sizeof rows / sizeof rows[0] ? rows[index].reason : REASON_UNKNOWN; }
