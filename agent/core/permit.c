#include "usher/core/permit.h"

#include <string.h>

static const char *const words[] = {"", "archive", "replace", "start", "drop", "forget", "rescue"};

const char *permit_word(enum permit_kind kind)
{
    return (size_t)kind < sizeof words / sizeof words[0] && kind != PERMIT_UNKNOWN ? words[kind] : "unknown";
}

static enum permit_kind kind_of(const char *word, size_t length)
{
    for (size_t i = 1; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return (enum permit_kind)i;
    return PERMIT_UNKNOWN;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* One entry without blanks around it: KIND=WHAT. */
static bool parse_entry(const char *entry, size_t length, enum permit_source source, struct permit *out)
{
    const char *equals = memchr(entry, '=', length);
    size_t name_length;

    if (equals == NULL)
        return false;
    name_length = length - (size_t)(equals - entry) - 1;
    out->kind = kind_of(entry, (size_t)(equals - entry));
    if (out->kind == PERMIT_UNKNOWN || name_length == 0 || name_length >= sizeof out->name)
        return false;
    out->source = source;
    memcpy(out->name, equals + 1, name_length);
    out->name[name_length] = '\0';
    out->id = 0;
    if (!id_from_hex(out->name, &out->id))
        out->id = 0;
    return true;
}

void permit_list_parse(struct permit_list *list, const char *text, enum permit_source source)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        const char *entry = text, *end = text + length;
        struct permit permit = {.kind = PERMIT_UNKNOWN};

        text += length + (text[length] == ',' ? 1 : 0);
        while (entry < end && is_blank(*entry))
            entry++;
        while (end > entry && is_blank(end[-1]))
            end--;
        if (entry == end)
            continue;
        if (list->count >= PERMITS_MAX || !parse_entry(entry, (size_t)(end - entry), source, &permit))
            list->has_bad_entry = true;
        else
            list->permits[list->count++] = permit;
    }
}

const struct permit *permit_find(const struct permit_list *list, enum permit_kind kind, uint64_t id, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct permit *permit = &list->permits[i];
        if (kind == PERMIT_UNKNOWN || permit->kind != kind)
            continue;
        if ((id != 0 && permit->id == id) || (name != NULL && name[0] != '\0' && strcmp(permit->name, name) == 0))
            return permit;
    }
    return NULL;
}
