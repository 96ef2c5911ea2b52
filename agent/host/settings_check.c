/* What only shows when all settings are known together. */
#include <string.h>

#include "settings_parse.h"

static bool lies_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return length > 0 && strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void check_record(const struct settings *settings, struct usher_error *problems)
{
    const char *path = settings->set_record + 5;

    if (settings->set_record[0] == '\0') {
        if (settings->join.bootstrap == BOOTSTRAP_RECORD)
            settings_problem(problems,
                             "--bootstrap=record needs --set-record: without one nobody can know whether a cluster was founded before");
        if (settings->join.lost_data == DATA_POLICY_ACT)
            settings_problem(problems, "--lost-data=replace needs --set-record: it proves that the entry is this slot's");
        return;
    }
    if (strncmp(settings->set_record, "configmap:", 10) == 0) {
        if (settings->set_record[10] == '\0' || strchr(settings->set_record + 10, '/') != NULL)
            settings_problem(problems, "--set-record: \"%s\" is not allowed: configmap:NAME, in the pod's own namespace",
                             settings->set_record);
        if (!settings->in_kubernetes)
            settings_problem(problems,
                             "--set-record=%s: needs the Kubernetes API (KUBERNETES_SERVICE_HOST is not set); outside, use file:PATH",
                             settings->set_record);
        return;
    }
    if (strncmp(settings->set_record, "file:/", 6) != 0) {
        settings_problem(problems, "--set-record: \"%s\" is not allowed: configmap:NAME, or file:PATH with an absolute path",
                         settings->set_record);
        return;
    }
    if (lies_below(path, settings->data_dir) || lies_below(path, settings->wal_dir))
        settings_problem(problems,
                         "--set-record: %s lies inside the data or WAL directory: it would be lost with the volume that it must outlive",
                         path);
}

static void check_tls(const char *prefix, const struct tls_settings *tls, struct usher_error *problems)
{
    if ((tls->cert[0] == '\0') != (tls->key[0] == '\0'))
        settings_problem(problems, "--%scert and --%skey go together", prefix, prefix);
    if (tls->user[0] != '\0' && tls->password_file[0] == '\0' && tls->password[0] == '\0')
        settings_problem(problems, "--%suser needs --%spassword-file (or ETCDCTL_PASSWORD)", prefix, prefix);
}

static void check_name(const struct settings *settings, struct usher_error *problems)
{
    if (settings->join.name[0] == '\0')
        settings_problem(problems, "--name: this machine has no host name, so a name must be given");
    if (strpbrk(settings->join.name, "=,") != NULL)
        settings_problem(problems, "--name: \"%s\" is not allowed: no \"=\" or \",\", which separate names in --initial-cluster",
                         settings->join.name);
}

void settings_check(enum settings_command command, const struct settings *settings, const struct settings_given *given,
                    struct usher_error *problems)
{
    if (command != SETTINGS_FOR_INIT && command != SETTINGS_FOR_SIDECAR)
        return;
    check_name(settings, problems);
    if (settings->join.peer_urls.count == 0 && !given->peer_url)
        settings_problem(problems,
                         "--peer-url is missing: the peer URLs that etcd will advertise (ETCD_INITIAL_ADVERTISE_PEER_URLS serves, too)");
    if (command == SETTINGS_FOR_INIT && settings->endpoint_count + settings->remote_endpoint_count == 0 && !given->endpoints &&
        settings->join.bootstrap != BOOTSTRAP_ONCE)
        settings_problem(problems, "--endpoints is missing: client URLs of live members, or of the pods that will be");
    if (!url_is_valid(settings->local_endpoint))
        settings_problem(problems, "--local-endpoint: \"%s\" is not allowed: http(s)://HOST:PORT", settings->local_endpoint);
    check_record(settings, problems);
    check_tls("", &settings->tls, problems);
    check_tls("remote-", &settings->remote_tls, problems);
}
