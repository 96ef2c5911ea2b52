"""values.yaml, its schema and the README say the same; what cannot be right is refused, in words."""
import json
import os

import pytest
import yaml

import charts
import values_table

with open(os.path.join(charts.CHART, "values.yaml"), encoding="utf-8") as source:
    VALUES_TEXT = source.read()
VALUES = yaml.safe_load(VALUES_TEXT)
with open(os.path.join(charts.CHART, "values.schema.json"), encoding="utf-8") as source:
    SCHEMA = json.load(source)


def schema_paths(schema, path=""):
    """Each property; a free map (labels, requests) is one."""
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, part
        yield from schema_paths(part, here)


def value_paths(values, path=""):
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        yield here
        if isinstance(value, dict):
            yield from value_paths(value, here)


def test_the_schema_is_strict_everywhere():
    """An object either lists its properties and takes no others, or is one of Kubernetes' own, which Kubernetes checks."""
    loose = [path for path, part in schema_paths(SCHEMA) if "properties" in part and part.get("additionalProperties") is not False]
    assert SCHEMA["additionalProperties"] is False and not loose, loose


def test_schema_and_values_know_the_same_names():
    free = {path for path, part in schema_paths(SCHEMA) if part.get("type") == "object" and "properties" not in part}
    free |= {"usher.resources", "resources"}          # Kubernetes' own, with a list of what may be in it

    def is_inside(path):
        return any(path.startswith(other + ".") for other in free)
    in_schema = {path for path, _ in schema_paths(SCHEMA) if not is_inside(path)} - {"global", "etcd-usher", "etcd-usher.global"}
    in_values = {path for path in value_paths(VALUES) if not is_inside(path)}
    assert in_values - in_schema == set()
    assert in_schema - in_values == {"updateStrategy.rollingUpdate", "updateStrategy.rollingUpdate.partition",
                                     "updateStrategy.rollingUpdate.maxUnavailable"}


def test_every_value_is_used_by_a_template():
    text = ""
    for folder in (charts.CHART, charts.LIBRARY):
        for parent, _, names in os.walk(os.path.join(folder, "templates")):
            for name in names:
                with open(os.path.join(parent, name), encoding="utf-8") as source:
                    text += source.read()
    unused = [path for path, _, _ in values_table.leaves(VALUES_TEXT) if path.split(".")[-1] not in text]
    assert not unused


def test_the_readme_has_the_table_of_values():
    with open(os.path.join(charts.CHART, "README.md"), encoding="utf-8") as source:
        readme = source.read()
    assert readme == values_table.readme_with(readme, values_table.table(VALUES_TEXT)), "run tests/charts/values_table.py --write"


def test_a_value_without_a_comment_is_seen():
    with pytest.raises(ValueError, match="b has no comment"):
        values_table.leaves("# one\na: 1\n\nb: 2\n")


