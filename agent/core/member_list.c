#include "usher/core/member_list.h"

#include <string.h>

bool member_is_started(const struct member *member) { return member->client_urls.count > 0; }

/* etcd treats http://a:2380 and http://a:2380/ as one. */
static size_t length_without_slash(const char *url)
{
    size_t length = strnlen(url, URL_BYTES);
    return length > 0 && url[length - 1] == '/' ? length - 1 : length;
}

bool url_equals(const char *a, const char *b)
{
    size_t length = length_without_slash(a);
    return length > 0 && length == length_without_slash(b) && memcmp(a, b, length) == 0;
}

bool url_list_contains(const struct url_list *list, const char *url)
{
    for (size_t i = 0; i < list->count; i++)
        if (url_equals(list->url[i], url))
            return true;
    return false;
}

bool url_list_overlaps(const struct url_list *a, const struct url_list *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (url_list_contains(b, a->url[i]))
            return true;
    return false;
}

const struct member *member_list_find(const struct member_list *list, struct member_id id)
{
    for (size_t i = 0; i < list->count; i++)
        if (member_id_equals(list->members[i].id, id))
            return &list->members[i];
    return NULL;
}

const struct member *member_list_find_by_peer_url(const struct member_list *list, const struct url_list *urls)
{
    for (size_t i = 0; i < list->count; i++)
        if (url_list_overlaps(&list->members[i].peer_urls, urls))
            return &list->members[i];
    return NULL;
}

const struct member *member_list_find_learner(const struct member_list *list, struct member_id except)
{
    const struct member *found = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct member *member = &list->members[i];
        if (!member->is_learner || member_id_equals(member->id, except))
            continue;
        if (!member_is_started(member))
            return member;
        if (found == NULL)
            found = member;
    }
    return found;
}

size_t member_list_count_by_peer_url(const struct member_list *list, const struct url_list *urls)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        if (url_list_overlaps(&list->members[i].peer_urls, urls))
            count++;
    return count;
}

size_t member_list_voter_count(const struct member_list *list) { return list->count - member_list_learner_count(list); }

size_t member_list_learner_count(const struct member_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->members[i].is_learner)
            count++;
    return count;
}
