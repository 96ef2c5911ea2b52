"""The drop-ins: what comes out is a pod in which etcd and usher agree, whichever chart it was.

The charts themselves are taken from USHER_DROPIN_CHARTS (a folder for each, by the names in charts/dropins), else from the stand-ins in shapes.py."""
import os
import re

import pytest

import charts
import conftest
import shapes
from test_api_server import in_one

ALL = sorted(name for name in os.listdir(charts.DROPINS) if os.path.isdir(os.path.join(charts.DROPINS, name)))
POST = os.path.join(charts.DROPINS, "post-render")
RELEASE, NAMESPACE = "db", "ns"
DEPLOYED = "controlPlane.backingStore.etcd.deploy"
VALUES = {  # dropin -> what its chart is rendered with, each by itself; without a name: always
    "groundhog2k": {"a-claim": "storage.requestedSize=8Gi", "five": "replicas=5"},
    "cloudpirates": {"five": "replicaCount=5", "no-claim": "persistence.enabled=false"},
    "kamaji-etcd": {"five": "replicas=5"},
    "vcluster": {"": f"{DEPLOYED}.enabled=true", "three": f"{DEPLOYED}.statefulSet.highAvailability.replicas=3",
                 "no-claim": f"{DEPLOYED}.statefulSet.persistence.volumeClaim.enabled=false"},
}


def post_render(kubectl, dropin, text, name=None):
    name = name or shapes.set_of(dropin)
    env = dict(os.environ, PATH=f"{os.path.dirname(kubectl)}:{os.environ['PATH']}")
    return charts.run(POST, dropin, name, NAMESPACE, input=text, env=env)


def filled(dropin, name):
    with open(os.path.join(charts.DROPINS, dropin, name), encoding="utf-8") as source:
        return source.read().replace("SET_NAMESPACE", NAMESPACE).replace("SET_NAME", shapes.set_of(dropin))


def real_chart(dropin):
    folder = os.environ.get("USHER_DROPIN_CHARTS")
    path = os.path.join(folder, dropin) if folder else None
    return path if path and os.path.isdir(path) else None


def chart_of(dropin, tmp_path):
    """The chart's folder, and a word in the summary for which it was."""
    path = real_chart(dropin)
    conftest.said_in_summary.add(f"{dropin}: {'the chart in ' + path if path else 'a stand-in, not the chart itself'}")
    return path or (shapes.write_chart(tmp_path / "chart", dropin) if dropin in shapes.CHARTS else None)


def render(dropin, tmp_path, kubectl, *words, values=""):
    chart = chart_of(dropin, tmp_path)
    words += tuple(word for name in {"", values} if name in VALUES.get(dropin, {}) for word in ("--set", VALUES[dropin][name]))
    if dropin in shapes.CHARTS:
        (tmp_path / "values.yaml").write_text(filled(dropin, "values.yaml"))
        text = charts.template("--namespace", NAMESPACE, "-f", str(tmp_path / "values.yaml"), *words, chart=chart, release=RELEASE)
        found = charts.objects_in(text)
        if os.path.exists(os.path.join(charts.DROPINS, dropin, "rights.yaml")):
            found += charts.objects_in(filled(dropin, "rights.yaml"))
        return found
    text = charts.template("--namespace", NAMESPACE, *words, chart=chart, release=RELEASE) if chart else shapes.RENDERED[dropin]
    done = post_render(kubectl, dropin, text)
    assert done.returncode == 0, done.stderr
    return charts.objects_in(done.stdout)


def has_values(dropin):
    """The stand-ins of RENDERED are what comes out; the others and the charts themselves have values."""
    return dropin in shapes.CHARTS or real_chart(dropin)


@pytest.fixture(params=[(name, values) for name in ALL for values in ("", *(VALUES.get(name, {}).keys() - {""} if has_values(name) else ()))],
                ids=lambda param: "-".join(filter(None, param)))