REFUSED = [
    ("replicaCount=-1", "at '/replicaCount': minimum: got -1, want 0"),
    ("replicaCount=three", "at '/replicaCount': got string, want integer"),
    ("replicas=3", "additional properties 'replicas' not allowed"),
    ("persistence.storage=8Gi", "at '/persistence': additional properties 'storage' not allowed"),
    ("persistence.size=8", "at '/persistence/size': got number, want string"),
    ("persistence.size=big", 'persistence.size is "big": a size such as 8Gi'),
    ("persistence.retentionPolicy.whenScaled=Keep", "at '/persistence/retentionPolicy/whenScaled': value must be one of 'Retain', 'Delete'"),
    ("podManagementPolicy=Serial", "at '/podManagementPolicy': value must be one of 'Parallel', 'OrderedReady'"),
    ("image.pullPolicy=Sometimes", "value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("usher.mode=both", "at '/usher/mode': value must be one of 'auto', 'native', 'plain'"),
    ("usher.leave=maybe", "at '/usher/leave': value must be one of 'proven', 'always', 'asked', 'never'"),
    ("usher.bootstrap=new", 'usher.bootstrap is "new": record, never or once:NAME'),
    ("usher.ghostAfter=soon", 'usher.ghostAfter is "soon": a duration such as 30s, 5m or 24h'),
    ("usher.leaveTimeoutSeconds=90", "terminationGracePeriodSeconds is 90: it must be at least 100"),
    ("usher.api=false", "usher.leave is proven, and usher.api is false"),
    ("service.type=ExternalName", "at '/service/type': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'"),
    ("service.port=70000", "at '/service/port': maximum: got 70,000, want 65,535"),
    ("listenAddress=10.0.0.1", 'listenAddress is "10.0.0.1"'),
    ("extraArgs={--initial-cluster=a=http://a:2380}", "extraArgs: --initial-cluster is set by the chart or by etcd-usher"),
    ("extraArgs={-data-dir=/x}", "extraArgs: --data-dir is set by the chart"),
    ("extraArgs={--force-new-cluster}", "extraArgs: --force-new-cluster is set by the chart"),
    ("extraEnv[0].name=ETCD_INITIAL_CLUSTER_STATE,extraEnv[0].value=new", "extraEnv: ETCD_INITIAL_CLUSTER_STATE is set by the chart"),
    ("extraEnv[0].key=A", "at '/extraEnv/0'"),
    ("tls.client.enabled=true", "tls.client is enabled and has no certificate: name a secret in tls.client.existingSecret"),
    ("tls.peer.existingSecret=x", "tls.peer.existingSecret is named, and tls.peer.enabled is false"),
    ("tls.client.clientCertAuth=true", "tls.client.clientCertAuth needs tls.client.enabled"),
    ("tls.certManager.enabled=true", "tls.certManager.issuerRef.name is empty"),
    ("auth.enabled=true", "auth.existingSecret is empty: name the secret with the password"),
    ("auth.enabled=true,auth.existingSecret=a,tls.client.enabled=true,tls.client.existingSecret=b,tls.client.clientCertAuth=true",
     "name a secret in tls.usher.existingSecret whose certificate has NO common name"),
    ("join.user=root", "join.user needs join.passwordSecret"),
    ("join.tlsSecret=x", "join has credentials and no join.endpoints"),
    ("join.endpoints={etcd-0.west:2379}", 'join.endpoints: "etcd-0.west:2379" is not http(s)://HOST:PORT'),
    ("join.endpoints={http://a:2379},usher.bootstrap=record", "usher.bootstrap is record, and join.endpoints names a cluster to join"),
    ("join.expectClusterId=mine", 'join.expectClusterId is "mine": a cluster ID in hex'),
    ("advertise.peerUrl=http://etcd.west:2380", "it must hold $(POD_NAME) or $(POD_INDEX)"),
    ("advertise.peerUrl=https://$(POD_NAME).west:2380", "does not begin with http://, as tls.peer.enabled says"),
    ("metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true", "everything would be counted twice"),
    ("service.perPod.enabled=true,service.perPod.count=2", "service.perPod.count is 2, fewer than the 3 pods"),
]


@pytest.mark.parametrize("words, expected", REFUSED, ids=[words for words, _ in REFUSED])
def test_refused(words, expected):
    said = charts.refusal("--set", words)
    assert expected in said
    assert "nil pointer" not in said and "panic" not in said


def test_all_that_is_wrong_is_said_at_once():
    said = charts.refusal("--set", "auth.enabled=true,persistence.size=big,listenAddress=x")
    assert "3 of the values cannot be used as they are" in said


def test_what_old_kubernetes_lacks_is_said():
    assert "Kubernetes 1.28.0 has no native sidecars" in charts.refusal("--set", "usher.mode=native", kubernetes="v1.28.0").replace("v1.28.0", "1.28.0")
    assert "ordinals.start needs Kubernetes 1.27 or later" in charts.refusal("--set", "ordinals.start=3", kubernetes="v1.26.0")
    assert ">=1.25.0-0" in charts.refusal(kubernetes="v1.24.0")
