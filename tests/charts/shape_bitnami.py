"""The stand-ins for bitnami/etcd, of the two shapes that its versions have."""

NAMES = """{{- define "common.names.fullname" -}}{{ default (printf "%s-etcd" .Release.Name) .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}{{- end }}
{{- define "common.names.namespace" -}}{{ default .Release.Namespace .Values.namespaceOverride }}{{- end }}
{{- define "common.tplvalues.render" -}}{{ tpl (kindIs "string" .value | ternary .value (toYaml .value)) .context }}{{- end }}
{{- define "etcd.peerProtocol" -}}{{ ternary "https" "http" .Values.auth.peer.secureTransport }}{{- end }}
{{- define "etcd.clientProtocol" -}}{{ ternary "https" "http" .Values.auth.client.secureTransport }}{{- end }}
{{- define "etcd.serviceAccountName" -}}
{{ default (ternary (include "common.names.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}
{{- define "etcd.secretName" -}}{{ default (include "common.names.fullname" .) .Values.auth.rbac.existingSecret }}{{- end }}
{{- define "etcd.secretPasswordKey" -}}etcd-root-password{{- end }}
"""

# Between @ stands what differs in the two charts. That of 11.3.6 and later knows a namespace other than the release's.
BITNAMI = """{{- $full := include "common.names.fullname" . }}
{{- $headless := printf "%s-headless" $full | trunc 63 | trimSuffix "-" }}
{{- $domain := printf "%s.svc.%s" @NAMESPACE@ .Values.clusterDomain }}
{{- $peer := include "etcd.peerProtocol" . }}
{{- $client := include "etcd.clientProtocol" . }}
{{- $ports := .Values.containerPorts }}
{{- $certified := and .Values.auth.client.secureTransport (not .Values.auth.client.useAutoTLS) }}
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: {{ $full }}, namespace: {{ @NAMESPACE@ | quote }}}
spec:
  replicas: {{ .Values.replicaCount }}
  serviceName: {{ $headless }}
  podManagementPolicy: {{ .Values.podManagementPolicy }}
  selector: {matchLabels: {app: etcd}}
  template:
    metadata:
      labels: {app: etcd}
      annotations:
    spec:
      automountServiceAccountToken: false
      {{- with .Values.terminationGracePeriodSeconds }}
      terminationGracePeriodSeconds: {{ . }}
      {{- end }}
      securityContext: {fsGroup: 1001, fsGroupChangePolicy: Always, supplementalGroups: [], sysctls: []}
      serviceAccountName: {{ include "etcd.serviceAccountName" . | quote }}
      {{- if or .Values.initContainers .Values.volumePermissions.enabled }}
      initContainers:
        {{- with .Values.initContainers }}
        {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 8 }}
        {{- end }}
        {{- if .Values.volumePermissions.enabled }}
        - {name: volume-permissions, image: "shell:1", command: [chown], volumeMounts: [{name: data, mountPath: /bitnami/etcd}]}
        {{- end }}
      {{- end }}
      containers:
        - name: etcd
          image: docker.io/bitnami/etcd:latest
          securityContext: {runAsUser: 1001, runAsGroup: 1001, runAsNonRoot: true, privileged: false, readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false, seLinuxOptions: {}, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
          {{- with .Values.command }}
          command: {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 12 }}
          {{- end }}
          {{- with .Values.args }}
          args: {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 12 }}
          {{- end }}
          env:
            - {name: MY_POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: MY_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: MY_STS_NAME, value: {{ $full }}}
            - {name: ETCD_ON_K8S, value: "yes"}
            - {name: ETCD_START_FROM_SNAPSHOT, value: {{ ternary "yes" "no" .Values.startFromSnapshot.enabled | quote }}}
            - {name: ETCD_DISASTER_RECOVERY, value: {{ ternary "yes" "no" .Values.disasterRecovery.enabled | quote }}}
            - {name: ETCD_NAME, value: $(MY_POD_NAME)}
            - {name: ETCD_DATA_DIR, value: /bitnami/etcd/data}
            - {name: ETCD_LOG_LEVEL, value: info}
            {{- if .Values.auth.rbac.create }}
            @PASSWORD@
            {{- end }}
            - name: ETCD_ADVERTISE_CLIENT_URLS
              value: {{ $client }}://$(MY_POD_NAME).{{ $headless }}.{{ $domain }}:{{ $ports.client }},{{ $client }}://{{ $full }}.{{ $domain }}:{{ .Values.service.ports.client }}
            - {name: ETCD_LISTEN_CLIENT_URLS, value: "{{ $client }}://0.0.0.0:{{ $ports.client }}"}
            - name: ETCD_INITIAL_ADVERTISE_PEER_URLS
              value: {{ $peer }}://$(MY_POD_NAME).{{ $headless }}.{{ $domain }}:{{ $ports.peer }}
            - {name: ETCD_LISTEN_PEER_URLS, value: "{{ $peer }}://0.0.0.0:{{ $ports.peer }}"}
            {{- if @LISTED@ }}
            {{- $list := list }}
            {{- range until (int .Values.replicaCount) }}
            {{- $list = append $list (printf "%s-%d=%s://%s-%d.%s.%s:%d" $full . $peer $full . $headless $domain (int $ports.peer)) }}
            {{- end }}
            - {name: ETCD_INITIAL_CLUSTER_TOKEN, value: etcd-cluster-k8s}
            @STATE@
            - {name: ETCD_INITIAL_CLUSTER, value: {{ join "," $list | quote }}}
            {{- end }}
            - {name: ETCD_CLUSTER_DOMAIN, value: {{ $headless }}.{{ $domain }}}
            {{- if $certified }}
            - {name: ETCD_CERT_FILE, value: /opt/bitnami/etcd/certs/client/{{ .Values.auth.client.certFilename }}}
            - {name: ETCD_KEY_FILE, value: /opt/bitnami/etcd/certs/client/{{ .Values.auth.client.certKeyFilename }}}
            {{- end }}
            {{- with .Values.extraEnvVars }}
            {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 12 }}
            {{- end }}
          envFrom:
          ports: [{name: client, containerPort: {{ $ports.client }}, protocol: TCP}, {name: peer, containerPort: {{ $ports.peer }}, protocol: TCP}]
          {{- if .Values.customLivenessProbe }}
          livenessProbe: {{- include "common.tplvalues.render" (dict "value" .Values.customLivenessProbe "context" $) | nindent 12 }}
          {{- else if .Values.livenessProbe.enabled }}
          livenessProbe: {exec: {command: [healthcheck.sh]}}
          {{- end }}
          {{- if .Values.readinessProbe.enabled }}
          readinessProbe: {exec: {command: [healthcheck.sh]}}
          {{- end }}
          {{- if .Values.startupProbe.enabled }}
          startupProbe: {exec: {command: [healthcheck.sh]}}
          {{- end }}
          {{- if .Values.lifecycleHooks }}
          lifecycle: {{- include "common.tplvalues.render" (dict "value" .Values.lifecycleHooks "context" $) | nindent 12 }}
          {{- else if and .Values.removeMemberOnContainerTermination (gt (int .Values.replicaCount) 1) }}
          lifecycle: {preStop: {exec: {command: [prestop.sh]}}}
          {{- end }}
          volumeMounts:
            - {name: empty-dir, mountPath: /opt/bitnami/etcd/conf/, subPath: app-conf-dir}
            - {name: empty-dir, mountPath: /tmp, subPath: tmp-dir}
            - {name: data, mountPath: /bitnami/etcd}
            {{- if $certified }}
            - {name: etcd-client-certs, mountPath: /opt/bitnami/etcd/certs/client/, readOnly: true}
            {{- end }}
            {{- with .Values.extraVolumeMounts }}
            {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 12 }}
            {{- end }}
      volumes:
        - {name: empty-dir, emptyDir: {}}
        {{- if $certified }}
        - {name: etcd-client-certs, secret: {secretName: {{ .Values.auth.client.existingSecret }}, defaultMode: 256}}
        {{- end }}
        {{- with .Values.extraVolumes }}
        {{- include "common.tplvalues.render" (dict "value" . "context" $) | nindent 8 }}
        {{- end }}
        {{- if not .Values.persistence.enabled }}
        - {name: data, emptyDir: {}}
        {{- end }}
  {{- if .Values.persistence.enabled }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
  {{- end }}
{{- if .Values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ include "etcd.serviceAccountName" . }}, namespace: {{ @NAMESPACE@ | quote }}}
automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
{{- end }}
{{- if and .Values.auth.rbac.create (not .Values.auth.rbac.existingSecret) }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ include "etcd.secretName" . }}, namespace: {{ @NAMESPACE@ | quote }}}
stringData: {etcd-root-password: made-once}
{{- end }}
{{- if .Values.preUpgradeJob.enabled }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: {{ $full }}-pre-upgrade, namespace: {{ @NAMESPACE@ | quote }}, annotations: {helm.sh/hook: pre-upgrade}}
{{- end }}
{{- range .Values.extraDeploy }}
---
{{ include "common.tplvalues.render" (dict "value" . "context" $) }}
{{- end }}
"""

