#include "usher/core/initial_cluster.h"

#include <string.h>

struct text {
    char *out;
    size_t length, bytes;
    bool overflowed;
};

static void add(struct text *text, const char *part)
{
    size_t length = strlen(part);

    if (text->overflowed || text->length + length + 1 > text->bytes) {
        text->overflowed = true;
        return;
    }
    memcpy(text->out + text->length, part, length + 1);
    text->length += length;
}

static void add_urls(struct text *text, const char *key_prefix, const char *key, const struct url_list *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (text->length > 0)
            add(text, ",");
        add(text, key_prefix);
        add(text, key);
        add(text, "=");
        add(text, urls->url[i]);
    }
}

static bool finish(struct text *text)
{
    if (!text->overflowed && text->length > 0)
        return true;
    if (text->bytes > 0)
        text->out[0] = '\0';
    return false;
}

/* No hex key with this prefix can be our own name: the name would have to start with it. */
static const char *prefix_beside(const char *our_name) { return strncmp(our_name, "m-", 2) == 0 ? "member-" : "m-"; }

bool initial_cluster_render(const struct member_list *list, struct member_id ours, const char *our_name, char *out_text, size_t out_bytes)
{
    struct text text = {.out = out_text, .bytes = out_bytes};
    const char *prefix = prefix_beside(our_name);
    bool has_ours = false;

    for (size_t i = 0; i < list->count; i++) {
        const struct member *member = &list->members[i];
        char hex[ID_TEXT_BYTES];

        if (member->peer_urls.count == 0)
            text.overflowed = true;
        id_to_hex(member->id.value, hex);
        if (member_id_equals(member->id, ours)) {
            add_urls(&text, "", our_name, &member->peer_urls);
            has_ours = true;
        } else {
            add_urls(&text, prefix, hex, &member->peer_urls);
        }
    }
    if (!has_ours || our_name[0] == '\0')
        text.overflowed = true;
    return finish(&text);
}

bool initial_cluster_render_alone(const char *our_name, const struct url_list *peer_urls, char *out_text, size_t out_bytes)
{
    struct text text = {.out = out_text, .bytes = out_bytes};

    if (our_name[0] != '\0')
        add_urls(&text, "", our_name, peer_urls);
    return finish(&text);
}