def case(request):
    return request.param


@pytest.fixture
def dropin(case):
    return case[0]


@pytest.fixture
def found(case, tmp_path, kubectl):
    return render(case[0], tmp_path, kubectl, values=case[1])


@pytest.fixture
def pod_set(dropin, found):
    return charts.only(found, "StatefulSet", shapes.set_of(dropin))


def settings_of_etcd(pod, found, name):
    """What etcd will be told: flags, else variables, else those of a ConfigMap; as Kubernetes fills them in for the first pod of the set `name`."""
    etcd = charts.containers_of(pod)["etcd"]
    variables = {}
    for source in etcd.get("envFrom") or []:
        variables.update(charts.only(found, "ConfigMap", source["configMapRef"]["name"])["data"])
    fields = {"metadata.name": f"{name}-0", "metadata.namespace": NAMESPACE}
    for entry in etcd.get("env", []):
        value = entry.get("value")
        variables[entry["name"]] = charts.expand(value, variables) if value is not None else fields.get(entry["valueFrom"].get("fieldRef", {}).get("fieldPath"), "?")
    told = {key[5:].lower().replace("_", "-"): value for key, value in variables.items() if key.startswith("ETCD_")}
    for word in etcd.get("command", []) + etcd.get("args", []):
        match = re.match(r"--?([a-z][a-z-]+)=(.*)", word)
        if match:
            told[match.group(1)] = charts.expand(match.group(2), variables)
    return told


def settings_of_usher(pod, name):
    known = {}
    fields = {"metadata.name": f"{name}-0", "metadata.namespace": NAMESPACE, "metadata.uid": "uid"}
    for entry in charts.containers_of(pod)["usher"]["env"]:
        value = entry.get("value")
        assert value is None or set(re.findall(r"\$\((\w+)\)", value)) <= set(known), f"{entry['name']} uses what stands below it"
        known[entry["name"]] = charts.expand(value, known) if value is not None else fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
    return known


def test_etcd_and_usher_are_told_the_same(dropin, pod_set, found):
    pod, name = pod_set["spec"]["template"]["spec"], shapes.set_of(dropin)
    etcd, usher = settings_of_etcd(pod, found, name), settings_of_usher(pod, name)
    assert etcd["name"] == usher["USHER_NAME"] == f"{name}-0"
    assert etcd["data-dir"] == usher["USHER_DATA_DIR"]
    assert etcd["initial-advertise-peer-urls"] == usher["USHER_PEER_URL"]
    assert usher.get("USHER_CLIENT_URL", etcd["advertise-client-urls"]) == etcd["advertise-client-urls"]
    scheme = etcd["listen-client-urls"].split(":")[0]
    assert usher.get("USHER_LOCAL_ENDPOINT", "http").split(":")[0] == scheme
    assert (scheme == "https") == ("USHER_CACERT" in usher)
    assert usher["USHER_ENDPOINTS"].startswith(f"dns:{pod_set['spec']['serviceName']}.{NAMESPACE}.svc.")
    assert usher["USHER_BOOTSTRAP"] == "record" and usher["USHER_LEAVE"] == "proven"
    assert {key for key in usher if key.startswith("USHER_")} <= charts.help_flags("init") | charts.help_flags("sidecar")


