"""Both charts by helm's own lint, and the library in a chart that knows nothing of ours."""
import os
import shutil

import pytest
import yaml

import charts

CI = sorted(name for name in os.listdir(os.path.join(charts.CHART, "ci")) if name.endswith("-values.yaml"))


@pytest.mark.parametrize("chart", [charts.CHART, charts.LIBRARY], ids=os.path.basename)
def test_lint_is_strict_and_silent(chart):
    done = charts.helm("lint", "--strict", chart)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout and "[ERROR]" not in done.stdout


@pytest.mark.parametrize("values", CI)
def test_lint_with_values(values):
    done = charts.helm("lint", "--strict", charts.CHART, "-f", os.path.join(charts.CHART, "ci", values))
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_sees_a_broken_chart(tmp_path):
    broken = shutil.copytree(charts.CHART, tmp_path / "etcd")
    (broken / "templates" / "pdb.yaml").write_text("{{ if }}")
    assert charts.helm("lint", "--strict", str(broken)).returncode != 0


def test_the_library_lies_once():
    """charts/etcd-usher is the library inside of charts/etcd, not a copy that could drift."""
    assert os.path.islink(charts.LIBRARY)
    assert os.path.realpath(charts.LIBRARY) == os.path.join(os.path.realpath(charts.CHART), "charts", "etcd-usher")


def test_a_clean_checkout_needs_no_dependency_build(tmp_path):
    """What git has, and nothing else, renders in silence."""
    listed = charts.output_of("git", "ls-files", "charts", cwd=charts.ROOT).split("\n")
    for name in filter(None, listed):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.islink(os.path.join(charts.ROOT, name)):
            shutil.copy(os.path.join(charts.ROOT, name), target)
    done = charts.helm("template", "etcd", str(tmp_path / "charts" / "etcd"), "--set", "replicaCount=3")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert charts.only(charts.objects_in(done.stdout), "StatefulSet")["spec"]["replicas"] == 3


def test_packages_hold_what_they_need(tmp_path):
    for chart in (charts.CHART, charts.LIBRARY):
        charts.output_of(charts.helm_path(), "package", chart, "-d", str(tmp_path))
    packed = charts.template(chart=str(tmp_path / "etcd-0.1.0.tgz"))
    assert packed == charts.template()


FOREIGN = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: "{{ .Release.Name }}"}
spec:
  template:
    spec:
      initContainers:
        {{- include "etcd-usher.initContainers" . | nindent 8 }}
      containers:
        - name: etcd
          command:
            {{- include "etcd-usher.launcher" . | nindent 12 }}
            - etcd
          env:
            {{- include "etcd-usher.launcherEnv" . | nindent 12 }}
          lifecycle:
            {{- include "etcd-usher.lifecycle" . | nindent 12 }}
          livenessProbe:
            {{- include "etcd-usher.etcdLivenessProbe" . | nindent 12 }}
          volumeMounts:
            {{- include "etcd-usher.launcherVolumeMounts" . | nindent 12 }}
        {{- include "etcd-usher.containers" . | nindent 8 }}
      volumes:
        {{- include "etcd-usher.volumes" . | nindent 8 }}
"""
USHER = {"statefulSet": "{{ .Release.Name }}", "peerUrl": "http://$(POD_NAME).db:2380", "clientUrl": "http://$(POD_NAME).db:2379",
         "endpoints": ["dns:db:2379"], "serviceAccount": "db"}


@pytest.fixture
def foreign(tmp_path):
    """A chart of somebody else's, with the lines of the library's README."""
    chart = tmp_path / "foreign"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: foreign\nversion: 0.1.0\n"
                                      f"dependencies:\n  - {{name: etcd-usher, version: 0.1.0, repository: 'file://{charts.LIBRARY}'}}\n")
    (chart / "templates" / "set.yaml").write_text(FOREIGN)
    (chart / "templates" / "usher.yaml").write_text('{{ include "etcd-usher.objects" . }}\n')
    (chart / "values.yaml").write_text(yaml.safe_dump({"usher": USHER}))
    charts.output_of(charts.helm_path(), "dependency", "update", str(chart))
    return str(chart)


def test_a_foreign_chart_includes_it_with_one_line_each(foreign):
    found = charts.objects(chart=foreign, release="db")
    pod = charts.pod_of(found)
    assert list(charts.containers_of(pod)) == ["usher-install", "usher", "etcd"]
    env = charts.env_of(charts.containers_of(pod)["usher"])
    assert env["USHER_PEER_URL"] == "http://$(POD_NAME).db:2380"
    assert env["USHER_SET_RECORD"] == "configmap:db-usher"
    assert {item["kind"] for item in found} == {"StatefulSet", "Role", "RoleBinding", "ConfigMap"}


def test_a_foreign_chart_with_plain_containers(foreign):
    pod = charts.pod_of(charts.objects("--set", "usher.mode=plain", chart=foreign, release="db"))
    assert list(charts.containers_of(pod)) == ["usher-install", "usher-init", "etcd", "usher"]
    assert [container["name"] for container in pod["containers"]] == ["etcd", "usher"]


def test_the_readme_of_the_library_shows_the_lines_that_are_tested():
    with open(os.path.join(charts.LIBRARY, "README.md"), encoding="utf-8") as source:
        readme = source.read()
    lines = [line.strip() for line in FOREIGN.splitlines() if "etcd-usher." in line]
    assert lines and all(line in readme for line in lines), [line for line in lines if line not in readme]


def test_every_template_that_the_readme_names_is_there_and_the_other_way_round():
    folder, defined = os.path.join(charts.LIBRARY, "templates"), set()
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as source:
            defined |= {line.split('"')[1].split(".")[1] for line in source if line.startswith("{{- define")}
    with open(os.path.join(charts.LIBRARY, "README.md"), encoding="utf-8") as source:
        table = [line for line in source if line.startswith("| `")]
    named = {word.strip("`,").split(".")[1] for line in table for word in line.split("|")[1].split()}
    inner = {"settings", "defaults", "check", "isNative", "image", "setRecordName", "labels", "podEnv", "env", "volumeMounts", "containerBasics",
             "sidecarBody", "roleName", "chartSettings"}
    assert named and named == defined - inner


@pytest.mark.parametrize("words, expected", [
    (["--set", "usher.peerUrl="], "usher.peerUrl is missing"),
    (["--set", "usher.mode=both"], 'usher.mode is "both": auto, native or plain'),
    (["--set", "usher.leaveBy=luck"], 'usher.leaveBy is "luck": hook or leave-first'),
    (["--set", "usher.api=false"], "usher.leave is proven, and usher.api is false"),
    (["--set-json", "usher.endpoints=[]"], "usher.endpoints is missing"),
])
def test_the_library_says_what_does_not_fit(foreign, words, expected):
    done = charts.helm("template", "db", foreign, *words)
    assert done.returncode != 0
    assert expected in done.stderr
