/* fuzz [MUTATIONS]: each target, each file of its corpus as it is and mutated so many times, in a process of its own (a crash says which). The
 * same bytes on each run; `FUZZ_SEED` changes them. Prints `N passed, M failed`: pairs of target and file. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "targets.h"

enum { FILE_BYTES_MAX = 256 * 1024, ROOM_BYTES = 4096, ALARM_S = 60 };

static unsigned passed, failed;
static unsigned long mutations = 300;
static uint64_t chance;
static char *last_input; /* shared with the parent: what was fed last */
static size_t *last_length;

static uint64_t next(void)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return chance * 2685821657736338717ULL;
}

void fuzz_require(bool holds, const char *promise)
{
    if (holds)
        return;
    printf("broken: %s\n", promise);
    fflush(stdout);
    _Exit(1);
}

bool fuzz_is_untouched(const void *object, size_t size)
{
    const unsigned char *bytes = object;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != FUZZ_UNTOUCHED)
            return false;
    return true;
}

bool fuzz_is_terminated(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

static size_t insert(char *bytes, size_t length, size_t at, const char *what, size_t what_length)
{
    if (length + what_length > FILE_BYTES_MAX)
        return length;
    memmove(bytes + at + what_length, bytes + at, length - at);
    memcpy(bytes + at, what, what_length);
    return length + what_length;
}

static size_t cut(char *bytes, size_t length, size_t at, size_t count)
{
    count = count < length - at ? count : length - at;
    memmove(bytes + at, bytes + at + count, length - at - count);
    return length - count;
}

static size_t mutate(char *bytes, size_t length)
{
    static const char *const words[] = {"18446744073709551616",
                                        "18446744073709551615",
                                        "-1",
                                        "1e999",
                                        "null",
                                        "[",
                                        "{",
                                        "\"",
                                        "\\u0000",
                                        "0",
                                        "\"\"",
                                        "{}",
                                        "true",
                                        ",",
                                        "\x80",
                                        "[[[[[[[[",
                                        "9223372036854775808",
                                        "\n",
                                        "="};
    size_t at = length == 0 ? 0 : next() % length;
    const char *word = words[next() % (sizeof words / sizeof words[0])];
    char copied[64];

    switch (next() % 6) {
    case 0:
        if (length > 0)
            bytes[at] = (char)(bytes[at] ^ (1 << next() % 8));
        return length;
    case 1:
        if (length > 0)
            bytes[at] = (char)next();
        return length;
    case 2:
        return cut(bytes, length, at, 1 + next() % 32);
    case 3:
        return next() % 4 == 0 ? at : length; /* torn */
    case 4: {
        size_t count = length - at < sizeof copied ? length - at : sizeof copied;
        memcpy(copied, bytes + at, count);
        return insert(bytes, length, length == 0 ? 0 : next() % length, copied, count);
    }
    default:
        return insert(bytes, length, at, word, strlen(word));
    }
}

/* A buffer of exactly this length, so that a read beyond it is seen. */
static void feed(const struct fuzz_target *target, const char *bytes, size_t length)
{
    char *exact = malloc(length + 1);

    if (exact == NULL)
        abort();
    memcpy(exact, bytes, length);
    exact[length] = '\0';
    memcpy(last_input, bytes, length);
    *last_length = length;
    target->feed(exact, length);
    free(exact);
}

static void feed_all(const struct fuzz_target *target, const char *original, size_t length)
{
    char *bytes = malloc(FILE_BYTES_MAX + ROOM_BYTES);

    if (bytes == NULL)
        abort();
    alarm(ALARM_S);
    feed(target, original, length);
    for (unsigned long i = 0; i < mutations; i++) {
        size_t mutated = length;
        memcpy(bytes, original, length);
        for (uint64_t steps = 1 + next() % 4; steps > 0; steps--)
            mutated = mutate(bytes, mutated);
        feed(target, bytes, mutated);
    }
    free(bytes);
}

static void keep_input(const struct fuzz_target *target, const char *path)
{
    FILE *file = fopen("build/fuzz-failure", "w");

    printf("FAIL %s, from %s; what was fed lies in build/fuzz-failure\n", target->name, path);
    if (file == NULL)
        return;
    fwrite(last_input, 1, *last_length, file);
    fclose(file);
}

static void run(const struct fuzz_target *target, const char *path, const char *bytes, size_t length)
{
    int status = 1;
    pid_t child;

    next(); /* each file its own mutations */
    fflush(stdout);
    child = fork();
    if (child == 0) {
        feed_all(target, bytes, length);
        _Exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        passed++;
        return;
    }
    failed++;
    keep_input(target, path);
}

/* Recorded replies are kept with their request; the bytes are their `body`. */
static void run_file(const struct fuzz_target *target, const char *path)
{
    char *bytes = malloc(FILE_BYTES_MAX);
    FILE *file = fopen(path, "r");
    size_t length = 0;
    json_t *recorded, *body;

    if (file == NULL || bytes == NULL) {
        printf("cannot read %s\n", path);
        failed++;
    } else {
        length = fread(bytes, 1, FILE_BYTES_MAX, file);
        if (strstr(path, "/corpus/") != NULL && length > 0 && bytes[length - 1] == '\n')
            length--; /* the editor's, not the value's */
        recorded = strstr(path, "/wire/") != NULL ? json_loadb(bytes, length, 0, NULL) : NULL;
        body = json_object_get(recorded, "body");
        if (json_is_string(body))
            run(target, path, json_string_value(body), json_string_length(body));
        else
            run(target, path, bytes, length);
        json_decref(recorded);
    }
    if (file != NULL)
        fclose(file);
    free(bytes);
}

static unsigned run_folder(const struct fuzz_target *target, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    unsigned files = 0;

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (name[0] == '.') {
            free(entries[i]);
            continue;
        }
        if (entries[i]->d_type == DT_DIR)
            files += run_folder(target, path);
        else if (target->only == NULL || strncmp(name, target->only, strlen(target->only)) == 0) {
            run_file(target, path);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

static void run_target(const struct fuzz_target *target)
{
    unsigned files = 0;

    for (size_t i = 0; i < sizeof target->corpus / sizeof target->corpus[0] && target->corpus[i] != NULL; i++) {
        char folder[1024];
        snprintf(folder, sizeof folder, "%s/%s", USHER_TESTS_DIR, target->corpus[i]);
        files += run_folder(target, folder);
    }
    printf("%-14s %3u files, each mutated %lu times\n", target->name, files, mutations);
    if (files == 0)
        failed++;
}

int main(int argc, char **argv)
{
    const struct fuzz_target *const all[] = {fuzz_etcd, fuzz_host, fuzz_kube};
    const char *seed = getenv("FUZZ_SEED");

    chance = (seed == NULL ? 1 : strtoull(seed, NULL, 10)) * 0x9e3779b97f4a7c15ULL | 1;
    if (argc > 1)
        mutations = strtoul(argv[1], NULL, 10);
    last_input = mmap(NULL, FILE_BYTES_MAX + ROOM_BYTES + sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (last_input == MAP_FAILED || argc > 2 || mutations == 0) {
        fprintf(stderr, "usage: fuzz [MUTATIONS]\n");
        return 2;
    }
    last_length = (size_t *)(void *)(last_input + FILE_BYTES_MAX + ROOM_BYTES);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct fuzz_target *target = all[i]; target->name != NULL; target++)
            run_target(target);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
