#include "usher/host/settings.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings_parse.h"
#include "usher/host/text_file.h"

static int command_bit(enum settings_command command)
{
    switch (command) {
    case SETTINGS_FOR_INIT:
        return FOR_INIT;
    case SETTINGS_FOR_SIDECAR:
        return FOR_SIDECAR;
    case SETTINGS_FOR_LEAVE:
    case SETTINGS_FOR_STATUS:
        return FOR_CLIENT;
    case SETTINGS_FOR_UNKNOWN:
        break;
    }
    return 0;
}

void settings_problem(struct usher_error *problems, const char *format, ...)
{
    static const char more[] = "\n(and more)";
    size_t used = strlen(problems->text), room = sizeof problems->text - used;
    char line[PATH_BYTES * 2];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    problems->exit = USHER_EXIT_USAGE;
    if (used >= sizeof more && strcmp(problems->text + used - (sizeof more - 1), more) == 0)
        return;
    if (strlen(line) + 1 + sizeof more < room)
        snprintf(problems->text + used, room, "%s%s", used > 0 ? "\n" : "", line);
    else
        memcpy(problems->text + used, more, sizeof more); /* there is room for it: see above */
}

static const char *find_variable(char *const environment[], const char *name)
{
    size_t length = strlen(name);

    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static void usher_variable(const char *flag, char out[64])
{
    snprintf(out, 64, "USHER_%s", flag);
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

/* The environment's word for a setting and where it stands; NULL when it says nothing. An empty variable says nothing. */
static const char *from_environment(const struct setting *setting, char *const environment[], char out_source[64])
{
    const char *value;

    usher_variable(setting->flag, out_source);
    value = find_variable(environment, out_source);
    for (size_t i = 0; i < 2 && (value == NULL || value[0] == '\0') && setting->variables[i] != NULL; i++) {
        snprintf(out_source, 64, "%s", setting->variables[i]);
        value = find_variable(environment, out_source);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum { SHOWN_BYTES = 100 }; /* of a value in a message */

static bool is_secret(const struct setting *setting) { return strcmp(setting->flag, "user") == 0; }

static void apply(const struct setting *setting, struct settings *settings, const char *source, const char *value,
                  struct usher_error *problems)
{
    struct usher_error allowed = {0};

    if (!setting->parse(settings, value, &allowed))
        settings_problem(problems, "%s: \"%.*s%s\" is not allowed: %s", source, is_secret(setting) ? 0 : SHOWN_BYTES, value,
                         is_secret(setting) || strlen(value) > SHOWN_BYTES ? "..." : "", allowed.text);
}

/* A flag that getopt did not take, or took for a longer one. What stands behind '=' may be a secret: it is not repeated. */
static void unknown_flag(const char *word, const char *longer, struct usher_error *problems)
{
    int length = (int)strcspn(word, "=");

    if (longer != NULL)
        settings_problem(problems, "%.*s: no such flag; did you mean --%s?", length, word, longer);
    else if (word[1] != '-')
        settings_problem(problems, "%.*s: no such flag; flags begin with two dashes (see --help)", length, word);
    else
        settings_problem(problems, "%.*s: no such flag (see --help)", length, word);
}

/* `word` is where the flag stands; optarg and optind as getopt left them. */
static void take_flag(enum settings_command command, const struct setting *setting, const char *word, const char **out_value,
                      struct usher_error *problems)
{
    bool has_equals = strchr(word, '=') != NULL;

    if (strcspn(word + 2, "=") != strlen(setting->flag)) { /* what is short for one flag today is short for two tomorrow */
        unknown_flag(word, setting->flag, problems);
    } else if ((setting->commands & command_bit(command)) == 0) {
        settings_problem(problems, "--%s: not a flag of this command (see --help)", setting->flag);
    } else if (!has_equals && optarg != NULL && strncmp(optarg, "--", 2) == 0) {
        settings_problem(problems, "--%s needs a value", setting->flag);
        optind--; /* it is the next flag */
    } else {
        *out_value = optarg != NULL ? optarg : "true";
    }
}

/* Flags as given; the last of several counts, as is usual. */
static void read_flags(enum settings_command command, int argc, char *const argv[], const char *values[SETTING_COUNT],
                       struct usher_error *problems)
{
    struct option options[SETTING_COUNT + 1] = {0};
    int index = 0, found, at, reported = 0;

    for (size_t i = 0; i < SETTING_COUNT; i++)
        options[i] = (struct option){settings_table[i].flag, settings_table[i].value_name == NULL ? optional_argument : required_argument,
                                     NULL, (int)i + 256};
    optind = 0; /* start anew: settings may be read more than once in a process */
    opterr = 0;
    while (at = optind > 0 ? optind : 1, (found = getopt_long(argc, argv, "+:", options, &index)) != -1) {
        if (found == ':') {
            settings_problem(problems, "%s needs a value", argv[at]);
        } else if (found != '?') {
            take_flag(command, &settings_table[found - 256], argv[at], &values[found - 256], problems);
        } else if (at != reported) { /* -abc comes three times */
            unknown_flag(argv[at], NULL, problems);
            reported = at;
        }
    }
    for (; optind < argc; optind++)
        settings_problem(problems, "\"%.*s\": a word without a flag before it", SHOWN_BYTES, argv[optind]);
}

static void fill_defaults_of_this_machine(struct settings *settings, char *const environment[], struct usher_error *problems)
{
    const char *account = find_variable(environment, "USHER_SERVICE_ACCOUNT_DIR");
    const char *password = find_variable(environment, "ETCDCTL_PASSWORD");
    char path[PATH_BYTES];
    struct bounded_text text;

    settings->in_kubernetes = find_variable(environment, "KUBERNETES_SERVICE_HOST") != NULL;
    if (settings->join.name[0] == '\0' && gethostname(settings->join.name, sizeof settings->join.name - 1) != 0)
        settings->join.name[0] = '\0';
    snprintf(settings->join.slot_name, NAME_BYTES, "%s", settings->pod_name[0] != '\0' ? settings->pod_name : settings->join.name);
    if (password != NULL && strlen(password) >= sizeof settings->tls.password)
        settings_problem(problems, "ETCDCTL_PASSWORD: \"...\" is not allowed: at most %d bytes", NAME_BYTES - 1);
    else if (password != NULL)
        snprintf(settings->tls.password, sizeof settings->tls.password, "%s", password);
    if (settings->pod_namespace[0] == '\0') {
        snprintf(path, sizeof path, "%s/namespace", account != NULL ? account : "/var/run/secrets/kubernetes.io/serviceaccount");
        bounded_text_init(&text, NAME_BYTES - 1);
        if (text_file_read(path, NAME_BYTES - 1, &text, NULL) == TEXT_FILE_READ)
            snprintf(settings->pod_namespace, NAME_BYTES, "%s", bounded_text_c(&text));
        bounded_text_done(&text);
    }
    if (settings->local_endpoint[0] == '\0')
        snprintf(settings->local_endpoint, URL_BYTES, "%s://127.0.0.1:2379",
                 settings->client_urls.count > 0 && strncmp(settings->client_urls.url[0], "https://", 8) == 0 ? "https" : "http");
    settings->join.has_set_record = settings->set_record[0] != '\0';
    if (settings->join.lost_data == DATA_POLICY_UNKNOWN)
        settings->join.lost_data = settings->join.has_set_record ? DATA_POLICY_ACT : DATA_POLICY_REFUSE;
    if (settings->leave == LEAVE_UNKNOWN)
        settings->leave = settings->in_kubernetes ? LEAVE_PROVEN : LEAVE_ASKED;
}

static bool is(size_t i, const char *flag) { return strcmp(settings_table[i].flag, flag) == 0; }

bool settings_read(enum settings_command command, int argc, char *const argv[], char *const environment[], struct settings *out,
                   struct usher_error *err)
{
    const char *values[SETTING_COUNT] = {NULL};
    struct settings *settings = calloc(1, sizeof *settings);
    struct usher_error problems = {0};
    struct settings_given given = {0};

    if (settings == NULL)
        return usher_error_set(err, "out of memory");
    settings->leaves_by_grace = true;
    read_flags(command, argc, argv, values, &problems);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char source[80];
        const char *value = values[i];
        if ((settings_table[i].commands & command_bit(command)) == 0)
            continue;
        if (value != NULL) {
            snprintf(source, sizeof source, "--%s", settings_table[i].flag);
        } else {
            value = from_environment(&settings_table[i], environment, source);
            if (value == NULL)
                value = settings_table[i].fallback;
        }
        if (value != NULL)
            apply(&settings_table[i], settings, source, value, &problems);
        given.peer_url |= value != NULL && is(i, "peer-url");
        settings->leaves_by_grace &= value == NULL || !is(i, "leave-timeout");
        given.endpoints |= value != NULL && (is(i, "endpoints") || is(i, "remote-endpoints"));
    }
    fill_defaults_of_this_machine(settings, environment, &problems);
    settings_check(command, settings, &given, &problems);
    if (problems.text[0] == '\0')
        *out = *settings;
    else if (err != NULL)
        *err = problems;
    free(settings);
    return problems.text[0] == '\0';
}

void settings_print_help(FILE *to, enum settings_command command)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char flag[64], variable[64];
        if ((settings_table[i].commands & command_bit(command)) == 0)
            continue;
        usher_variable(settings_table[i].flag, variable);
        snprintf(flag, sizeof flag, "--%s%s%s", settings_table[i].flag, settings_table[i].value_name != NULL ? " " : "",
                 settings_table[i].value_name != NULL ? settings_table[i].value_name : "");
        fprintf(to, "  %-30s %s", flag, settings_table[i].help);
        if (settings_table[i].fallback != NULL && settings_table[i].value_name != NULL)
            fprintf(to, " (default: %s)", settings_table[i].fallback);
        fprintf(to, " [%s%s%s]\n", variable, settings_table[i].variables[0] != NULL ? ", " : "",
                settings_table[i].variables[0] != NULL ? settings_table[i].variables[0] : "");
    }
}
