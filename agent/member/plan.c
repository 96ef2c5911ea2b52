#include "usher/member/plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/text_file.h"
#include "usher/member/facts_json.h"

enum { PLAN_FILE_BYTES = 64 * 1024, FACTS_FILE_BYTES = 1024 * 1024, PLAN_MODE = 0640 };

static bool path_in_plan_dir(const struct settings *settings, const char *name, char out[PATH_BYTES + 32])
{
    int length = snprintf(out, PATH_BYTES + 32, "%s/%s", settings->plan_dir, name);
    return length > 0 && length < PATH_BYTES + 32;
}

static void add_urls(struct bounded_text *text, const struct url_list *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (i > 0)
            bounded_text_add_c(text, ",");
        bounded_text_add_c(text, urls->url[i]);
    }
}

/* One line for people: a newline would end the value. */
static void add_one_line(struct bounded_text *text, const char *value)
{
    for (; *value != '\0'; value++)
        bounded_text_add(text, *value == '\n' || *value == '\r' ? " " : value, 1);
}

static void render_launch(struct bounded_text *text, const struct settings *settings, const struct plan *plan)
{
    bounded_text_printf(text, "format=1\nstate=%s\nreason=%s\nmessage=", plan_state_word(plan->state), plan->reason);
    add_one_line(text, plan->message);
    bounded_text_add_c(text, "\n");
    if (plan->state == PLAN_START) {
        bounded_text_printf(text, "initial-cluster=%s\n", plan->initial_cluster);
        bounded_text_printf(text, "initial-cluster-state=%s\n", plan->is_new ? "new" : "existing");
        bounded_text_printf(text, "initial-cluster-token=%s\n", plan->token);
    }
    bounded_text_printf(text, "name=%s\ndata-dir=%s\nwal-dir=%s\ninitial-advertise-peer-urls=", settings->join.name, settings->data_dir,
                        settings->wal_dir);
    add_urls(text, &settings->join.peer_urls);
    bounded_text_add_c(text, "\nadvertise-client-urls=");
    add_urls(text, &settings->client_urls);
    bounded_text_add_c(text, "\nend=1\n");
}

/* KEY='value' lines: a single quote inside a value is written as '\'' (systemd and sh read both). */
static void add_env(struct bounded_text *text, const char *key, const char *value)
{
    bounded_text_printf(text, "%s='", key);
    for (; *value != '\0'; value++)
        bounded_text_add(text, *value == '\'' ? "'\\''" : value, *value == '\'' ? 4 : 1);
    bounded_text_add_c(text, "'\n");
}

static void render_env(struct bounded_text *text, const struct settings *settings, const struct plan *plan)
{
    struct bounded_text urls;

    add_env(text, "ETCD_NAME", settings->join.name);
    add_env(text, "ETCD_DATA_DIR", settings->data_dir);
    if (settings->wal_dir[0] != '\0')
        add_env(text, "ETCD_WAL_DIR", settings->wal_dir);
    bounded_text_init(&urls, MEMBER_URLS_MAX * URL_BYTES);
    add_urls(&urls, &settings->join.peer_urls);
    add_env(text, "ETCD_INITIAL_ADVERTISE_PEER_URLS", bounded_text_c(&urls));
    bounded_text_reset(&urls);
    add_urls(&urls, &settings->client_urls);
    if (settings->client_urls.count > 0)
        add_env(text, "ETCD_ADVERTISE_CLIENT_URLS", bounded_text_c(&urls));
    bounded_text_done(&urls);
    add_env(text, "ETCD_INITIAL_CLUSTER", plan->initial_cluster);
    add_env(text, "ETCD_INITIAL_CLUSTER_STATE", plan->is_new ? "new" : "existing");
    add_env(text, "ETCD_INITIAL_CLUSTER_TOKEN", plan->token);
}

