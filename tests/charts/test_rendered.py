"""What the chart renders: snapshots of whole outputs, and the properties that must hold whatever the values are."""
import difflib
import os
import re
import shutil

import pytest

import charts

SNAPSHOTS = os.path.join(charts.ROOT, "tests", "charts", "snapshots")
CI = sorted(name[:-len("-values.yaml")] for name in os.listdir(os.path.join(charts.CHART, "ci")) if name.endswith("-values.yaml"))
ALL = ["default"] + CI


def words_of(case):
    return [] if case == "default" else ["-f", os.path.join(charts.CHART, "ci", f"{case}-values.yaml")]


@pytest.fixture(scope="module")
def rendered():
    """case -> objects, each rendered once."""
    return {case: charts.objects(*words_of(case)) for case in ALL}


@pytest.fixture(params=ALL)
def case(request):
    return request.param


@pytest.fixture
def found(case, rendered):
    return rendered[case]


def snapshot(case):
    """The whole output for the defaults, and for other values what they change in it."""
    text = charts.template(*words_of(case))
    if case == "default":
        return text
    changes = difflib.unified_diff(charts.template().splitlines(), text.splitlines(), "default", case, n=2, lineterm="")
    return "\n".join(line.rstrip() for line in changes) + "\n"


def test_snapshot(case):
    """A change that was meant: UPDATE_SNAPSHOTS=1 make test-charts, and look at the difference in git."""
    path = os.path.join(SNAPSHOTS, "default.yaml" if case == "default" else f"{case}.diff")
    now = snapshot(case)
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        with open(path, "w", encoding="utf-8") as target:
            target.write(now)
    with open(path, encoding="utf-8") as source:
        assert now == source.read()


def test_no_snapshot_is_left_over():
    assert sorted(os.listdir(SNAPSHOTS)) == sorted(["default.yaml"] + [f"{case}.diff" for case in CI])


def test_output_is_clean(case):
    text = charts.template(*words_of(case))
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert "<no value>" not in text and "%!" not in text and "null" not in text


def test_the_pods_do_not_depend_on_how_many_there_are(case):
    sets = [charts.only(charts.objects(*words_of(case), "--set", f"replicaCount={count},service.perPod.count=9"), "StatefulSet") for count in (1, 4, 9)]
    assert [item["spec"]["replicas"] for item in sets] == [1, 4, 9]
    assert all(charts.without(item, "spec.replicas") == charts.without(sets[0], "spec.replicas") for item in sets)


def test_a_new_version_of_the_chart_restarts_nobody(case, found, tmp_path):
    newer = shutil.copytree(charts.CHART, tmp_path / "etcd")
    text = (newer / "Chart.yaml").read_text()
    (newer / "Chart.yaml").write_text(text.replace("version: 0.1.0\nappVersion", "version: 0.9.9\nappVersion"))
    after = charts.only(charts.objects(*words_of(case), chart=str(newer)), "StatefulSet")
    before = charts.only(found, "StatefulSet")
    assert after["metadata"]["labels"] != before["metadata"]["labels"]
    assert after["spec"] == before["spec"]


def test_pods_keep_the_level_restricted(found):
    extra = {"first", "beside"}                          # the containers that a test's values bring along
    pod = charts.pod_of(found)
    assert [breach for breach in charts.breaches_of_restricted(pod) if breach.split(":")[0] not in extra] == []
    test_pods = [item["spec"] for item in found if item["kind"] == "Pod"]
    assert test_pods and all(charts.breaches_of_restricted(item) == [] for item in test_pods)


def test_a_breach_of_restricted_is_seen():
    pod = charts.pod_of(charts.objects("--set-json", 'containerSecurityContext={"runAsUser":0,"privileged":true,"capabilities":null}'))
    assert {"etcd: runs as root", "etcd: privileged", "etcd: capabilities are not dropped"} <= set(charts.breaches_of_restricted(pod))


