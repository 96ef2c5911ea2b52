/* `etcd-usher sidecar`: wires the loop, the serving thread and the requests to leave together. */
#include <stdlib.h>

#include "publish.h"
#include "usher/command/commands.h"
#include "usher/command/common.h"
#include "usher/host/wal_header.h"
#include "usher/member/plan.h"
#include "usher/member/sidecar.h"
#include "usher/serve/serve.h"
#include "usher/world/real_world.h"

enum { LEAVE_SLACK_MS = 3000 };

struct parts {
    struct settings settings;
    struct real_world real;
    struct sidecar sidecar;
    struct snapshot snapshot;
    struct wake *wake;
    struct leave_request *leave;
    struct snapshot_board *board;
    struct serve *serve;
};

static bool is_asked(void *self, enum leave_asked *out_how)
{
    struct parts *parts = self;
    return leave_request_pending(parts->leave, out_how);
}

static void say(void *self, const char *text)
{
    struct parts *parts = self;
    leave_request_say(parts->leave, text);
}

static void done(void *self, enum usher_exit exit, enum reason reason, const char *text, bool is_final)
{
    struct parts *parts = self;
    leave_request_done(parts->leave, exit, reason, text, is_final);
}

static void publish(void *self, const struct sidecar *sidecar)
{
    struct parts *parts = self;

    publish_fill(sidecar, &parts->snapshot);
    snapshot_board_publish(parts->board, &parts->snapshot);
}

static bool take_poke(void *self)
{
    struct parts *parts = self;
    return wake_take_poke(parts->wake);
}

static bool start(struct parts *parts, struct usher_error *err)
{
    const struct settings *settings = &parts->settings;
    struct leave_door door = {parts, is_asked, say, done};
    struct serve_parts serve = {
        .listen = settings->listen,
        .plan_dir = settings->plan_dir,
        .version = USHER_VERSION,
        .leave_limit_ms = settings->leave_timeout_ms + LEAVE_SLACK_MS,
    };

    if (!wake_new(&parts->wake, err) || !leave_request_new(parts->wake, &parts->leave, err) || !snapshot_board_new(&parts->board, err))
        return false;
    serve.board = parts->board;
    serve.leave = parts->leave;
    if (!serve_start(&serve, &parts->serve, err) || !real_world_init(&parts->real, settings, parts->wake, err))
        return false;
    if (settings->with_init && wal_etcd_holds_lock(settings->data_dir) != TRI_YES && !plan_discard(settings, err))
        return false;
    sidecar_init(&parts->sidecar, settings, &parts->real.world, parts->real.store.read != NULL ? &parts->real.store : NULL, &door);
    parts->sidecar.publish = publish;
    parts->sidecar.take_poke = take_poke;
    parts->sidecar.publish_self = parts->sidecar.take_poke_self = parts;
    return true;
}

static void stop(struct parts *parts)
{
    serve_stop(parts->serve);
    real_world_done(&parts->real);
    snapshot_board_free(parts->board);
    leave_request_free(parts->leave);
    wake_free(parts->wake);
}

enum usher_exit command_sidecar(int argc, char *argv[])
{
    struct parts *parts = calloc(1, sizeof *parts);
    struct usher_error err = {.text = "out of memory"};
    enum usher_exit result = USHER_EXIT_FAILED;

    if (parts == NULL)
        return command_end("sidecar", result, &err);
    if (!command_settings(SETTINGS_FOR_SIDECAR, "sidecar", argc, argv, &parts->settings, &result)) {
        free(parts);
        return result;
    }
    command_harden();
    result = start(parts, &err) ? sidecar_run(&parts->sidecar, &err) : err.exit;
    stop(parts);
    free(parts);
    return command_end("sidecar", result, &err);
}
