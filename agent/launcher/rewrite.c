/* etcd's own settings against the plan: --initial-cluster, its state and token are replaced where they stand, else set as variables (never
 * both: etcd dies of it). Name, directories and URLs must agree with the plan, or everything that was decided was about something else. */
#include <stdlib.h>
#include <string.h>

#include "launcher.h"

struct replaced {
    const char *flag, *variable;
    const char *value;
};

/* "--flag=v", "-flag=v", "--flag" "v": the place of the value in out_value; NULL when argv[at] is not that flag. *out_span = how many words. */
static bool is_flag(char **argv, size_t at, const char *flag, const char **out_value, size_t *out_span)
{
    const char *word = argv[at];
    size_t length = strlen(flag);

    if (word[0] != '-')
        return false;
    word += word[1] == '-' ? 2 : 1;
    if (strncmp(word, flag, length) != 0)
        return false;
    if (word[length] == '=') {
        *out_value = word + length + 1;
        *out_span = 1;
        return true;
    }
    if (word[length] != '\0' || argv[at + 1] == NULL)
        return false;
    *out_value = argv[at + 1];
    *out_span = 2;
    return true;
}

/* etcd's word for a setting: the last flag, else the variable, else NULL. */
static const char *etcd_says(char **argv, const char *flag, const char *variable)
{
    const char *found = NULL, *value;
    size_t span;

    for (size_t i = 1; argv[i] != NULL; i++)
        if (is_flag(argv, i, flag, &value, &span))
            found = value;
    if (found != NULL)
        return found;
    value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The words that are made here live until exec: one arena with a maximum, no malloc. */
static _Alignas(16) char arena[4 * LAUNCH_FILE_BYTES];
static size_t arena_used;

static void *take(size_t bytes)
{
    void *out = arena + arena_used;

    bytes = (bytes + 15) / 16 * 16;
    if (bytes > sizeof arena - arena_used)
        return NULL;
    arena_used += bytes;
    return out;
}

static char *join3(const char *a, const char *b, const char *c)
{
    const char *const parts[] = {a, b, c};
    char *out = take(strlen(a) + strlen(b) + strlen(c) + 1), *at = out;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(parts[i]);
        memcpy(at, parts[i], length);
        at += length;
    }
    *at = '\0';
    return out;
}

static bool replace(char **argv, const struct replaced *one)
{
    bool is_in_argv = false;
    const char *value;
    size_t span;

    for (size_t i = 1; argv[i] != NULL; i++) {
        if (!is_flag(argv, i, one->flag, &value, &span))
            continue;
        is_in_argv = true;
        if (span == 1)
            argv[i] = join3("--", one->flag, "=");
        if (argv[i] != NULL && span == 1)
            argv[i] = join3(argv[i], one->value, "");
        else if (span == 2)
            argv[i + 1] = join3(one->value, "", "");
        if (argv[i] == NULL || (span == 2 && argv[i + 1] == NULL))
            return false;
    }
    return (is_in_argv ? unsetenv(one->variable) : setenv(one->variable, one->value, 1)) == 0;
}

/* The same URLs in any order, a final slash aside. */
static bool same_urls(const char *a, const char *b)
{
    for (int turn = 0; turn < 2; turn++) {
        const char *rest = turn == 0 ? a : b, *other = turn == 0 ? b : a;
        while (*rest != '\0') {
            size_t length = strcspn(rest, ",");
            size_t bare = length > 0 && rest[length - 1] == '/' ? length - 1 : length;
            bool is_found = false;
            for (const char *at = other; *at != '\0';) {
                size_t other_length = strcspn(at, ",");
                size_t other_bare = other_length > 0 && at[other_length - 1] == '/' ? other_length - 1 : other_length;
                is_found |= bare == other_bare && strncmp(rest, at, bare) == 0;
                at += other_length + (at[other_length] == ',' ? 1 : 0);
            }
            if (!is_found)
                return false;
            rest += length + (rest[length] == ',' ? 1 : 0);
        }
    }
    return true;
}

static bool same_path(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);

    while (length_a > 1 && a[length_a - 1] == '/')
        length_a--;
    while (length_b > 1 && b[length_b - 1] == '/')
        length_b--;
    return length_a == length_b && strncmp(a, b, length_a) == 0;
}

static bool same_text(const char *a, const char *b) { return strcmp(a, b) == 0; }

static bool compare(char **argv, const char *flag, const char *variable, const char *planned, bool (*same)(const char *, const char *))
{
    const char *said = etcd_says(argv, flag, variable);

    if (said == NULL) /* etcd's own default would be something else: tell it what was planned */
        return planned[0] == '\0' || setenv(variable, planned, 1) == 0;
    if (planned[0] != '\0' ? same(said, planned) : strcmp(flag, "advertise-client-urls") == 0)
        return true;
    say("refused: etcd's --", flag, " is \"", said, "\", but the plan is for \"", planned,
        "\". What was decided was about another member: give etcd and the usher the same value.", END);
    return false;
}