def test_the_launcher_comes_first(dropin, pod_set):
    pod = pod_set["spec"]["template"]["spec"]
    containers = charts.containers_of(pod)
    etcd, plan_dir = containers["etcd"], settings_of_usher(pod, shapes.set_of(dropin))["USHER_PLAN_DIR"]
    words = etcd.get("command", []) + etcd.get("args", [])
    launcher = f"{plan_dir}/etcd-usher-exec"
    assert words[0] == launcher
    after = words[words.index("--") + 1]
    assert os.path.basename(after) == "etcd" and not [word for word in words if word == "sh"]
    hook = etcd.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
    assert (hook == [launcher, "leave"]) != ("--leave-first" in words)
    assert containers["usher-install"]["args"] == ["install", plan_dir]
    env = charts.env_of(etcd)
    assert env["USHER_PLAN_DIR"] == plan_dir and env["USHER_LEAVE_TIMEOUT"] == charts.env_of(containers["usher"])["USHER_LEAVE_TIMEOUT"]
    assert pod.get("terminationGracePeriodSeconds", 30) >= int(env["USHER_LEAVE_TIMEOUT"][:-1]) + 10
    assert list(containers).index("usher-install") < list(containers).index("usher")
    assert containers["usher"]["restartPolicy"] == "Always" and containers["usher"]["args"] == ["sidecar", "--with-init"]


def test_nothing_that_asks_for_a_quorum_can_kill_etcd(pod_set):
    containers = charts.containers_of(pod_set["spec"]["template"]["spec"])
    for kind in ("livenessProbe", "startupProbe"):
        if kind in containers["etcd"]:
            assert containers["etcd"][kind]["httpGet"] == {"path": "/etcd/livez", "port": 2383}
    assert "livenessProbe" in containers["etcd"]
    assert containers["etcd"].get("readinessProbe", {"httpGet": {"path": "/readyz", "port": 2383}})["httpGet"] == {"path": "/readyz", "port": 2383}
    assert containers["usher"]["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_volumes_and_users(dropin, pod_set):
    pod = pod_set["spec"]["template"]["spec"]
    containers = charts.containers_of(pod)
    volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in pod_set["spec"].get("volumeClaimTemplates", [])}
    mounts = {name: {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])} for name, container in containers.items()}
    assert {volume for paths in mounts.values() for volume in paths.values()} <= volumes
    usher = settings_of_usher(pod, shapes.set_of(dropin))
    for path in (value for key, value in usher.items() if key in ("USHER_DATA_DIR", "USHER_PLAN_DIR", "USHER_CACERT", "USHER_CERT", "USHER_KEY")):
        of_usher, of_etcd = ([volume for mount, volume in sorted(mounts[name].items()) if (path + "/").startswith(mount.rstrip("/") + "/")][-1:]
                             for name in ("usher", "etcd"))
        assert of_usher and (of_usher == of_etcd or of_usher == ["usher-client"]), path
    # A folder inside the volume is made by somebody, or it is the volume itself.
    data_dir = usher["USHER_DATA_DIR"]
    assert data_dir in mounts["usher"] or data_dir in mounts["usher-install"] or "mkdir" in str(pod["initContainers"])
    users = {name: containers[name].get("securityContext", {}).get("runAsUser", pod.get("securityContext", {}).get("runAsUser", 0)) for name in ("etcd", "usher", "usher-install")}
    assert len(set(users.values())) == 1, users
    plan_dir = usher["USHER_PLAN_DIR"]
    assert mounts["usher"][plan_dir] == mounts["etcd"][plan_dir] == mounts["usher-install"][plan_dir]


