"""What each part of a cluster is told: command lines and configuration files."""
import json


def apiserver(lab):
    pki, at = lab.pki, lab.addresses
    return [
        "--etcd-servers=http://127.0.0.1:2379", f"--advertise-address={at.control}", "--secure-port=6443",
        f"--service-cluster-ip-range={at.services}",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
        f"--client-ca-file={pki.ca}",
        f"--tls-cert-file={pki.cert('apiserver')}", f"--tls-private-key-file={pki.key('apiserver')}",
        f"--kubelet-client-certificate={pki.cert('apiserver-kubelet')}", f"--kubelet-client-key={pki.key('apiserver-kubelet')}",
        f"--kubelet-certificate-authority={pki.ca}", "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-issuer=https://kubernetes.default.svc.{lab.domain}", f"--service-account-key-file={pki.key('accounts')}",
        f"--service-account-signing-key-file={pki.key('accounts')}", "--profiling=false", *lab.apiserver_flags,
    ]


def controller_manager(lab, kubeconfig):
    # The default of 20 calls a second makes the start 5 s longer.
    return [
        f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}", f"--authorization-kubeconfig={kubeconfig}",
        f"--root-ca-file={lab.pki.ca}", f"--service-account-private-key-file={lab.pki.key('accounts')}",
        "--use-service-account-credentials", "--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600",
        f"--flex-volume-plugin-dir={lab.folder}/flexvolume",
        f"--node-monitor-grace-period={lab.node_grace_s}s", f"--node-monitor-period={1 if lab.node_grace_s < 40 else 5}s",
        "--profiling=false",
    ]


def scheduler(kubeconfig):
    return [f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}", f"--authorization-kubeconfig={kubeconfig}",
            "--leader-elect=false", "--profiling=false"]


def corefile(lab, kubeconfig):
    """No cache, so that the answer of this moment is given. Domains of linked labs are asked there."""
    others = "".join(f"{other.domain} {{\n  bind {lab.addresses.control}\n  forward . {other.addresses.control}\n}}\n"
                     for other in lab.linked if other.domain != lab.domain)
    return f"""{lab.domain} in-addr.arpa {{
  bind {lab.addresses.control}
  errors
  kubernetes {lab.domain} in-addr.arpa {{
    kubeconfig {kubeconfig}
    pods verified
    ttl 1
  }}
}}
{others}"""


def kubelet(lab, node):
    pki, config = lab.pki, node.folder / "kubelet.json"
    config.write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(pki.ca)}},
        "authorization": {"mode": "Webhook"}, "tlsCertFile": str(pki.cert(node.name)), "tlsPrivateKeyFile": str(pki.key(node.name)),
        "clusterDNS": [lab.addresses.control], "clusterDomain": lab.domain, "resolvConf": str(lab.folder / "resolv.conf"),
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock", "cgroupDriver": "cgroupfs", "cgroupRoot": node.cgroup.name,
        "failCgroupV1": False, "failSwapOn": False, "evictionHard": {"memory.available": "50Mi"}, "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99, "makeIPTablesUtilChains": False, "oomScoreAdj": 0, "volumePluginDir": f"{node.folder}/flexvolume",
        "nodeLeaseDurationSeconds": 8 if lab.node_grace_s < 40 else 40, "registerNode": True, "maxPods": 200, "serializeImagePulls": False,
    }))
    return [f"--config={config}", f"--kubeconfig={pki.folder}/{node.name}-client.kubeconfig", f"--hostname-override={node.name}",
            f"--node-ip={lab.addresses.node(node.number)}"]


def proxy(lab, node):
    config = node.folder / "proxy.json"
    # Conntrack settings cannot be written in a network namespace: 0 leaves them alone.
    config.write_text(json.dumps({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
        "hostnameOverride": node.name, "clientConnection": {"kubeconfig": str(lab.pki.folder / "proxy.kubeconfig")},
        "clusterCIDR": lab.addresses.all_pods, "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }))
    return [f"--config={config}"]


def containerd(lab, node):
    """Without CAP_SYS_RESOURCE no sandbox starts unless oom_score_adj is left alone where it cannot be lowered."""
    config = node.folder / "containerd.toml"
    config.write_text(f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{node.folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{lab.pause_name}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{lab.snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{lab.bin}/cni"
    conf_dir = "{node.folder}/cni"
""")
    return ["--config", config]


def pod_network(lab, node):
    (node.folder / "cni").mkdir(exist_ok=True)
    (node.folder / "cni/10-pods.conflist").write_text(json.dumps({
        "cniVersion": "1.0.0", "name": "pods", "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True, "ipam": {
                "type": "host-local", "ranges": [[{"subnet": lab.addresses.pods(node.number)}]], "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}}]}))


STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "usher-lab/folder",
    "volumeBindingMode": "WaitForFirstConsumer", "metadata": {
        "name": "folder", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
}
