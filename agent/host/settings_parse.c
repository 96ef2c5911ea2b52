/* The parsers of single values. Each says what is allowed when it refuses. */
#include "settings_parse.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool parse_text(const char *text, char *out, size_t out_bytes, struct usher_error *err)
{
    size_t length = strlen(text);
    json_t *utf8;

    if (length >= out_bytes)
        return usher_error_set(err, "at most %zu bytes", out_bytes - 1);
    if (strpbrk(text, "\n\r") != NULL)
        return usher_error_set(err, "one line of text");
    utf8 = json_string(text);
    json_decref(utf8);
    if (utf8 == NULL) /* it could not stand in the set record, nor in any other of our files */
        return usher_error_set(err, "text in UTF-8");
    memcpy(out, text, length + 1);
    return true;
}

bool parse_unsigned(const char *text, unsigned max, unsigned *out, struct usher_error *err)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > max)
        return usher_error_set(err, "a whole number from 0 to %u", max);
    *out = (unsigned)value;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, const char *allowed, int64_t *out,
                            struct usher_error *err)
{
    char *end = NULL;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0)
        return usher_error_set(err, "%s", allowed);
    for (size_t i = 0; i < count; i++)
        if (strcmp(end, units[i].name) == 0 && value <= INT64_MAX / units[i].factor) {
            *out = (int64_t)value * units[i].factor;
            return true;
        }
    if (*end == '\0' && value == 0) {
        *out = 0;
        return true;
    }
    return usher_error_set(err, "%s", allowed);
}

bool duration_parse(const char *text, int64_t *out_ms, struct usher_error *err)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
    static const int64_t max_ms = (int64_t)10 * 365 * 24 * 60 * 60 * 1000; /* sums of a few of them stay far from the type's end */
    int64_t ms;

    if (!parse_with_unit(text, units, 4, "a duration such as 250ms, 5s, 2m or 1h", &ms, err))
        return false;
    if (ms > max_ms)
        return usher_error_set(err, "a duration of at most ten years");
    *out_ms = ms;
    return true;
}

bool size_parse(const char *text, int64_t *out_bytes, struct usher_error *err)
{
    static const struct unit units[] = {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    return parse_with_unit(text, units, 5, "a size such as 64KiB, 2GiB or plain bytes", out_bytes, err);
}

static bool is_port(const char *text, size_t length)
{
    unsigned value = 0;

    if (length == 0 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

/* Of a host, or of a name to look up. */
static bool is_host_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] <= ' ' || strchr("@,'\"?#\\%\x7f", text[i]) != NULL)
            return false;
    return length > 0;
}

/* http(s)://HOST:PORT with at most one slash behind it; HOST a name, an IPv4 address or [IPv6]. */
bool url_is_valid(const char *url)
{
    const char *host, *colon, *end;

    if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else
        return false;
    end = host + strcspn(host, "/");
    if (end[0] == '/' && end[1] != '\0')
        return false;
    if (host[0] == '[') {
        colon = memchr(host, ']', (size_t)(end - host));
        if (colon == NULL || colon - host < 3)
            return false;
        colon++;
    } else {
        colon = memchr(host, ':', (size_t)(end - host));
    }
    if (colon == NULL || colon >= end || *colon != ':' || !is_host_text(host, (size_t)(colon - host)))
        return false;
    return is_port(colon + 1, (size_t)(end - colon - 1));
}

/* Splits at commas; blanks around an entry are dropped, empty entries skipped. */
bool split_list(const char *text, bool (*add)(void *self, const char *entry, struct usher_error *err), void *self, struct usher_error *err)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        const char *from = text, *to = text + length;
        char entry[SETTING_TEXT_BYTES];

        text += length + (text[length] == ',' ? 1 : 0);
        while (from < to && (*from == ' ' || *from == '\t'))
            from++;
        while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        if (from == to)
            continue;
        if ((size_t)(to - from) >= sizeof entry)
            return usher_error_set(err, "entries of at most %d bytes", SETTING_TEXT_BYTES - 1);
        memcpy(entry, from, (size_t)(to - from));
        entry[to - from] = '\0';
        if (!add(self, entry, err))
            return false;
    }
    return true;
}

static bool add_url(void *self, const char *entry, struct usher_error *err)
{
    struct url_list *list = self;

    if (!url_is_valid(entry) || strlen(entry) >= URL_BYTES)
        return usher_error_set(err, "URLs of the form http(s)://HOST:PORT");
    if (list->count >= MEMBER_URLS_MAX)
        return usher_error_set(err, "at most %d URLs", MEMBER_URLS_MAX);
    memcpy(list->url[list->count++], entry, strlen(entry) + 1);
    return true;
}

bool parse_urls(const char *text, struct url_list *out, struct usher_error *err)
{
    struct url_list list = {0};

    if (!split_list(text, add_url, &list, err))
        return false;
    if (list.count == 0)
        return usher_error_set(err, "at least one URL");
    *out = list;
    return true;
}

struct endpoints {
    size_t count;
    char (*texts)[URL_BYTES];
};

static bool add_endpoint(void *self, const char *entry, struct usher_error *err)
{
    struct endpoints *endpoints = self;
    bool is_dns = strncmp(entry, "dns:", 4) == 0, is_srv = strncmp(entry, "srv:", 4) == 0;
    const char *port = is_dns ? strrchr(entry + 4, ':') : NULL;

    if (strlen(entry) >= URL_BYTES ||
        (is_dns && (port == NULL || !is_host_text(entry + 4, (size_t)(port - entry - 4)) || !is_port(port + 1, strlen(port + 1)))) ||
        (is_srv && !is_host_text(entry + 4, strlen(entry + 4))) || (!is_dns && !is_srv && !url_is_valid(entry)))
        return usher_error_set(err, "entries of the form http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN");
    if (endpoints->count >= ENDPOINT_TEXTS_MAX)
        return usher_error_set(err, "at most %d entries", ENDPOINT_TEXTS_MAX);
    memcpy(endpoints->texts[endpoints->count++], entry, strlen(entry) + 1);
    return true;
}

bool parse_endpoints(const char *text, char (*out_texts)[URL_BYTES], size_t *out_count, struct usher_error *err)
{
    struct endpoints endpoints = {.texts = out_texts};

    if (!split_list(text, add_endpoint, &endpoints, err))
        return false;
    *out_count = endpoints.count;
    return true;
}

bool parse_word(const char *text, const struct word_value *words, size_t count, int *out, struct usher_error *err)
{
    char allowed[256] = "";

    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(allowed);
        if (strcmp(text, words[i].word) == 0) {
            *out = words[i].value;
            return true;
        }
        snprintf(allowed + used, sizeof allowed - used, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i].word);
    }
    return usher_error_set(err, "%s", allowed);
}
