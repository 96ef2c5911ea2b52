/* The commands as a person tries them: help on standard output, what is wrong on standard error with what to do about it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "usher/command/commands.h"
#include "usher/host/error.h"

static char said[64 * 1024], complained[64 * 1024];

static int redirect(int fd, const char *path)
{
    int kept = dup(fd), file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(kept >= 0 && file >= 0 && dup2(file, fd) == fd);
    close(file);
    return kept;
}

static void restore(int fd, int kept)
{
    dup2(kept, fd);
    close(kept);
}

/* `words` are separated by blanks, `@` in them is the test's folder. */
static enum usher_exit run(enum usher_exit (*command)(int, char **), const char *folder, const char *words)
{
    static char name[] = "command", text[4096];
    char *argv[16] = {name};
    const char *out = scratch_path("%s/.out", folder), *err = scratch_path("%s/.err", folder), *rest = words;
    int argc = 1, kept_out, kept_err;
    enum usher_exit result;
    size_t used = 0;

    for (; *rest != '\0'; rest++) {
        if (rest[0] == '@')
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", folder);
        else
            text[used++] = *rest;
    }
    text[used] = '\0';
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    fflush(stdout);
    kept_out = redirect(STDOUT_FILENO, out);
    kept_err = redirect(STDERR_FILENO, err);
    result = command(argc, argv);
    fflush(stdout);
    restore(STDOUT_FILENO, kept_out);
    restore(STDERR_FILENO, kept_err);
    scratch_read(out, said, sizeof said);
    scratch_read(err, complained, sizeof complained);
    return result;
}

static void help_goes_to_standard_output(void **state)
{
    static const struct {
        enum usher_exit (*command)(int, char **);
        const char *words;
    } rows[] = {
        {command_init, "usage: etcd-usher init [FLAGS]"},   {command_sidecar, "usage: etcd-usher sidecar [FLAGS]"},
        {command_leave, "usage: etcd-usher leave [FLAGS]"}, {command_status, "usage: etcd-usher status [FLAGS]"},
        {command_explain, "usage: etcd-usher explain "},    {command_install, "usage: etcd-usher install DIR"},
        {command_version, "usage: etcd-usher version"},
    };
    static const char *const ways[] = {"--help", "-h", "help"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t way = 0; way < 3; way++) {
            enum usher_exit exit = run(rows[i].command, *state, ways[way]);
            if (exit != USHER_EXIT_DONE || strncmp(said, rows[i].words, strlen(rows[i].words)) != 0 || complained[0] != '\0')
                fail_msg("%s %s: exit %d\n%s%s", rows[i].words, ways[way], (int)exit, said, complained);
        }
}

static void what_is_wrong_is_told_with_what_to_do(void **state)
{
    static const struct {
        enum usher_exit (*command)(int, char **);
        const char *words;
        enum usher_exit exit;
        const char *message;
    } rows[] = {
        {command_version, "x", USHER_EXIT_USAGE, "usage: etcd-usher version"},
        {command_install, "", USHER_EXIT_USAGE, "usage: etcd-usher install DIR"},
        {command_install, "@/file", USHER_EXIT_FAILED, "/file is not a directory"},
        {command_explain, "", USHER_EXIT_USAGE, "usage: etcd-usher explain"},
        {command_explain, "--reason", USHER_EXIT_USAGE, "usage: etcd-usher explain"},
        {command_explain, "@/none.json", USHER_EXIT_USAGE, "/none.json: no such file"},
        {command_explain, "@", USHER_EXIT_USAGE, "is not a regular file"},
        {command_explain, "@/file", USHER_EXIT_USAGE, "/file: not a snapshot: '[' or '{' expected near 'no' (line 1)"},
        {command_explain, "@/word.json", USHER_EXIT_USAGE, "unknown, none, ids, remains, torn, unreadable"},
        {command_status, "--plan-dir=@", USHER_EXIT_FAILED, "/control.sock; is it running, with the same --plan-dir?"},
        {command_leave, "--plan-dir=@", USHER_EXIT_FAILED, "no sidecar answers at"},
        {command_status, "--plan-dir", USHER_EXIT_USAGE, "etcd-usher status: --plan-dir needs a value"},
        {command_init, "--plan-dir=@ --data-dir=@", USHER_EXIT_USAGE, "--endpoints is missing"},
        {command_sidecar, "--plan-dir=@ --data-dir=@ --peer-url=http://a:1 --listen=2383", USHER_EXIT_USAGE,
         "'2383' is not an address to listen on; allowed: \":2383\""},
    };

    scratch_write(scratch_path("%s/file", (const char *)*state), "no JSON", 7);
    scratch_write(scratch_path("%s/word.json", (const char *)*state), "{\"version\": 1, \"wal\": \"x\"}", 26);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum usher_exit exit = run(rows[i].command, *state, rows[i].words);
        if (exit != rows[i].exit || strstr(complained, rows[i].message) == NULL || said[0] != '\0')
            fail_msg("%s: exit %d\n%s%s", rows[i].words, (int)exit, said, complained);
    }
}

static void facts_are_explained_from_a_file_and_a_pipe(void **state)
{
    const char *path = scratch_path("%s/facts.json", (const char *)*state);
    int kept;

    scratch_write(path, "{\"version\": 1}", 14);
    assert_int_equal(run(command_explain, *state, "@/facts.json"), USHER_EXIT_DONE);
    assert_non_null(strstr(said, "decision: wait\nreason:   "));
    kept = dup(STDIN_FILENO);
    assert_non_null(freopen(path, "re", stdin));
    assert_int_equal(run(command_explain, *state, "-"), USHER_EXIT_DONE);
    assert_non_null(strstr(said, "decision: wait\nreason:   "));
    restore(STDIN_FILENO, kept);
    assert_int_equal(run(command_explain, *state, "--reasons"), USHER_EXIT_DONE);
    assert_non_null(strstr(said, "| number | name |"));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(help_goes_to_standard_output),
        ROW(what_is_wrong_is_told_with_what_to_do),
        ROW(facts_are_explained_from_a_file_and_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