BITNAMI_VALUES = """replicaCount: 3
clusterDomain: cluster.local
podManagementPolicy: Parallel
containerPorts: {client: 2379, peer: 2380}
service: {ports: {client: 2379, peer: 2380}}
persistence: {enabled: true}
volumePermissions: {enabled: false}
auth:
  rbac: {create: true, existingSecret: ""}
  client: {secureTransport: false, useAutoTLS: false, existingSecret: "", certFilename: cert.pem, certKeyFilename: key.pem, caFilename: ""}
  peer: {secureTransport: false, useAutoTLS: false}
serviceAccount: {create: false, name: "", automountServiceAccountToken: true}
preUpgradeJob: {enabled: %s}
removeMemberOnContainerTermination: %s
livenessProbe: {enabled: true}
readinessProbe: {enabled: true}
startupProbe: {enabled: false}
disasterRecovery: {enabled: false}
startFromSnapshot: {enabled: false}
"""


def bitnami(**parts):
    text = BITNAMI
    for word, part in parts.items():
        text = text.replace(f"@{word}@", part)
    return text


BITNAMI_12 = bitnami(
    NAMESPACE='(include "common.names.namespace" .)', LISTED="true", STATE="# no state",
    PASSWORD='- {name: ETCD_ROOT_PASSWORD_FILE, value: /opt/bitnami/etcd/secrets/etcd-root-password}')
BITNAMI_10 = bitnami(
    NAMESPACE=".Release.Namespace", LISTED="gt (int .Values.replicaCount) 1",
    STATE='- {name: ETCD_INITIAL_CLUSTER_STATE, value: {{ ternary "new" "existing" .Release.IsInstall }}}',
    PASSWORD='- {name: ETCD_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: {{ include "etcd.secretName" . }}, key: etcd-root-password}}}')