static bool write_if_changed(const char *path, const struct bounded_text *text, struct usher_error *err)
{
    struct bounded_text old;
    bool is_same;

    if (text->overflowed)
        return usher_error_set(err, "the plan is longer than %d bytes: %s", PLAN_FILE_BYTES, path);
    bounded_text_init(&old, PLAN_FILE_BYTES);
    is_same = text_file_read(path, PLAN_FILE_BYTES, &old, NULL) == TEXT_FILE_READ && old.length_bytes == text->length_bytes &&
              memcmp(bounded_text_c(&old), bounded_text_c(text), text->length_bytes) == 0;
    bounded_text_done(&old);
    /* Not fsynced: the plan directory is this pod's own and goes with it; after a power failure init writes it anew. */
    return is_same || text_file_write(path, bounded_text_c(text), text->length_bytes, PLAN_MODE, false, err);
}

/* A message may hold what others sent, or be cut inside a letter: that must not keep the plan from being written. */
static json_t *message_json(const char *message)
{
    json_t *value = json_string(message);
    char plain[sizeof((struct plan *)NULL)->message];

    if (value != NULL)
        return value;
    snprintf(plain, sizeof plain, "%s", message);
    for (char *at = plain; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return json_string(plain);
}

static bool write_plan_json(const struct settings *settings, const struct plan *plan, struct usher_error *err)
{
    char path[PATH_BYTES + 32];
    struct bounded_text text;
    json_t *root = json_pack("{s:i, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "version", 1, "state", plan_state_word(plan->state), "reason",
                             plan->reason, "message", message_json(plan->message), "name", settings->join.name, "initial-cluster",
                             plan->initial_cluster, "initial-cluster-state",
                             plan->state != PLAN_START ? ""
                             : plan->is_new            ? "new"
                                                       : "existing",
                             "initial-cluster-token", plan->token);
    char *dump = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    bool is_written;

    json_decref(root);
    if (dump == NULL || !path_in_plan_dir(settings, "plan.json", path)) {
        free(dump);
        return usher_error_set(err, "cannot render plan.json");
    }
    bounded_text_init(&text, PLAN_FILE_BYTES);
    bounded_text_add_c(&text, dump);
    bounded_text_add_c(&text, "\n");
    free(dump);
    is_written = write_if_changed(path, &text, err);
    bounded_text_done(&text);
    return is_written;
}

static bool urls_are_lines(const struct url_list *urls)
{
    for (size_t i = 0; i < urls->count; i++)
        if (strpbrk(urls->url[i], "\n\r") != NULL)
            return false;
    return true;
}

/* The launcher and systemd read lines: a value that holds the end of one would smuggle in the next setting. What people set and what etcd's
 * list holds is refused earlier for the same reason; this is the last gate. */
static bool values_are_lines(const struct settings *settings, const struct plan *plan)
{
    const char *const values[] = {plan->initial_cluster, plan->token, settings->join.name, settings->data_dir, settings->wal_dir};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strpbrk(values[i], "\n\r") != NULL)
            return false;
    return urls_are_lines(&settings->join.peer_urls) && urls_are_lines(&settings->client_urls);
}

bool plan_write(const struct settings *settings, const struct plan *plan, struct usher_error *err)
{
    char launch_path[PATH_BYTES + 32], env_path[PATH_BYTES + 32], config_path[PATH_BYTES + 32];
    struct bounded_text text;
    bool is_written;

    if (!path_in_plan_dir(settings, "launch", launch_path) || !path_in_plan_dir(settings, "etcd.env", env_path) ||
        !path_in_plan_dir(settings, "etcd.json", config_path))
        return usher_error_set(err, "--plan-dir is too long");
    if (!values_are_lines(settings, plan))
        return usher_error_set(err, "no start plan was written: a value in it holds the end of a line, and would be read as two settings");
    bounded_text_init(&text, PLAN_FILE_BYTES);
    if (plan->state == PLAN_START) {
        render_env(&text, settings, plan);
        is_written = write_if_changed(env_path, &text, err);
    } else { /* nothing may start etcd from a plan that holds it back */
        is_written = text_file_remove(env_path, err) && text_file_remove(config_path, err);
    }
    is_written = is_written && write_plan_json(settings, plan, err);
    bounded_text_reset(&text);
    render_launch(&text, settings, plan);
    is_written = is_written && write_if_changed(launch_path, &text, err);
    bounded_text_done(&text);
    if (!is_written)
        return usher_error_wrap(err, "cannot write the start plan in %s (the usher needs write permission there; etcd waits for it)",
                                settings->plan_dir);
    return true;
}