static bool refuse_forbidden(char **argv)
{
    static const char *const forbidden[] = {"force-new-cluster", "discovery", "discovery-srv", "discovery-endpoints", "discovery-token"};
    const char *config = etcd_says(argv, "config-file", "ETCD_CONFIG_FILE");
    char *own = join3(plan_directory(), "/", "etcd.json");

    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        for (size_t k = 1; argv[k] != NULL; k++) {
            const char *word = argv[k][0] == '-' ? argv[k] + (argv[k][1] == '-' ? 2 : 1) : "";
            size_t length = strlen(forbidden[i]);
            if (strncmp(word, forbidden[i], length) == 0 && (word[length] == '\0' || word[length] == '=') &&
                strcmp(word + length, "=false") != 0) {
                say("refused: --", forbidden[i], " would found or find a cluster beside the plan. Take it out of etcd's flags.", END);
                return false;
            }
        }
    }
    if (getenv("ETCD_DISCOVERY") != NULL || getenv("ETCD_DISCOVERY_SRV") != NULL || getenv("ETCD_FORCE_NEW_CLUSTER") != NULL) {
        say("refused: ETCD_DISCOVERY, ETCD_DISCOVERY_SRV or ETCD_FORCE_NEW_CLUSTER is set. Take it out of etcd's environment.", END);
        return false;
    }
    if (config != NULL && (own == NULL || !same_path(config, own))) {
        say("refused: with --config-file=", config, " etcd ignores all flags and variables. Use ", own != NULL ? own : "etcd.json",
            " (init --render-config), or flags.", END);
        return false;
    }
    return true;
}

/* `sh -c '...'`: the index of the script in argv, 0 when this is no such call. */
static size_t script_index(char **argv)
{
    const char *program = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
    static const char *const shells[] = {"sh", "bash", "ash", "dash"};
    bool is_shell = false;

    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        is_shell |= strcmp(program, shells[i]) == 0;
    for (size_t i = 1; is_shell && argv[i] != NULL; i++) {
        size_t length = strlen(argv[i]);
        if (argv[i][0] != '-')
            return 0;
        if (argv[i][1] != '-' && length > 1 && argv[i][length - 1] == 'c' && argv[i + 1] != NULL)
            return i + 1;
    }
    return 0;
}

/* Splits a script of literal words into an argv; anything a shell would interpret is refused. NULL: refused, and said. */
static char **literal_words(const char *script)
{
    size_t count = 0, length = strlen(script);
    char *copy = join3(script, "", ""), *at = copy;
    char **words = take((length / 2 + 2) * sizeof *words);

    if (copy == NULL || words == NULL)
        return NULL;
    memset(words, 0, (length / 2 + 2) * sizeof *words);
    if (strpbrk(script, "$`\"'\\*?[]{}()<>|&;~#!") != NULL) {
        say("refused: a shell script with quotes, variables or other signs of the shell cannot be rewritten safely: ", script,
            " . Call etcd without a shell: etcd-usher-exec -- etcd FLAGS...", END);
        return NULL;
    }
    while (*at != '\0') {
        at += strspn(at, " \t\n");
        if (*at == '\0')
            break;
        words[count++] = at;
        at += strcspn(at, " \t\n");
        if (*at != '\0')
            *at++ = '\0';
    }
    if (count > 0 && strcmp(words[0], "exec") == 0)
        words++;
    return words;
}

static char *join_words(char **words)
{
    char *script = join3("exec", "", "");

    for (size_t i = 0; words[i] != NULL && script != NULL; i++)
        script = join3(script, " ", words[i]);
    return script;
}

static bool rewrite_words(const struct launch_plan *plan, char **argv)
{
    const struct replaced all[] = {
        {"initial-cluster", "ETCD_INITIAL_CLUSTER", plan->initial_cluster},
        {"initial-cluster-state", "ETCD_INITIAL_CLUSTER_STATE", plan->initial_cluster_state},
        {"initial-cluster-token", "ETCD_INITIAL_CLUSTER_TOKEN", plan->token},
    };

    if (!refuse_forbidden(argv))
        return false;
    if (etcd_says(argv, "config-file", "ETCD_CONFIG_FILE") != NULL)
        return true; /* our own etcd.json: it holds everything */
    if (!compare(argv, "name", "ETCD_NAME", plan->name, same_text) ||
        !compare(argv, "data-dir", "ETCD_DATA_DIR", plan->data_dir, same_path) ||
        !compare(argv, "wal-dir", "ETCD_WAL_DIR", plan->wal_dir, same_path) ||
        !compare(argv, "initial-advertise-peer-urls", "ETCD_INITIAL_ADVERTISE_PEER_URLS", plan->peer_urls, same_urls) ||
        !compare(argv, "advertise-client-urls", "ETCD_ADVERTISE_CLIENT_URLS", plan->client_urls, same_urls))
        return false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!replace(argv, &all[i])) {
            say("out of memory", END);
            return false;
        }
    return true;
}

bool rewrite_for_plan(const struct launch_plan *plan, char **argv)
{
    size_t script = script_index(argv);
    char **words;

    if (script == 0)
        return rewrite_words(plan, argv);
    words = literal_words(argv[script]);
    if (words == NULL || words[0] == NULL || !rewrite_words(plan, words))
        return false;
    argv[script] = join_words(words);
    return argv[script] != NULL;
}
