"""Stand-ins for the charts of others: the same values in the same places of the StatefulSet, written from what is known of them, nothing copied."""
import textwrap

from shape_bitnami import BITNAMI_10, BITNAMI_12, BITNAMI_VALUES, NAMES

GROUNDHOG = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: '{{ .Release.Name }}-etcd'}
spec:
  replicas: {{ .Values.replicas }}
  updateStrategy: {type: RollingUpdate}
  serviceName: '{{ .Release.Name }}-etcd-internal'
  podManagementPolicy: {{ .Values.podManagementPolicy }}
  selector: {matchLabels: {app: etcd}}
  template:
    metadata: {labels: {app: etcd}, annotations: {checksum/etcdconfig: '{{ .Values.replicas | toString | sha256sum }}'}}
    spec:
      serviceAccountName: {{ ternary (printf "%s-etcd" .Release.Name) "default" .Values.serviceAccount.create }}
      automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
      securityContext: {fsGroup: 999, supplementalGroups: [999]}
      initContainers:
        - {name: etcd-init, image: "busybox:1", command: [/bin/sh], args: ["-c", "mkdir -p /data/etcd"], volumeMounts: [{name: etcd-data, mountPath: /data}]}
      {{- with .Values.extraInitContainers }}
      {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: etcd
          image: quay.io/coreos/etcd:v3.6.14
          securityContext: {runAsUser: 999, runAsGroup: 999, runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}
          {{- with .Values.customStartupProbe }}
          startupProbe: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.customLivenessProbe }}
          livenessProbe: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.customReadinessProbe }}
          readinessProbe: {{- toYaml . | nindent 12 }}
          {{- end }}
          ports: [{name: client, containerPort: 2379}, {name: peer, containerPort: 2380}]
          {{- with .Values.args }}
          args:
            {{- range . }}
            - {{ . }}
            {{- end }}
          {{- end }}
          env:
            - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: ETCD_NAME, value: $(NODE_NAME)}
            - {name: ETCD_ADVERTISE_CLIENT_URLS, value: "http://$(NODE_NAME).{{ .Release.Name }}-etcd-internal.{{ .Release.Namespace }}.svc.cluster.local:2379"}
            - {name: ETCD_INITIAL_ADVERTISE_PEER_URLS, value: "http://$(NODE_NAME).{{ .Release.Name }}-etcd-internal.{{ .Release.Namespace }}.svc.cluster.local:2380"}
          {{- with .Values.env }}
            {{- toYaml . | nindent 12 }}
          {{- end }}
          envFrom: [{configMapRef: {name: "{{ .Release.Name }}-etcd"}}]
          volumeMounts:
            - {name: etcd-data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
      {{- with .Values.extraContainers }}
      {{- toYaml . | nindent 8 }}
      {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
  {{- if .Values.storage.requestedSize }}
  volumeClaimTemplates:
    - metadata: {name: etcd-data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: {{ .Values.storage.requestedSize }}}}}
  {{- else }}
        - {name: etcd-data, emptyDir: {}}
  {{- end }}
{{- if .Values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: '{{ .Release.Name }}-etcd'}
automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata: {name: '{{ .Release.Name }}-etcd-internal'}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: etcd}, ports: [{name: client, port: 2379, targetPort: client}, {name: peer, port: 2380, targetPort: peer}]}
---
apiVersion: v1
kind: Service
metadata: {name: '{{ .Release.Name }}-etcd'}
spec: {selector: {app: etcd}, ports: [{name: client, port: 2379, targetPort: client}, {name: peer, port: 2380, targetPort: peer}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}-etcd'}
data:
  ETCD_DATA_DIR: /data/etcd
  ETCD_INITIAL_CLUSTER_TOKEN: etcd-cluster-0
  ETCD_INITIAL_CLUSTER_STATE: new
  ETCD_INITIAL_CLUSTER: '{{ .Release.Name }}-etcd-0=http://{{ .Release.Name }}-etcd-0.{{ .Release.Name }}-etcd-internal.{{ .Release.Namespace }}.svc.cluster.local:2380'
  ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379
  ETCD_LISTEN_PEER_URLS: http://0.0.0.0:2380
"""

GROUNDHOG_VALUES = """replicas: 1
podManagementPolicy: Parallel
serviceAccount: {create: false, automountServiceAccountToken: true}
storage: {requestedSize: ""}
"""

# What the other charts render, for the release db in the namespace ns.
CLOUDPIRATES = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db-etcd, namespace: ns}
spec:
  serviceName: db-etcd-headless
  replicas: 3
  podManagementPolicy: Parallel
  updateStrategy: {type: RollingUpdate}
  selector: {matchLabels: {app: etcd}}
  template:
    metadata: {labels: {app: etcd}}
    spec:
      serviceAccountName: db-etcd
      securityContext: {fsGroup: 1000}
      containers:
        - name: etcd
          image: gcr.io/etcd-development/etcd:v3.6.14
          securityContext: {runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          command: [/usr/local/bin/etcd]
          args:
            - --name=$(POD_NAME)
            - --listen-peer-urls=http://0.0.0.0:2380
            - --listen-client-urls=http://0.0.0.0:2379
            - --advertise-client-urls=http://$(POD_NAME).db-etcd-headless.ns.svc.cluster.local:2379
            - --initial-advertise-peer-urls=http://$(POD_NAME).db-etcd-headless.ns.svc.cluster.local:2380
            - --initial-cluster=db-etcd-0=http://db-etcd-0.db-etcd-headless.ns.svc.cluster.local:2380
            - --initial-cluster-token=etcd-cluster
            - --initial-cluster-state=new
            - --data-dir=/var/run/etcd/default.etcd
            - --auto-compaction-mode=periodic
            - --snapshot-count=10000
            - --listen-metrics-urls=http://0.0.0.0:2381
          env:
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
          startupProbe: {httpGet: {path: /health, port: metrics, scheme: HTTP}, periodSeconds: 10}
          livenessProbe: {httpGet: {path: /health, port: metrics, scheme: HTTP}, initialDelaySeconds: 10}
          readinessProbe: {httpGet: {path: "/health?serializable=true", port: metrics, scheme: HTTP}}
          ports: [{name: client, containerPort: 2379}, {name: peer, containerPort: 2380}, {name: metrics, containerPort: 2381}]
          volumeMounts: [{name: data, mountPath: /var/run/etcd}, {name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
  volumeClaimTemplates:
    - metadata: {name: data, labels: {app: etcd}}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: db-etcd-headless, namespace: ns}
spec: {clusterIP: None, selector: {app: etcd}, ports: [{name: client, port: 2379}, {name: peer, port: 2380}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: db-etcd, namespace: ns}
automountServiceAccountToken: false
"""

KAMAJI = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db-kamaji-etcd, namespace: ns}
spec:
  serviceName: db-kamaji-etcd
  replicas: 3
  selector: {matchLabels: {app: etcd}}
  template:
    metadata: {name: etcd, labels: {app: etcd}, annotations: null}
    spec:
      priorityClassName: system-cluster-critical
      nodeSelector: {kubernetes.io/os: linux}
      volumes: [{name: certs, secret: {secretName: db-kamaji-etcd-certs}}]
      containers:
        - name: etcd
          image: quay.io/coreos/etcd:v3.5.33
          securityContext: {}
          command:
            - etcd
            - --data-dir=/var/run/etcd
            - --name=$(POD_NAME)
            - --initial-cluster-state=new
            - --initial-cluster=db-kamaji-etcd-0=https://db-kamaji-etcd-0.db-kamaji-etcd.ns.svc.cluster.local:2380
            - --initial-advertise-peer-urls=https://$(POD_NAME).db-kamaji-etcd.$(POD_NAMESPACE).svc.cluster.local:2380
            - --advertise-client-urls=https://$(POD_NAME).db-kamaji-etcd.$(POD_NAMESPACE).svc.cluster.local:2379
            - --initial-cluster-token=kamaji
            - --listen-client-urls=https://0.0.0.0:2379
            - --listen-metrics-urls=http://0.0.0.0:2381
            - --listen-peer-urls=https://0.0.0.0:2380
            - --client-cert-auth=true
            - --peer-client-cert-auth=true
            - --trusted-ca-file=/etc/etcd/pki/ca.crt
            - --cert-file=/etc/etcd/pki/server.pem
            - --key-file=/etc/etcd/pki/server-key.pem
            - --peer-trusted-ca-file=/etc/etcd/pki/ca.crt
            - --peer-cert-file=/etc/etcd/pki/peer.pem
            - --peer-key-file=/etc/etcd/pki/peer-key.pem
            - --auto-compaction-mode=periodic
            - --snapshot-count=10000
          env:
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
          ports: [{name: client, containerPort: 2379}, {name: peer, containerPort: 2380}, {name: metrics, containerPort: 2381}]
          resources: {limits: {}, requests: {}}
          livenessProbe: {failureThreshold: 3, httpGet: {path: /livez, port: 2381, scheme: HTTP}, initialDelaySeconds: 10}
          volumeMounts: [{name: data, mountPath: /var/run/etcd}, {name: certs, mountPath: /etc/etcd/pki}]
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: {name: data}
      spec: {storageClassName: null, accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: db-kamaji-etcd, namespace: ns}