bool plan_save_facts(const struct settings *settings, const struct join_facts *facts, struct usher_error *err)
{
    struct bounded_text text;
    char path[PATH_BYTES + 32];
    bool is_saved;

    bounded_text_init(&text, FACTS_FILE_BYTES);
    is_saved = path_in_plan_dir(settings, "facts.json", path) && facts_json_write(facts, &text, err) &&
               text_file_write(path, bounded_text_c(&text), text.length_bytes, PLAN_MODE, false, err);
    bounded_text_done(&text);
    return is_saved || usher_error_wrap(err, "facts.json of %s could not be written", settings->plan_dir);
}

bool plan_discard(const struct settings *settings, struct usher_error *err)
{
    static const char *const names[] = {"launch", "etcd.env", "etcd.json", "plan.json", "facts.json"};
    char path[PATH_BYTES + 32];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!path_in_plan_dir(settings, names[i], path) || !text_file_remove(path, err))
            return usher_error_wrap(err, "cannot discard the plan of an earlier life in %s", settings->plan_dir);
    return true;
}

enum plan_file_state plan_read(const struct settings *settings, enum plan_state *out_state, bool *out_is_new)
{
    char path[PATH_BYTES + 32];
    struct bounded_text text;
    enum text_file_state state;
    const char *body;

    if (!path_in_plan_dir(settings, "launch", path))
        return PLAN_FILE_UNREADABLE;
    bounded_text_init(&text, PLAN_FILE_BYTES);
    state = text_file_read(path, PLAN_FILE_BYTES, &text, NULL);
    body = bounded_text_c(&text);
    if (state == TEXT_FILE_READ && strstr(body, "\nend=1\n") != NULL) {
        *out_state = PLAN_UNKNOWN;
        for (enum plan_state candidate = PLAN_START; candidate <= PLAN_REFUSED; candidate++) {
            char line[32];
            snprintf(line, sizeof line, "\nstate=%s\n", plan_state_word(candidate));
            if (strstr(body, line) != NULL)
                *out_state = candidate;
        }
        *out_is_new = strstr(body, "\ninitial-cluster-state=new\n") != NULL;
    } else if (state == TEXT_FILE_READ) {
        state = TEXT_FILE_UNREADABLE;
    }
    bounded_text_done(&text);
    return state == TEXT_FILE_READ ? PLAN_FILE_READ : state == TEXT_FILE_ABSENT ? PLAN_FILE_ABSENT : PLAN_FILE_UNREADABLE;
}

static const char *pod_uid(const struct settings *settings) { return settings->pod_uid[0] != '\0' ? settings->pod_uid : "-"; }

bool plan_remember_removed(const struct settings *settings, struct usher_error *err)
{
    char path[PATH_BYTES + 32];

    if (!path_in_plan_dir(settings, "removed", path))
        return usher_error_set(err, "--plan-dir is too long");
    return text_file_write(path, pod_uid(settings), strlen(pod_uid(settings)), PLAN_MODE, true, err);
}

bool plan_was_removed(const struct settings *settings)
{
    char path[PATH_BYTES + 32];
    struct bounded_text text;
    bool was_removed;

    if (!path_in_plan_dir(settings, "removed", path))
        return false;
    bounded_text_init(&text, NAME_BYTES);
    was_removed = text_file_read(path, NAME_BYTES, &text, NULL) == TEXT_FILE_READ && strcmp(bounded_text_c(&text), pod_uid(settings)) == 0;
    bounded_text_done(&text);
    return was_removed;
}