def test_rights(dropin, pod_set, found):
    name = shapes.set_of(dropin)
    role = charts.only(found, "Role", f"{name}-usher")
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "resourceNames": [name], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [f"{name}-usher"], "verbs": ["get", "update"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]
    binding = charts.only(found, "RoleBinding", f"{name}-usher")
    pod = pod_set["spec"]["template"]["spec"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": NAMESPACE}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    account = [item for item in found if item["kind"] == "ServiceAccount" and item["metadata"]["name"] == pod["serviceAccountName"]]
    assert len(account) == 1 or dropin.startswith("bitnami")
    record = charts.only(found, "ConfigMap", f"{name}-usher")
    assert "data" not in record
    assert settings_of_usher(pod, name)["USHER_SET_RECORD"] == f"configmap:{name}-usher"
    holders = {name for name, container in charts.containers_of(pod).items() for mount in container.get("volumeMounts", []) if "serviceaccount" in mount["mountPath"]}
    assert holders == {"usher"} or pod["automountServiceAccountToken"] is True


def test_what_removes_members_is_off(dropin, found, pod_set):
    hooks = [item["metadata"].get("annotations", {}).get("helm.sh/hook", "") for item in found]
    assert not [hook for hook in hooks if "upgrade" in hook or "rollback" in hook]
    assert "prestop.sh" not in str(pod_set)


def test_a_headless_service_that_comes_along_publishes_learners(found, pod_set):
    for service in (item for item in found if item["kind"] == "Service" and item["metadata"]["name"] == pod_set["spec"]["serviceName"]):
        assert service["spec"]["publishNotReadyAddresses"] is True


def test_the_api_server_takes_it(api, found, pod_set, request):
    namespace = "dropin-" + re.sub("[^a-z0-9]+", "-", "-".join(request.node.callspec.params["case"])).strip("-")
    api.kubectl("create", "namespace", namespace)
    for item in found:
        item["metadata"]["namespace"] = namespace
        for subject in item.get("subjects", []):
            subject["namespace"] = namespace
    answered = api.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=in_one(found)).splitlines()
    assert len([line for line in answered if line.endswith("(server dry run)")]) == len(found)
    api.kubectl("delete", "namespace", namespace, "--wait=false")


def test_kubectl_cannot_apply_the_same_twice_with_another_result(kubectl):
    """What was post-rendered, post-rendered again: the launcher would come twice. That is seen, not passed on."""
    once = post_render(kubectl, "cloudpirates", shapes.RENDERED["cloudpirates"])
    twice = post_render(kubectl, "cloudpirates", once.stdout)
    assert once.returncode == 0 and twice.returncode != 0


@pytest.mark.parametrize("words, text, expected", [
    ([], "", "usage: post-render"),
    (["nobody", "db", "ns"], "", "usage: post-render"),
    (["cloudpirates", "DB", "ns"], "a: b", '"DB" is no name of an object'),
    (["cloudpirates", "db/x", "ns"], "a: b", "is no name of an object"),
    (["cloudpirates", "db", "ns"], "", "nothing came in"),
    (["cloudpirates", "other", "ns"], shapes.CLOUDPIRATES, "there is no StatefulSet other"),
    (["cloudpirates", "db-etcd", "ns"], shapes.CLOUDPIRATES.replace("name: etcd\n", "name: store\n"), "whose container `etcd` has a command"),
    (["cloudpirates", "db-etcd", "ns"], shapes.CLOUDPIRATES.replace("http:", "https:"), "etcd has --initial-advertise-peer-urls=https://db-etcd-0."),
    (["cloudpirates", "db-etcd", "ns"], shapes.CLOUDPIRATES.replace("--data-dir=/var/run/etcd", "--data-dir=/data"), "etcd has --data-dir=/data/default.etcd"),
    (["cloudpirates", "db-etcd", "other"], shapes.CLOUDPIRATES, ".ns.svc.cluster.local:2380, usher.yaml has"),
    (["kamaji-etcd", "db-kamaji-etcd", "ns"], shapes.KAMAJI.replace("name: certs,", "name: server-cert,"), "the pod has no volume certs"),
    (["kamaji-etcd", "db-kamaji-etcd", "ns"], shapes.KAMAJI.replace("kind: Service\nmetadata: {name: db-kamaji-etcd,", "kind: Service\nmetadata: {name: x,"), "headless Service did not come"),
])
def test_post_render_says_what_is_wrong(kubectl, words, text, expected):
    env = dict(os.environ, PATH=f"{os.path.dirname(kubectl)}:{os.environ['PATH']}")
    done = charts.run(POST, *words, input=text, env=env)
    assert done.returncode != 0 and expected in done.stderr and done.stdout == ""