def test_rights_are_these_and_no_others(rendered):
    rules = charts.only(rendered["default"], "Role")["rules"]
    assert rules == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "resourceNames": ["etcd"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["etcd-usher"], "verbs": ["get", "update"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]


def test_rights_hold_in_the_namespace_alone(found):
    assert not [item for item in found if item["kind"].startswith("Cluster")]
    for binding in (item for item in found if item["kind"] == "RoleBinding"):
        assert binding["roleRef"]["kind"] == "Role"
        assert [subject["namespace"] for subject in binding["subjects"]] == [binding["metadata"]["namespace"]] == ["default"]


def test_the_token_is_in_the_ushers_containers_alone(found):
    pod = charts.pod_of(found)
    assert pod["automountServiceAccountToken"] is False
    holders = {name for name, container in charts.containers_of(pod).items()
               for mount in container.get("volumeMounts", []) if "serviceaccount" in mount["mountPath"]}
    assert holders <= {"usher", "usher-init"}
    assert bool(holders) == any(volume["name"] == "usher-token" for volume in pod["volumes"])


def test_rights_name_the_set_and_the_record_that_there_are(found):
    pod_set = charts.only(found, "StatefulSet")
    env = charts.env_of(charts.containers_of(charts.pod_of(found))["usher"])
    if "USHER_SET_RECORD" not in env:
        assert not [item for item in found if item["kind"] in ("Role", "RoleBinding", "ConfigMap")]
        return
    record = charts.only(found, "ConfigMap", env["USHER_SET_RECORD"].split(":")[1])
    assert charts.without(record, "metadata") == {"apiVersion": "v1", "kind": "ConfigMap"}     # no data: no upgrade resets it
    assert record["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    for role in (item for item in found if item["kind"] == "Role"):
        named = {rule["resources"][0]: rule.get("resourceNames") for rule in role["rules"]}
        assert named["statefulsets"] == [pod_set["metadata"]["name"]]
        assert named["configmaps"] == [record["metadata"]["name"]]
        binding = charts.only(found, "RoleBinding")
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert binding["subjects"][0]["name"] == charts.pod_of(found)["serviceAccountName"]


def test_services(found):
    pod_set = charts.only(found, "StatefulSet")
    headless = charts.only(found, "Service", pod_set["spec"]["serviceName"])
    client = charts.only(found, "Service", pod_set["metadata"]["name"])
    assert headless["spec"]["clusterIP"] == "None" and headless["spec"]["publishNotReadyAddresses"] is True
    assert "publishNotReadyAddresses" not in client["spec"]
    labels = pod_set["spec"]["template"]["metadata"]["labels"]
    for service in (item for item in found if item["kind"] == "Service"):
        selector = {key: value for key, value in service["spec"]["selector"].items() if key != "statefulset.kubernetes.io/pod-name"}
        assert selector.items() <= labels.items()
    test_pod = charts.only(found, "Pod")
    assert not pod_set["spec"]["selector"]["matchLabels"].items() <= test_pod["metadata"]["labels"].items()


def test_containers_in_their_order(case, found):
    pod = charts.pod_of(found)
    assert pod["containers"][0]["name"] == "etcd"
    order = [name for name in charts.containers_of(pod) if name not in ("first", "beside")]
    if case == "plain":
        assert order == ["usher-install", "usher-init", "etcd", "usher"]
        assert charts.containers_of(pod)["usher-init"]["args"] == ["init"]
        assert charts.containers_of(pod)["usher"]["args"] == ["sidecar"]
    else:
        assert order == ["usher-install", "usher", "etcd"]
        sidecar = charts.containers_of(pod)["usher"]
        assert sidecar["restartPolicy"] == "Always" and sidecar["args"] == ["sidecar", "--with-init"]
        assert sidecar["startupProbe"]["httpGet"]["path"] == "/startupz"


def test_auto_is_plain_where_there_are_no_native_sidecars():
    old = charts.containers_of(charts.pod_of(charts.objects(kubernetes="1.28.9")))
    new = charts.containers_of(charts.pod_of(charts.objects(kubernetes="1.29.0")))
    assert "usher-init" in old and "restartPolicy" not in old["usher"]
    assert "usher-init" not in new and new["usher"]["restartPolicy"] == "Always"
    assert "startupProbe" not in old["usher"]            # it would be asked of a plain sidecar, too, and is not needed there


def test_the_hook_is_on_etcds_container_and_has_time(case, found):
    pod = charts.pod_of(found)
    containers = charts.containers_of(pod)
    assert "lifecycle" not in containers["usher"]        # all hooks of a pod start at once: only etcd's own holds its SIGTERM back
    command = containers["etcd"]["command"]
    if case == "plain":
        assert "lifecycle" not in containers["etcd"]
        assert command[:3] == ["/run/etcd-usher/etcd-usher-exec", "--leave-first", "--"]
    else:
        assert containers["etcd"]["lifecycle"]["preStop"]["exec"]["command"] == ["/run/etcd-usher/etcd-usher-exec", "leave"]
        assert command[:2] == ["/run/etcd-usher/etcd-usher-exec", "--"]
    told = {charts.env_of(containers[name])["USHER_LEAVE_TIMEOUT"] for name in ("etcd", "usher")}
    assert len(told) == 1
    assert pod["terminationGracePeriodSeconds"] >= int(told.pop()[:-1]) + 10


def test_probes_go_to_paths_that_the_sidecar_answers(found):
    with open(os.path.join(charts.ROOT, "agent", "serve", "http_server.c"), encoding="utf-8") as source:
        answered = set(re.findall(r'\{"(/[a-z/]+)", PROBE_', source.read()))
    containers = charts.containers_of(charts.pod_of(found))
    port = int(charts.env_of(containers["usher"])["USHER_LISTEN"].rsplit(":", 1)[1])
    probes = {(name, kind): container[kind]["httpGet"] for name, container in containers.items()
              for kind in ("livenessProbe", "readinessProbe", "startupProbe") if kind in container}
    assert {probe["path"] for probe in probes.values()} <= answered
    assert {probe["port"] for probe in probes.values()} == {port}
    assert probes["etcd", "livenessProbe"]["path"] == "/etcd/livez"
    assert probes["usher", "livenessProbe"]["path"] == "/livez"
    assert probes["usher", "readinessProbe"]["path"] == "/readyz"
    assert ("etcd", "readinessProbe") not in probes


def test_mounts_have_their_volumes(found):
    pod_set = charts.only(found, "StatefulSet")
    pods = [pod_set["spec"]["template"]["spec"]] + [item["spec"] for item in found if item["kind"] == "Pod"]
    claims = {claim["metadata"]["name"] for claim in pod_set["spec"].get("volumeClaimTemplates", [])}
    for pod in pods:
        names = [volume["name"] for volume in pod.get("volumes", [])]
        assert len(set(names)) == len(names)
        for name, container in charts.containers_of(pod).items():
            for mount in container.get("volumeMounts", []):
                assert mount["name"] in set(names) | claims, (name, mount)
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(set(paths)) == len(paths)


def test_files_that_are_named_lie_in_a_mount(found):
    for name, container in charts.containers_of(charts.pod_of(found)).items():
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        words = [word.split("=", 1)[-1] for word in container.get("command", [])] + [value for value in charts.env_of(container).values() if value]
        for path in (word for word in words if word.startswith(("/etc/", "/var/", "/run/"))):
            assert any(path == mount or path.startswith(mount + "/") for mount in mounts), (name, path, mounts)


def test_etcd_and_usher_are_told_the_same(found):
    containers = charts.containers_of(charts.pod_of(found))
    flags = dict(word[2:].split("=", 1) for word in containers["etcd"]["command"] if word.startswith("--") and "=" in word)
    for name in ("usher", "usher-init"):
        if name not in containers:
            continue
        env = charts.env_of(containers[name])
        assert flags["name"] == env["USHER_NAME"]
        assert flags["data-dir"] == env["USHER_DATA_DIR"]
        assert flags["initial-advertise-peer-urls"] == env["USHER_PEER_URL"]
        assert flags["advertise-client-urls"] == env["USHER_CLIENT_URL"]
        assert env["USHER_PLAN_DIR"] == charts.env_of(containers["etcd"])["USHER_PLAN_DIR"]
    assert not [flag for flag in flags if flag.startswith("initial-cluster")]


def test_variables_stand_above_what_uses_them(found):
    for name, container in charts.containers_of(charts.pod_of(found)).items():
        known = []
        for entry in container.get("env", []):
            for used in re.findall(r"\$\((\w+)\)", entry.get("value") or ""):
                assert used in known, (name, entry)
            known.append(entry["name"])
        for word in container.get("command", []) + container.get("args", []):
            assert set(re.findall(r"\$\((\w+)\)", word)) <= set(known)


def test_the_agent_knows_every_variable(found):
    known = charts.help_flags("init") | charts.help_flags("sidecar")
    assert "USHER_PEER_URL" in known
    containers = charts.containers_of(charts.pod_of(found))
    used = {key for name in ("usher", "usher-init", "etcd") for key in charts.env_of(containers.get(name, {})) if key.startswith("USHER_")}
    assert "USHER_PEER_URL" in used and used <= known, used - known


def test_every_setting_of_the_library_reaches_the_agent(rendered):
    """The case `everything` sets each; with it, join and TLS all of the agent's flags that a chart should know are written by somebody."""
    used = {key for found in rendered.values() for key in charts.env_of(charts.containers_of(charts.pod_of(found))["usher"]) if key.startswith("USHER_")}
    others = {"USHER_TIMEOUT", "USHER_RENDER_CONFIG", "USHER_WITH_INIT", "USHER_PROMOTE_SAMPLES", "USHER_POD_NAME", "USHER_POD_NAMESPACE", "USHER_POD_UID",
              "USHER_WAL_DIR", "USHER_TLS_SERVER_NAME", "USHER_REMOTE_TLS_SERVER_NAME"}
    assert charts.help_flags("init") | charts.help_flags("sidecar") == used | others
    assert not used & others


@pytest.mark.parametrize("values, name", [("tls.usher.serverName=etcd", "USHER_TLS_SERVER_NAME"), ("join.tlsServerName=west", "USHER_REMOTE_TLS_SERVER_NAME")])
def test_server_names(values, name):
    words = words_of("migration-target") + ["--set", values]
    assert charts.env_of(charts.containers_of(charts.pod_of(charts.objects(*words)))["usher"])[name] == values.split("=")[1]


@pytest.mark.parametrize("version", ["3.4", "3.6", "3.7"])
def test_etcd_knows_every_flag(version, rendered):
    tag = {"3.4": "v3.4.37", "3.6": "v3.6.14", "3.7": "v3.7.1"}[version]
    binary = charts.output_of(os.path.join(charts.ROOT, "tests", "tools", "build-etcd"), version).strip()
    done = charts.run(binary, "--help")
    known = set(re.findall(r"--([a-z][a-z-]+)", done.stdout + done.stderr))
    for case in rendered:
        found = charts.objects(*words_of(case), "--set", f"image.tag={tag}")
        command = charts.containers_of(charts.pod_of(found))["etcd"]["command"]
        words = command[command.index("/usr/local/bin/etcd") + 1:]
        used = {word[2:].split("=")[0] for word in words}
        assert used <= known, (case, used - known)


def test_persistence(rendered):
    kept = charts.only(rendered["default"], "StatefulSet")["spec"]
    assert kept["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert kept["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "8Gi"
    assert "storageClassName" not in kept["volumeClaimTemplates"][0]["spec"]
    lost = charts.only(rendered["everything"], "StatefulSet")["spec"]
    assert "volumeClaimTemplates" not in lost and "persistentVolumeClaimRetentionPolicy" not in lost
    for given, expected in (("fast", "fast"), ("-", "")):
        claim = charts.only(charts.objects("--set", f"persistence.storageClass={given}"), "StatefulSet")["spec"]["volumeClaimTemplates"][0]
        assert claim["spec"]["storageClassName"] == expected


def test_services_of_single_pods(rendered):
    services = [item for item in rendered["migration-source"] if item["kind"] == "Service" and "statefulset.kubernetes.io/pod-name" in item["spec"]["selector"]]
    assert [item["metadata"]["name"] for item in services] == [f"etcd-{i}" for i in range(5)]
    assert [item["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] for item in services] == [f"etcd-{i}" for i in range(5)]
    assert services[1]["metadata"]["annotations"]["external-dns.alpha.kubernetes.io/hostname"] == "etcd-1.west.example.com"
    assert [item["spec"].get("loadBalancerIP") for item in services] == ["192.0.2.10", "192.0.2.11", "192.0.2.12", None, None]
    assert all(item["spec"]["publishNotReadyAddresses"] for item in services)
    target = [item["metadata"]["name"] for item in rendered["migration-target"] if item["kind"] == "Service"]
    assert target == ["etcd-headless", "etcd", "etcd-3", "etcd-4", "etcd-5"]


def test_a_migration_target_founds_nothing_and_knows_where_to_ask(rendered):
    env = charts.env_of(charts.containers_of(charts.pod_of(rendered["migration-target"]))["usher"])
    assert env["USHER_BOOTSTRAP"] == "never"
    assert env["USHER_REMOTE_ENDPOINTS"] == "https://etcd-0.west.example.com:2379,https://etcd-1.west.example.com:2379"
    assert env["USHER_ENDPOINTS"] == "dns:etcd-headless.default.svc.cluster.local:2379"
    assert env["USHER_EXPECT_CLUSTER_ID"] == "cdf818194e3a8c32"
    assert env["USHER_PEER_URL"] == "https://$(POD_NAME).east.example.com:2380"
    same = charts.env_of(charts.containers_of(charts.pod_of(charts.objects("--set", "join.endpoints={http://a:2379}")))["usher"])
    assert same["USHER_ENDPOINTS"] == "dns:etcd-headless.default.svc.cluster.local:2379,http://a:2379"
    assert same["USHER_BOOTSTRAP"] == "never" and "USHER_REMOTE_ENDPOINTS" not in same


def test_names_stay_short_enough_for_pods():
    found = charts.objects(release="a" * 50)
    name = charts.only(found, "StatefulSet")["metadata"]["name"]
    assert len(name) + len("-100") <= 63 and len(name) + 1 + 10 <= 63          # a pod's name; its label controller-revision-hash
    assert charts.only(charts.objects(release="db"), "StatefulSet")["metadata"]["name"] == "db-etcd"


def test_network_policy(rendered):
    rules = charts.only(rendered["everything"], "NetworkPolicy")["spec"]["ingress"]
    ports = [sorted(port["port"] for port in rule["ports"]) for rule in rules]
    assert ports == [[2379, 2380], [2379], [2379, 2380], [2383]]
    assert all("from" in rule for rule in rules)
    open_rules = charts.only(charts.objects("--set", "networkPolicy.enabled=true"), "NetworkPolicy")["spec"]["ingress"]
    assert [("from" in rule, [port["port"] for port in rule["ports"]]) for rule in open_rules] == [(True, [2379, 2380]), (False, [2379]), (False, [2383])]


def test_budget(rendered):
    assert charts.only(rendered["default"], "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_nothing_of_monitoring_or_certificates_by_default(rendered):
    assert {item["kind"] for item in rendered["default"]} == {"StatefulSet", "Service", "ServiceAccount", "Role", "RoleBinding", "ConfigMap",
                                                             "PodDisruptionBudget", "Pod"}


def test_certificates_name_what_is_dialled(rendered):
    env = charts.env_of(charts.containers_of(charts.pod_of(rendered["cert-manager"]))["usher"])
    for which in ("etcd-server-tls", "etcd-peer-tls"):
        spec = charts.only(rendered["cert-manager"], "Certificate", which)["spec"]
        assert env["USHER_ENDPOINTS"].split(":")[1] in spec["dnsNames"]
        assert "*." + env["USHER_ENDPOINTS"].split(":")[1] in spec["dnsNames"] and "*.west.example.com" in spec["dnsNames"]
        assert "127.0.0.1" in spec["ipAddresses"] and {"server auth", "client auth"} <= set(spec["usages"])
        assert spec["secretName"] in str(charts.pod_of(rendered["cert-manager"])["volumes"])
        assert ("commonName" in spec) == (which == "etcd-peer-tls")       # the usher shows the server's, and etcd's gateway refuses one with a name


def test_alerts_speak_of_metrics_that_there_are(rendered, tmp_path):
    with open(os.path.join(charts.ROOT, "agent", "serve", "metrics_text.c"), encoding="utf-8") as source:
        written = {"etcd_usher_" + name for name in re.findall(r'(?:gauge|counter|family|age)\((?:out_)?text, "([a-z_]+)"', source.read())}
    rule = charts.only(rendered["monitoring"], "PrometheusRule")
    used = set(re.findall(r"\betcd_usher_\w+", str(rule)))
    assert len(used) >= 7 and used <= written, used - written
    path = tmp_path / "rules.yaml"
    path.write_text(charts.yaml.safe_dump(rule["spec"]))
    assert re.search(r"SUCCESS: \d+ rules found", charts.output_of("promtool", "check", "rules", str(path)))


def test_monitors(rendered):
    monitor = charts.only(rendered["monitoring"], "PodMonitor")
    assert [endpoint["portNumber"] for endpoint in monitor["spec"]["podMetricsEndpoints"]] == [2381, 2383]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    found = charts.objects("--set", "metrics.enabled=true,metrics.serviceMonitor.enabled=true")
    ports = {port["name"] for port in charts.only(found, "Service", "etcd-headless")["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in charts.only(found, "ServiceMonitor")["spec"]["endpoints"]} <= ports


NOTES = """{{- define "test.notes" }}%s{{ end }}
apiVersion: v1
kind: Notes
metadata: {name: notes}
text: {{ include "test.notes" . | toJson }}
"""


@pytest.fixture
def notes(tmp_path):
    """helm template leaves NOTES.txt out, and helm install wants a cluster: so they are rendered as an object."""
    chart = shutil.copytree(charts.CHART, tmp_path / "etcd")
    (chart / "templates" / "notes.yaml").write_text(NOTES % (chart / "templates" / "NOTES.txt").read_text())
    return lambda *words: charts.only(charts.objects(*words, chart=str(chart)), "Notes")["text"]


def test_notes_say_what_to_type_next(notes):
    text = notes("--set", "replicaCount=3")
    for line in ("kubectl -n default rollout status statefulset/etcd", "helm -n default test etcd --logs",
                 "kubectl -n default exec etcd-0 -c etcd -- etcdctl member list -w table", "kubectl -n default scale statefulset/etcd --replicas=5",
                 "http://etcd.default.svc.cluster.local:2379", "kubectl -n default logs etcd-0 -c usher\n",
                 '''kubectl -n default patch configmap etcd-usher --type=merge -p '{"data":{"permit":"forget=CLUSTER_ID"}}\''''):
        assert line in text
    assert "WARNING" not in text


@pytest.mark.parametrize("values, expected", [
    ("persistence.enabled=false", "WARNING: persistence is off"),
    ("persistence.retentionPolicy.whenScaled=Delete", "WARNING: persistence.retentionPolicy.whenScaled is Delete"),
    ("podManagementPolicy=OrderedReady", "WARNING: podManagementPolicy is OrderedReady"),
    ("usher.api=false,usher.leave=asked,usher.bootstrap=never", "WARNING: usher.api is false"),
    ("usher.mode=plain", "logs etcd-0 -c usher-init"),
    ("join.endpoints={http://west:2379}", "3 members join the cluster at http://west:2379"),
    ("ordinals.start=3", "exec etcd-3 -c etcd"),
    ("auth.enabled=true,auth.existingSecret=s", "etcdctl auth enable"),
    ("tls.client.enabled=true,tls.client.existingSecret=s,tls.client.clientCertAuth=true",
     "--cacert=/etc/etcd/tls/client/ca.crt --cert=/etc/etcd/tls/client/tls.crt --key=/etc/etcd/tls/client/tls.key --endpoints=https://etcd-headless"),
])
def test_notes_say_what_is_special(notes, values, expected):
    assert expected in notes("--set", values)
