/* The files of --plan-dir: what the launcher, a shell and a person find in them. */
#include <jansson.h>
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
#include "usher/member/plan.h"

static struct settings settings;
static struct plan plan;
static char text[128 * 1024];

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    memset(&settings, 0, sizeof settings);
    memset(&plan, 0, sizeof plan);
    snprintf(settings.plan_dir, sizeof settings.plan_dir, "%s", (const char *)*state);
    snprintf(settings.join.name, NAME_BYTES, "etcd-0");
    snprintf(settings.data_dir, PATH_BYTES, "/var/lib/etcd");
    settings.join.peer_urls.count = 2;
    snprintf(settings.join.peer_urls.url[0], URL_BYTES, "http://a:2380");
    snprintf(settings.join.peer_urls.url[1], URL_BYTES, "http://[::1]:2380");
    settings.client_urls.count = 1;
    snprintf(settings.client_urls.url[0], URL_BYTES, "http://a:2379");
    plan.state = PLAN_START;
    plan.reason = "join-added";
    snprintf(plan.message, sizeof plan.message, "added as a learner");
    snprintf(plan.initial_cluster, sizeof plan.initial_cluster, "etcd-0=http://a:2380,etcd-1=http://b:2380");
    snprintf(plan.token, sizeof plan.token, "etcd-cluster");
    return 0;
}

static const char *in_plan_dir(const char *name) { return scratch_path("%s/%s", settings.plan_dir, name); }

static void must_write(void)
{
    struct usher_error err = {.text = ""};

    if (!plan_write(&settings, &plan, &err))
        fail_msg("%s", err.text);
}

static void assert_launch(const char *expected)
{
    scratch_read(in_plan_dir("launch"), text, sizeof text);
    assert_string_equal(text, expected);
}

static void launch_is_as_the_header_says(void **state)
{
    (void)state;
    must_write();
    assert_launch("format=1\nstate=start\nreason=join-added\nmessage=added as a learner\n"
                  "initial-cluster=etcd-0=http://a:2380,etcd-1=http://b:2380\ninitial-cluster-state=existing\n"
                  "initial-cluster-token=etcd-cluster\nname=etcd-0\ndata-dir=/var/lib/etcd\nwal-dir=\n"
                  "initial-advertise-peer-urls=http://a:2380,http://[::1]:2380\nadvertise-client-urls=http://a:2379\nend=1\n");
    assert_int_equal(scratch_mode(in_plan_dir("launch")), 0640);
    plan.state = PLAN_HOLD;
    settings.client_urls.count = 0;
    snprintf(settings.wal_dir, PATH_BYTES, "/wal");
    snprintf(plan.message, sizeof plan.message, "waits\nend=1\r\nstate=start"); /* a message must not become lines */
    must_write();
    assert_launch("format=1\nstate=hold\nreason=join-added\nmessage=waits end=1  state=start\nname=etcd-0\ndata-dir=/var/lib/etcd\n"
                  "wal-dir=/wal\ninitial-advertise-peer-urls=http://a:2380,http://[::1]:2380\nadvertise-client-urls=\nend=1\n");
}

static void a_value_with_a_lines_end_is_not_written(void **state)
{
    struct usher_error err = {.text = ""};

    (void)state;
    snprintf(plan.initial_cluster, sizeof plan.initial_cluster, "etcd-0=http://a:2380\ninitial-cluster-state=new");
    assert_false(plan_write(&settings, &plan, &err));
    assert_non_null(strstr(err.text, "holds the end of a line"));
    snprintf(plan.initial_cluster, sizeof plan.initial_cluster, "etcd-0=http://a:2380");
    snprintf(settings.client_urls.url[0], URL_BYTES, "http://a:2379\rx");
    assert_false(plan_write(&settings, &plan, &err));
    assert_int_equal(scratch_count(settings.plan_dir, ""), 0);
}

static void unchanged_content_is_not_written_again(void **state)
{
    static const char *const names[] = {"launch", "etcd.env", "plan.json"};
    struct stat before[3], after;

    (void)state;
    must_write();
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(stat(in_plan_dir(names[i]), &before[i]), 0);
    must_write();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(in_plan_dir(names[i]), &after), 0);
        assert_true(after.st_ino == before[i].st_ino);
    }
    plan.is_new = true;
    must_write();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(in_plan_dir(names[i]), &after), 0);
        assert_true(after.st_ino != before[i].st_ino);
    }
    assert_int_equal(scratch_count(settings.plan_dir, ""), 3); /* no temporary names */
}

