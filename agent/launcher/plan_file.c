#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

const char *plan_directory(void)
{
    const char *directory = getenv("USHER_PLAN_DIR");
    return directory != NULL && directory[0] != '\0' ? directory : "/run/etcd-usher";
}

static bool join_path(const char *directory, const char *name, char out[4096])
{
    size_t length = strlen(directory), name_length = strlen(name);

    if (length + name_length + 2 > 4096)
        return false;
    memcpy(out, directory, length + 1);
    out[length] = '/';
    memcpy(out + length + 1, name, name_length + 1);
    return true;
}

static void take_line(struct launch_plan *plan, const char *key, const char *value, const char **out_format, bool *out_has_end)
{
    const struct {
        const char *key;
        const char **place;
    } places[] = {
        {"state", &plan->state},
        {"reason", &plan->reason},
        {"message", &plan->message},
        {"initial-cluster", &plan->initial_cluster},
        {"initial-cluster-state", &plan->initial_cluster_state},
        {"initial-cluster-token", &plan->token},
        {"name", &plan->name},
        {"data-dir", &plan->data_dir},
        {"wal-dir", &plan->wal_dir},
        {"initial-advertise-peer-urls", &plan->peer_urls},
        {"advertise-client-urls", &plan->client_urls},
        {"format", out_format},
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(places[i].key, key) == 0)
            *places[i].place = value;
    if (strcmp(key, "end") == 0 && strcmp(value, "1") == 0)
        *out_has_end = true;
}

static bool parse(struct launch_plan *plan)
{
    const char *format = "";
    bool has_end = false;
    char *line = plan->text;

    plan->state = plan->reason = plan->message = plan->initial_cluster = plan->initial_cluster_state = plan->token = "";
    plan->name = plan->data_dir = plan->wal_dir = plan->peer_urls = plan->client_urls = "";
    while (*line != '\0') {
        char *end = strchr(line, '\n'), *equals;
        if (end == NULL)
            break; /* a line that was cut short counts for nothing */
        *end = '\0';
        equals = strchr(line, '=');
        if (equals != NULL) {
            *equals = '\0';
            take_line(plan, line, equals + 1, &format, &has_end);
        }
        line = end + 1;
    }
    return has_end && strcmp(format, "1") == 0;
}

enum plan_reading plan_file_read(struct launch_plan *out)
{
    char path[4096];
    size_t length = 0;
    int fd;

    if (!join_path(plan_directory(), "launch", path))
        return PLAN_READING_ABSENT;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return PLAN_READING_ABSENT;
    while (length < LAUNCH_FILE_BYTES) {
        ssize_t count = read(fd, out->text + length, LAUNCH_FILE_BYTES - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    close(fd);
    out->text[length] = '\0';
    return parse(out) ? PLAN_READING_WHOLE : PLAN_READING_NOT_WHOLE;
}
