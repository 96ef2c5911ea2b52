/* Shared by the files of settings only: parsers of single values. A parser's error text says what is allowed. */
#ifndef USHER_HOST_SETTINGS_PARSE_H
#define USHER_HOST_SETTINGS_PARSE_H

#include "usher/host/settings.h"

struct word_value {
    const char *word;
    int value;
};

bool parse_text(const char *text, char *out, size_t out_bytes, struct usher_error *err);
bool parse_unsigned(const char *text, unsigned max, unsigned *out, struct usher_error *err);
bool parse_urls(const char *text, struct url_list *out, struct usher_error *err);
bool parse_endpoints(const char *text, char (*out_texts)[URL_BYTES], size_t *out_count, struct usher_error *err);
bool parse_word(const char *text, const struct word_value *words, size_t count, int *out, struct usher_error *err);
bool split_list(const char *text, bool (*add)(void *self, const char *entry, struct usher_error *err), void *self, struct usher_error *err);
bool url_is_valid(const char *url);

enum { FOR_INIT = 1, FOR_SIDECAR = 2, FOR_CLIENT = 4, FOR_AGENT = FOR_INIT | FOR_SIDECAR, FOR_ALL = 7 };

struct setting {
    const char *flag;
    const char *variables[2]; /* beside USHER_<FLAG>, which every setting has */
    bool (*parse)(struct settings *settings, const char *text, struct usher_error *err);
    const char *fallback;   /* as text, parsed like any other; NULL = none */
    const char *value_name; /* NULL: a switch */
    int commands;
    const char *help;
};

enum { SETTING_COUNT = 48 };
extern const struct setting settings_table[SETTING_COUNT];

/* What was given at all, be it in a form that was refused: nobody is told that it is missing, too. */
struct settings_given {
    bool peer_url, endpoints;
};

/* Cross-checks after all values are read: adds one line per problem to `problems`. */
void settings_check(enum settings_command command, const struct settings *settings, const struct settings_given *given,
                    struct usher_error *problems);
/* Appends "what: allowed" as a line of its own. */
void settings_problem(struct usher_error *problems, const char *format, ...) USHER_PRINTF(2, 3);

#endif