/* What sh makes of etcd.env, whatever stands in it. */
static void sh_reads_etcd_env(void **state)
{
    char command[2048], seen[4096];
    size_t length;
    FILE *sh;

    (void)state;
    plan.is_new = true;
    snprintf(settings.join.name, NAME_BYTES, "it's $HOME `id` \"x\" \\ *");
    snprintf(settings.wal_dir, PATH_BYTES, "/wal dir;echo no");
    snprintf(plan.token, sizeof plan.token, "''$(exit 1)");
    must_write();
    assert_int_equal(scratch_mode(in_plan_dir("etcd.env")), 0640);
    snprintf(command, sizeof command, "env -i sh -euc 'set -a; . \"$0\"; env | grep ^ETCD_ | sort' '%s'", in_plan_dir("etcd.env"));
    sh = popen(command, "re");
    assert_non_null(sh);
    length = fread(seen, 1, sizeof seen - 1, sh);
    seen[length] = '\0';
    assert_int_equal(pclose(sh), 0);
    assert_string_equal(seen,
                        "ETCD_ADVERTISE_CLIENT_URLS=http://a:2379\nETCD_DATA_DIR=/var/lib/etcd\n"
                        "ETCD_INITIAL_ADVERTISE_PEER_URLS=http://a:2380,http://[::1]:2380\n"
                        "ETCD_INITIAL_CLUSTER=etcd-0=http://a:2380,etcd-1=http://b:2380\nETCD_INITIAL_CLUSTER_STATE=new\n"
                        "ETCD_INITIAL_CLUSTER_TOKEN=''$(exit 1)\nETCD_NAME=it's $HOME `id` \"x\" \\ *\nETCD_WAL_DIR=/wal dir;echo no\n");
}

/* Whatever holds etcd back also takes away what a script could start it from. */
static void a_plan_that_holds_leaves_nothing_to_start_from(void **state)
{
    static const enum plan_state states[] = {PLAN_HOLD, PLAN_REMOVED, PLAN_REFUSED, PLAN_UNKNOWN};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        enum plan_state found = PLAN_START;
        bool is_new = true;
        plan.state = PLAN_START;
        must_write();
        scratch_write(in_plan_dir("etcd.json"), "{}", 2);
        plan.state = states[i];
        must_write();
        assert_false(scratch_exists(in_plan_dir("etcd.env")));
        assert_false(scratch_exists(in_plan_dir("etcd.json")));
        assert_int_equal(plan_read(&settings, &found, &is_new), PLAN_FILE_READ);
        assert_int_equal(found, states[i]);
        assert_false(is_new);
    }
}

static void half_a_plan_is_no_plan(void **state)
{
    enum plan_state found = PLAN_UNKNOWN;
    bool is_new = false;

    (void)state;
    assert_int_equal(plan_read(&settings, &found, &is_new), PLAN_FILE_ABSENT);
    plan.is_new = true;
    must_write();
    assert_int_equal(plan_read(&settings, &found, &is_new), PLAN_FILE_READ);
    assert_true(found == PLAN_START && is_new);
    scratch_read(in_plan_dir("launch"), text, sizeof text);
    for (size_t length = 0; length < strlen(text); length++) {
        scratch_write(in_plan_dir("launch"), text, length);
        assert_int_equal(plan_read(&settings, &found, &is_new), PLAN_FILE_UNREADABLE);
    }
    unlink(in_plan_dir("launch"));
    scratch_mkdir(in_plan_dir("launch"));
    assert_int_equal(plan_read(&settings, &found, &is_new), PLAN_FILE_UNREADABLE);
}

static void discard_keeps_only_the_memory_of_removal(void **state)
{
    struct usher_error err = {.text = ""};

    (void)state;
    assert_true(plan_discard(&settings, &err));
    must_write();
    scratch_write(in_plan_dir("etcd.json"), "{}", 2);
    assert_true(plan_remember_removed(&settings, &err));
    assert_true(plan_discard(&settings, &err));
    assert_int_equal(scratch_count(settings.plan_dir, ""), 1);
    assert_true(plan_was_removed(&settings));
    scratch_mkdir(in_plan_dir("etcd.env"));
    assert_false(plan_discard(&settings, &err));
    assert_non_null(strstr(err.text, "cannot discard the plan of an earlier life in"));
}

static void removal_is_remembered_for_this_pod_alone(void **state)
{
    struct usher_error err = {.text = ""};

    (void)state;
    assert_false(plan_was_removed(&settings));
    assert_true(plan_remember_removed(&settings, &err));
    assert_true(plan_was_removed(&settings)); /* outside Kubernetes */
    snprintf(settings.pod_uid, NAME_BYTES, "uid-1");
    assert_false(plan_was_removed(&settings));
    assert_true(plan_remember_removed(&settings, &err));
    assert_true(plan_was_removed(&settings));
    snprintf(settings.pod_uid, NAME_BYTES, "uid-10");
    assert_false(plan_was_removed(&settings));
    settings.pod_uid[0] = '\0';
    assert_false(plan_was_removed(&settings));
}