def test_rights_are_the_same_everywhere():
    texts = {open(os.path.join(charts.DROPINS, name, "rights.yaml"), encoding="utf-8").read() for name in shapes.RENDERED}
    assert len(texts) == 1


def test_each_has_a_readme_that_says_what_is_lost():
    for name in ALL:
        with open(os.path.join(charts.DROPINS, name, "README.md"), encoding="utf-8") as source:
            text = source.read()
        assert "witched off" in text, name
        assert "| lost" in text or "bitnami-11-12/README.md" in text, name


@pytest.mark.parametrize("name", sorted(shapes.RENDERED))
def test_as_helms_post_renderer(name, tmp_path, kubectl):
    """The command line of the READMEs."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: etcd\nversion: 0.0.1\n")
    (chart / "templates" / "set.yaml").write_text(shapes.RENDERED[name])
    env = dict(os.environ, PATH=f"{os.path.dirname(kubectl)}:{os.environ['PATH']}", KUBECONFIG="/nonexistent")
    words = [word for part in (name, shapes.set_of(name), NAMESPACE) for word in ("--post-renderer-args", part)]
    done = charts.run(charts.helm_path(), "template", RELEASE, str(chart), "--post-renderer", POST, *words, env=env)
    assert done.returncode == 0, done.stderr
    by_hand = post_render(kubectl, name, shapes.RENDERED[name])
    assert charts.objects_in(done.stdout) == charts.objects_in(by_hand.stdout)


BITNAMI = ("bitnami-11-12", "bitnami-8-10")


@pytest.mark.parametrize("dropin", BITNAMI)
@pytest.mark.parametrize("values", [
    "replicaCount=1",
    "containerPorts.peer=12380,containerPorts.client=12379",
    "service.ports.client=22379",
    "auth.peer.secureTransport=true,auth.peer.useAutoTLS=true",
    "auth.client.secureTransport=true,auth.client.existingSecret=certs",
    "clusterDomain=k8s.example",
    "fullnameOverride=a-name-of-fifty-seven-letters-that-leaves-no-room-for-head",
    "auth.rbac.create=false",
])
def test_bitnami_names_ports_and_schemes_are_the_charts(dropin, values, tmp_path, kubectl):
    found = render(dropin, tmp_path, kubectl, "--set", values)
    pod_set = charts.only(found, "StatefulSet")
    pod, name = pod_set["spec"]["template"]["spec"], pod_set["metadata"]["name"]
    etcd, usher = settings_of_etcd(pod, found, name), settings_of_usher(pod, name)
    assert usher["USHER_PEER_URL"] == etcd["initial-advertise-peer-urls"]
    assert usher["USHER_LOCAL_ENDPOINT"] == etcd["listen-client-urls"].replace("0.0.0.0", "127.0.0.1")
    host, port = etcd["advertise-client-urls"].split(",")[0].split("://")[1].split(":")
    assert usher["USHER_ENDPOINTS"] == f"dns:{host.split('.', 1)[1]}:{port}"
    assert host.split(".")[1] == pod_set["spec"]["serviceName"]
    assert usher["USHER_SET_RECORD"] == f"configmap:{charts.only(found, 'Role')['metadata']['name']}" == f"configmap:{name}-usher"


def test_bitnami_with_another_namespace(tmp_path, kubectl):
    """namespaceOverride, from 11.3.6 on: rights and record go where the set goes."""
    found = render("bitnami-11-12", tmp_path, kubectl, "--set", "namespaceOverride=elsewhere")
    assert {item["metadata"]["namespace"] for item in found} == {"elsewhere"}
    assert charts.only(found, "RoleBinding")["subjects"][0]["namespace"] == "elsewhere"


@pytest.mark.parametrize("dropin", BITNAMI)
def test_bitnami_nothing_comes_after_the_usher(dropin, tmp_path, kubectl):
    """volumePermissions of the user's own values: its container would wait for the usher, and the usher for it."""
    (tmp_path / "own.yaml").write_text("volumePermissions: {enabled: true}\nsidecars: []\n")
    (tmp_path / "usher.yaml").write_text(filled(dropin, "values.yaml"))
    chart = chart_of(dropin, tmp_path)
    text = charts.template("--namespace", NAMESPACE, "-f", str(tmp_path / "own.yaml"), "-f", str(tmp_path / "usher.yaml"), chart=chart, release=RELEASE)
    pod = charts.pod_of(charts.objects_in(text))
    assert [container["name"] for container in pod["initContainers"]] == ["usher-install", "usher"]


