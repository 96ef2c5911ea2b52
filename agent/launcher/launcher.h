/* etcd-usher-exec: static, libc only, no allocation beyond argv and environment. Parts:
 * main.c waits for the plan and execs; plan_file.c reads `launch`; rewrite.c edits argv and environment; control.c asks the sidecar;
 * supervise.c stays as the parent (--leave-first); say.c writes lines for people. */
#ifndef USHER_LAUNCHER_LAUNCHER_H
#define USHER_LAUNCHER_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>

enum { LAUNCH_FILE_BYTES = 64 * 1024, EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

/* Points into the file's own text. */
struct launch_plan {
    char text[LAUNCH_FILE_BYTES + 1];
    const char *state, *reason, *message, *initial_cluster, *initial_cluster_state, *token, *name, *data_dir, *wal_dir, *peer_urls,
        *client_urls;
};

enum plan_reading { PLAN_READING_UNKNOWN = 0, PLAN_READING_ABSENT, PLAN_READING_NOT_WHOLE, PLAN_READING_WHOLE };

const char *plan_directory(void); /* USHER_PLAN_DIR, else /run/etcd-usher */
enum plan_reading plan_file_read(struct launch_plan *out);

/* Edits argv and the environment for the plan. False: refused, and the reason was said. `argv` may be changed in place and grow by nothing. */
bool rewrite_for_plan(const struct launch_plan *plan, char **argv);

/* "leave evaluate exec-hook" to the sidecar, at most limit_ms. Its exit code, or -1 when nobody answered. Prints progress and verdict. */
int control_leave(long limit_ms);
long leave_limit_ms(void); /* USHER_LEAVE_TIMEOUT (as 25s, 500ms, 1m) and 2 s, else 27 s */

/* --leave-first: runs argv as a child, hands signals on, reaps, returns the exit status for main. */
int supervise(char **argv);

/* One line on standard error: "etcd-usher-exec: " and the parts; END ends them. */
#define END ((const char *)0)
void say(const char *first, ...) __attribute__((sentinel));

long long now_ms(void);

#endif
