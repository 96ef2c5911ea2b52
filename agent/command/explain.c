/* `etcd-usher explain SNAPSHOT.json`: decision and reason for a saved snapshot, without any effect. `explain --reasons`: the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/command/commands.h"
#include "usher/command/common.h"
#include "usher/host/text_file.h"
#include "usher/member/facts_json.h"
#include "usher/member/message.h"

enum { SNAPSHOT_FILE_BYTES = 4 * 1024 * 1024 };

static enum usher_exit print_reasons(void)
{
    puts("# Reasons\n\nEvery decision has one: logs, `/status`, metrics and exit messages name it. Made by `etcd-usher explain "
         "--reasons`.\n");
    puts("| number | name | row | what it says | what to do |\n|---|---|---|---|---|");
    for (unsigned i = 0;; i++) {
        enum reason reason = reason_at(i);
        if (reason == REASON_UNKNOWN)
            break;
        printf("| %d | `%s` | %s | %s | %s |\n", (int)reason, reason_name(reason), reason_row(reason), reason_sentence(reason),
               reason_remedy(reason));
    }
    return USHER_EXIT_DONE;
}

static void print_decision(const struct join_facts *facts)
{
    struct join_decision decision = join_decide(facts);
    struct message_details details = {0};
    char message[4096];

    message_for_join(facts, &decision, &details, message, sizeof message);
    printf("decision: %s\nreason:   %d %s (row %s)\nmessage:  %s\n", join_action_name(decision.action), (int)decision.reason,
           reason_name(decision.reason), reason_row(decision.reason), message);
}

/* "-" is standard input, so that a pod's facts.json can be piped in. */
static enum text_file_state read_snapshot(const char *path, struct bounded_text *text, struct usher_error *err)
{
    char buffer[4096];
    size_t count;

    if (strcmp(path, "-") != 0)
        return text_file_read(path, SNAPSHOT_FILE_BYTES, text, err);
    while ((count = fread(buffer, 1, sizeof buffer, stdin)) > 0)
        if (!bounded_text_add(text, buffer, count)) {
            usher_error_set(err, "longer than %d bytes", SNAPSHOT_FILE_BYTES);
            return TEXT_FILE_UNREADABLE;
        }
    return TEXT_FILE_READ;
}

static enum usher_exit explain_file(const char *path)
{
    struct facts_storage *storage = calloc(1, sizeof *storage);
    struct join_facts *facts = calloc(1, sizeof *facts);
    enum usher_exit exit_code = USHER_EXIT_USAGE;
    struct usher_error err = {0};
    struct bounded_text text;

    bounded_text_init(&text, SNAPSHOT_FILE_BYTES);
    if (storage == NULL || facts == NULL) {
        usher_error_set(&err, "out of memory");
    } else {
        switch (read_snapshot(path, &text, &err)) {
        case TEXT_FILE_READ:
            if (facts_json_read(bounded_text_c(&text), text.length_bytes, storage, facts, &err)) {
                print_decision(facts);
                exit_code = USHER_EXIT_DONE;
            }
            break;
        case TEXT_FILE_ABSENT:
            usher_error_set(&err, "no such file");
            break;
        case TEXT_FILE_UNREADABLE:
        case TEXT_FILE_UNKNOWN:
            break;
        }
    }
    if (exit_code != USHER_EXIT_DONE)
        fprintf(stderr, "etcd-usher explain: %s: %s\n", path, err.text);
    bounded_text_done(&text);
    free(storage);
    free(facts);
    return exit_code;
}

enum usher_exit command_explain(int argc, char *argv[])
{
    bool wants_help = command_wants_help(argc, argv);

    if (argc == 2 && strcmp(argv[1], "--reasons") == 0)
        return print_reasons();
    if (argc == 2 && !wants_help && (argv[1][0] != '-' || argv[1][1] == '\0'))
        return explain_file(argv[1]);
    fputs("usage: etcd-usher explain SNAPSHOT.json   (facts.json of the plan directory; - for standard input)\n       etcd-usher explain "
          "--reasons\n",
          wants_help ? stdout : stderr);
    return wants_help ? USHER_EXIT_DONE : USHER_EXIT_USAGE;
}