@pytest.mark.parametrize("dropin, version", [
    ("bitnami-11-12", "11.0.8"), ("bitnami-11-12", "10.7.3"), ("bitnami-8-10", "11.0.0"), ("bitnami-8-10", "12.0.20")])
def test_bitnami_refuses_a_chart_that_would_go_on_removing_members(dropin, version, tmp_path):
    """Before 11.1.0 no value switches the pre-upgrade job off; the values for 8 to 10 do not know of it."""
    chart = shapes.write_chart(tmp_path / "chart", dropin, version)
    done = charts.helm("template", RELEASE, chart, "--namespace", NAMESPACE, "-f", os.path.join(charts.DROPINS, dropin, "values.yaml"))
    assert done.returncode != 0 and "etcd-usher: " in done.stderr


@pytest.mark.parametrize("dropin, version", [("bitnami-11-12", "11.1.0"), ("bitnami-11-12", "12.0.0"), ("bitnami-8-10", "8.6.0"), ("bitnami-8-10", "10.7.3")])
def test_bitnami_takes_the_others(dropin, version, tmp_path):
    chart = shapes.write_chart(tmp_path / "chart", dropin, version)
    charts.template("--namespace", NAMESPACE, "-f", os.path.join(charts.DROPINS, dropin, "values.yaml"), chart=chart, release=RELEASE)


@pytest.mark.parametrize("dropin", BITNAMI)
def test_bitnami_lines_for_tls_and_a_password(dropin, tmp_path):
    """What stands as comments in the values, taken: the files and the secret are those that the chart gives etcd."""
    taken, count = re.subn(r"(?m)^( +)# ((?:- |  )[^\n]*(?:\{name: (?:USHER_|etcd-client)|name: ETCDCTL_|valueFrom: ))", r"\1\2", filled(dropin, "values.yaml"))
    assert count == 7
    (tmp_path / "values.yaml").write_text(taken)
    chart = real_chart(dropin) or shapes.write_chart(tmp_path / "chart", dropin)
    words = "auth.client.secureTransport=true,auth.client.existingSecret=certs,auth.client.certFilename=tls.crt,auth.client.certKeyFilename=tls.key"
    text = charts.template("--namespace", NAMESPACE, "-f", str(tmp_path / "values.yaml"), "--set", words, chart=chart, release=RELEASE)
    found = charts.objects_in(text)
    containers = charts.containers_of(charts.pod_of(found))
    etcd, usher = charts.env_of(containers["etcd"]), charts.env_of(containers["usher"])
    assert (usher["USHER_CERT"], usher["USHER_KEY"]) == (etcd["ETCD_CERT_FILE"], etcd["ETCD_KEY_FILE"])
    certs = {name: [mount["mountPath"].rstrip("/") for mount in containers[name]["volumeMounts"] if mount["name"] == "etcd-client-certs"] for name in ("etcd", "usher")}
    assert certs["etcd"] == certs["usher"] == [os.path.dirname(usher["USHER_CACERT"])]
    password = next(entry for entry in containers["usher"]["env"] if entry["name"] == "ETCDCTL_PASSWORD")["valueFrom"]["secretKeyRef"]
    secret = charts.only(found, "Secret", password["name"])
    assert password["key"] in secret.get("data", secret.get("stringData"))