static void plan_json_is_for_people(void **state)
{
    json_t *root;

    (void)state;
    snprintf(plan.message, sizeof plan.message,
             "etcd said \"\xff\xc3\""); /* cut or strange bytes from elsewhere: etcd must start all the same */
    must_write();
    root = json_load_file(in_plan_dir("plan.json"), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "state")), "start");
    assert_string_equal(json_string_value(json_object_get(root, "message")), "etcd said \"??\"");
    assert_string_equal(json_string_value(json_object_get(root, "initial-cluster-state")), "existing");
    json_decref(root);
}

static void what_cannot_be_written_says_what_to_do(void **state)
{
    struct usher_error err = {.text = ""};

    (void)state;
    scratch_mkdir(scratch_path("%s/plans/launch/x", settings.plan_dir));
    snprintf(settings.plan_dir + strlen(settings.plan_dir), 16, "/plans");
    assert_false(plan_write(&settings, &plan, &err));
    assert_non_null(strstr(err.text, "cannot write the start plan in /"));
    assert_non_null(strstr(err.text, "(the usher needs write permission there; etcd waits for it)"));
    memset(settings.join.peer_urls.url[0], 'x', URL_BYTES - 1);
    memset(plan.initial_cluster, 'x', sizeof plan.initial_cluster - 1);
    snprintf(settings.plan_dir, sizeof settings.plan_dir, "%s", (const char *)*state);
    must_write(); /* the longest that there can be */
    scratch_read(in_plan_dir("launch"), text, sizeof text);
    assert_string_equal(text + strlen(text) - 7, "\nend=1\n");
}

static void a_config_file_is_complete_or_refused(void **state)
{
    static char listen_client[] = "ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379",
                listen_peer[] = "ETCD_LISTEN_PEER_URLS=http://0.0.0.0:2380", cert[] = "ETCD_CERT_FILE=/c",
                auth[] = "ETCD_PEER_CLIENT_CERT_AUTH=true", quota[] = "ETCD_QUOTA_BACKEND_BYTES=123", name[] = "ETCD_NAME=other",
                state_of[] = "ETCD_INITIAL_CLUSTER_STATE=new", path[] = "PATH=/bin", interval[] = "ETCD_COMPACTION_BATCH_LIMIT=7",
                outputs[] = "ETCD_LOG_OUTPUTS=stderr";
    char *const without[] = {listen_client, cert, NULL};
    char *const environment[] = {listen_client, listen_peer, cert, auth, quota, name, state_of, path, interval, outputs, NULL};
    struct usher_error err = {.text = ""};
    json_t *root, *section;

    (void)state;
    assert_false(plan_write_etcd_config(&settings, &plan, without, &err));
    assert_non_null(strstr(err.text, "ETCD_LISTEN_PEER_URLS"));
    assert_false(scratch_exists(in_plan_dir("etcd.json")));
    assert_true(plan_write_etcd_config(&settings, &plan, environment, &err));
    root = json_load_file(in_plan_dir("etcd.json"), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "name")), "etcd-0");
    assert_string_equal(json_string_value(json_object_get(root, "initial-cluster-state")), "existing");
    assert_true(json_is_true(json_object_get(root, "enable-grpc-gateway")));
    assert_int_equal(json_integer_value(json_object_get(root, "quota-backend-bytes")), 123);
    section = json_object_get(root, "client-transport-security");
    assert_string_equal(json_string_value(json_object_get(section, "cert-file")), "/c");
    section = json_object_get(root, "peer-transport-security");
    assert_true(json_is_true(json_object_get(section, "client-cert-auth")));
    assert_int_equal(json_array_size(json_object_get(root, "log-outputs")), 1);
    assert_null(json_object_get(root, "path"));
    json_decref(root);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, scratch_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(launch_is_as_the_header_says),
        ROW(a_value_with_a_lines_end_is_not_written),
        ROW(unchanged_content_is_not_written_again),
        ROW(sh_reads_etcd_env),
        ROW(a_plan_that_holds_leaves_nothing_to_start_from),
        ROW(half_a_plan_is_no_plan),
        ROW(discard_keeps_only_the_memory_of_removal),
        ROW(removal_is_remembered_for_this_pod_alone),
        ROW(plan_json_is_for_people),
        ROW(what_cannot_be_written_says_what_to_do),
        ROW(a_config_file_is_complete_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