spec: {clusterIP: None, selector: {app: etcd}, ports: [{name: client, port: 2379}, {name: peer, port: 2380}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-kamaji-etcd-client, namespace: ns}
spec: {selector: {app: etcd}, ports: [{name: client, port: 2379}, {name: metrics, port: 2381}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: db-kamaji-etcd, namespace: ns}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: db-kamaji-etcd-gen-certs-role, namespace: ns}
rules: [{apiGroups: [""], resources: [secrets], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: db-kamaji-etcd-gen-certs-rolebinding, namespace: ns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: db-kamaji-etcd-gen-certs-role}
subjects: [{kind: ServiceAccount, name: db-kamaji-etcd, namespace: ns}]
"""

VCLUSTER = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: ns}
spec:
  serviceName: db-headless
  selector: {matchLabels: {app: vcluster}}
  template:
    metadata: {labels: {app: vcluster}}
    spec: {containers: [{name: syncer, image: "vcluster:1", command: [syncer]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db-etcd, namespace: ns, labels: {app: vcluster-etcd}}
spec:
  serviceName: db-etcd-headless
  replicas: 1
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: vcluster-etcd}}
  template:
    metadata: {labels: {app: vcluster-etcd}}
    spec:
      terminationGracePeriodSeconds: 10
      nodeSelector: {}
      tolerations: []
      automountServiceAccountToken: false
      serviceAccountName: vc-db
      enableServiceLinks: true
      volumes: [{name: certs, secret: {secretName: db-certs}}]
      containers:
        - name: etcd
          image: registry.k8s.io/etcd:3.6.14-0
          command:
            - etcd
            - '--cert-file=/run/config/pki/etcd-server.crt'
            - '--client-cert-auth=true'
            - '--data-dir=/var/lib/etcd'
            - '--advertise-client-urls=https://$(NAME).db-etcd-headless.ns:2379'
            - '--initial-advertise-peer-urls=https://$(NAME).db-etcd-headless.ns:2380'
            - '--initial-cluster=db-etcd-0=https://db-etcd-0.db-etcd-headless.ns:2380'
            - '--initial-cluster-token=db'
            - '--initial-cluster-state=new'
            - '--listen-client-urls=https://0.0.0.0:2379'
            - '--listen-metrics-urls=http://0.0.0.0:2381'
            - '--listen-peer-urls=https://0.0.0.0:2380'
            - '--key-file=/run/config/pki/etcd-server.key'
            - '--name=$(NAME)'
            - '--peer-cert-file=/run/config/pki/etcd-peer.crt'
            - '--peer-client-cert-auth=true'
            - '--peer-key-file=/run/config/pki/etcd-peer.key'
            - '--peer-trusted-ca-file=/run/config/pki/etcd-ca.crt'
            - '--snapshot-count=10000'
            - '--trusted-ca-file=/run/config/pki/etcd-ca.crt'
          env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          volumeMounts: [{name: data, mountPath: /var/lib/etcd}, {name: certs, mountPath: /run/config/pki, readOnly: true}]
          livenessProbe: {httpGet: {path: /livez, port: 2381, scheme: HTTP}, failureThreshold: 8}
          startupProbe: {httpGet: {path: /readyz, port: 2381, scheme: HTTP}, failureThreshold: 24}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: db-etcd-headless, namespace: ns}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: vcluster-etcd}, ports: [{name: etcd, port: 2379}, {name: peer, port: 2380}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-etcd, namespace: ns}
spec: {selector: {app: vcluster-etcd}, ports: [{name: etcd, port: 2379}, {name: peer, port: 2380}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: vc-db, namespace: ns}
"""

PLAIN = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db-etcd, namespace: ns}
spec:
  serviceName: db-etcd
  replicas: 3
  selector: {matchLabels: {app: etcd}}
  template:
    metadata: {labels: {app: etcd}}
    spec:
      containers:
        - name: etcd
          image: quay.io/coreos/etcd:v3.4.37
          command:
            - sh
            - -c
            - etcd --name=$HOSTNAME --data-dir=/var/lib/etcd --listen-peer-urls=http://0.0.0.0:2380 --listen-client-urls=http://0.0.0.0:2379
              --advertise-client-urls=http://$HOSTNAME.db-etcd:2379 --initial-advertise-peer-urls=http://$HOSTNAME.db-etcd:2380
              --initial-cluster=db-etcd-0=http://db-etcd-0.db-etcd:2380 --initial-cluster-state=new
          ports: [{name: client, containerPort: 2379}, {name: peer, containerPort: 2380}]
          readinessProbe: {httpGet: {path: /health, port: client}}
          volumeMounts: [{name: data, mountPath: /var/lib/etcd}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: db-etcd, namespace: ns}
spec: {clusterIP: None, selector: {app: etcd}, ports: [{name: client, port: 2379}, {name: peer, port: 2380}]}
"""

RENDERED = {"cloudpirates": CLOUDPIRATES, "kamaji-etcd": KAMAJI, "vcluster": VCLUSTER, "plain-statefulset": PLAIN}
CHARTS = {
    "bitnami-11-12": (BITNAMI_12, BITNAMI_VALUES % ("true", "false"), NAMES),
    "bitnami-8-10": (BITNAMI_10, BITNAMI_VALUES % ("false", "true"), NAMES),
    "groundhog2k": (GROUNDHOG, GROUNDHOG_VALUES, ""),
}

VERSIONS = {"bitnami-11-12": "12.0.20", "bitnami-8-10": "10.2.0"}
SETS = {"kamaji-etcd": "db-kamaji-etcd"}  # the StatefulSet that the release db gets; db-etcd in all the others


def set_of(name):
    return SETS.get(name, "db-etcd")


def about(name, version=None):
    """Chart.yaml of the stand-in."""
    version = version or VERSIONS.get(name, "0.0.1")
    return f"apiVersion: v2\nname: etcd\nversion: {version}\ndescription: {textwrap.shorten(name, 40)}\n"


def write_chart(folder, name, version=None):
    """The stand-in as a chart in `folder`."""
    template, values, helpers = CHARTS[name]
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(about(name, version))
    (folder / "values.yaml").write_text(values)
    (folder / "templates" / "set.yaml").write_text(template)
    (folder / "templates" / "_names.tpl").write_text(helpers)
    return str(folder)
