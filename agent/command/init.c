/* `etcd-usher init`: observe, decide, register, plan; then it is done. */
#include <stdlib.h>

#include "usher/command/commands.h"
#include "usher/command/common.h"
#include "usher/host/wal_header.h"
#include "usher/member/join_loop.h"
#include "usher/member/plan.h"
#include "usher/world/real_world.h"

struct init_parts {
    struct settings settings;
    struct real_world real;
    struct usher usher;
};

static enum usher_exit run(struct init_parts *parts, struct wake *wake, struct usher_error *err)
{
    struct settings *settings = &parts->settings;
    struct deadline deadline = settings->timeout_ms > 0 ? deadline_in_ms(settings->timeout_ms) : deadline_never();
    enum usher_exit result;

    if (!real_world_init(&parts->real, settings, wake, err))
        return USHER_EXIT_FAILED;
    /* A plan of an earlier life says what was true then; only an etcd that still runs on it keeps it. */
    if (wal_etcd_holds_lock(settings->data_dir) != TRI_YES && !plan_discard(settings, err)) {
        real_world_done(&parts->real);
        return USHER_EXIT_FAILED;
    }
    usher_init(&parts->usher, settings, &parts->real.world, parts->real.store.read != NULL ? &parts->real.store : NULL);
    result = join_run(&parts->usher, deadline, err);
    real_world_done(&parts->real);
    return result;
}

enum usher_exit command_init(int argc, char *argv[])
{
    struct init_parts *parts = calloc(1, sizeof *parts);
    struct usher_error err = {.text = "out of memory"};
    enum usher_exit result = USHER_EXIT_FAILED;
    struct wake *wake = NULL;

    if (parts == NULL)
        return command_end("init", result, &err);
    if (!command_settings(SETTINGS_FOR_INIT, "init", argc, argv, &parts->settings, &result)) {
        free(parts);
        return result;
    }
    command_harden();
    if (wake_new(&wake, &err))
        result = run(parts, wake, &err);
    wake_free(wake);
    free(parts);
    return command_end("init", result, &err);
}
