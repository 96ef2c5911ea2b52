{{- /* Variables that the settings may use; first in every list, because Kubernetes expands only what stands above. */}}
{{- define "etcd-usher.podEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
# The ordinal; empty before Kubernetes 1.28.
- name: POD_INDEX
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
{{- end }}

{{- /* What the launcher in etcd's container needs to know. */}}
{{- define "etcd-usher.launcherEnv" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{ include "etcd-usher.podEnv" . }}
- {name: USHER_PLAN_DIR, value: {{ $s.planDir | quote }}}
- {name: USHER_LEAVE_TIMEOUT, value: {{ printf "%ds" (int $s.leaveTimeoutSeconds) | quote }}}
{{- end }}

{{- /* All settings, the same for init and sidecar: each takes what it knows. What is not set is not written: the agent's own default holds. */}}
{{- define "etcd-usher.env" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{- $settings := list
    (list "NAME" $s.name)
    (list "PEER_URL" $s.peerUrl)
    (list "CLIENT_URL" $s.clientUrl)
    (list "ENDPOINTS" (join "," $s.endpoints))
    (list "REMOTE_ENDPOINTS" (join "," $s.remoteEndpoints))
    (list "LOCAL_ENDPOINT" $s.localEndpoint)
    (list "INITIAL_CLUSTER_TOKEN" $s.token)
    (list "DATA_DIR" $s.dataDir)
    (list "WAL_DIR" $s.walDir)
    (list "PLAN_DIR" $s.planDir)
    (list "LISTEN" (printf ":%d" (int $s.port)))
    (list "BOOTSTRAP" $s.bootstrap)
    (list "EXPECT_CLUSTER_ID" $s.expectClusterId)
    (list "SET_RECORD" (ternary (printf "configmap:%s" (include "etcd-usher.setRecordName" .)) "" $s.api))
    (list "CACERT" $s.tls.cacert)
    (list "CERT" $s.tls.cert)
    (list "KEY" $s.tls.key)
    (list "TLS_SERVER_NAME" $s.tls.serverName)
    (list "USER" $s.user)
    (list "PASSWORD_FILE" $s.passwordFile)
    (list "REMOTE_CACERT" $s.remoteTls.cacert)
    (list "REMOTE_CERT" $s.remoteTls.cert)
    (list "REMOTE_KEY" $s.remoteTls.key)
    (list "REMOTE_TLS_SERVER_NAME" $s.remoteTls.serverName)
    (list "REMOTE_USER" $s.remoteUser)
    (list "REMOTE_PASSWORD_FILE" $s.remotePasswordFile)
    (list "LEAVE" $s.leave)
    (list "LEAVE_TIMEOUT" (printf "%ds" (int $s.leaveTimeoutSeconds)))
    (list "LEADER_PREFERENCE" (join "," $s.leaderPreference))
    (list "REJOIN" $s.rejoin)
    (list "STALE_DATA" $s.staleData)
    (list "LOST_DATA" $s.lostData)
    (list "UNREADABLE_DATA" $s.unreadableData)
    (list "KEEP_ARCHIVES" (ternary "" (toString $s.keepArchives) (kindIs "invalid" $s.keepArchives)))
    (list "PROMOTE_ORPHANS" $s.promoteOrphans)
    (list "ORPHAN_AFTER" $s.orphanAfter)
    (list "GHOST_AFTER" $s.ghostAfter)
    (list "JANITOR_AFTER" $s.janitorAfter)
    (list "MIN_VOTERS" (ternary "" (toString $s.minVoters) (kindIs "invalid" $s.minVoters)))
    (list "LOG_FORMAT" $s.logFormat)
    (list "LOG_LEVEL" $s.logLevel) -}}
{{ include "etcd-usher.podEnv" . }}
{{- range $settings }}
{{- $value := tpl (last .) $ }}
{{- if $value }}
- {name: USHER_{{ first . }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- with $s.extraEnv }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "etcd-usher.volumeMounts" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
- name: usher
  mountPath: {{ $s.planDir }}
- name: {{ tpl $s.dataVolume . }}
  mountPath: {{ $s.dataMountPath | default $s.dataDir }}
  {{- with $s.dataSubPath }}
  subPath: {{ tpl . $ }}
  {{- end }}
{{- if $s.api }}
- name: usher-token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
{{- with concat ($s.volumeMounts | default list) ($s.extraVolumeMounts | default list) }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "etcd-usher.containerBasics" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
image: {{ include "etcd-usher.image" . | quote }}
imagePullPolicy: {{ $s.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
{{- with $s.securityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $s.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Copies the launcher to where etcd's container finds it: images of etcd have no shell, and not this program either. */}}
{{- define "etcd-usher.installContainer" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
- name: usher-install
  command: [etcd-usher]
  args: [install, {{ $s.planDir | quote }}]
  {{- include "etcd-usher.containerBasics" . | nindent 2 }}
  volumeMounts:
    - name: usher
      mountPath: {{ $s.planDir }}
{{- end }}

{{- define "etcd-usher.initContainer" -}}
- name: usher-init
  command: [etcd-usher]
  args: [init]
  {{- include "etcd-usher.containerBasics" . | nindent 2 }}
  env: {{- include "etcd-usher.env" . | nindent 4 }}
  volumeMounts: {{- include "etcd-usher.volumeMounts" . | nindent 4 }}
{{- end }}

{{- /* Port, probes and mounts that both kinds of sidecar share. The port is a number everywhere: names hold within one container only. */}}
{{- define "etcd-usher.sidecarBody" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{ include "etcd-usher.containerBasics" . }}
env: {{- include "etcd-usher.env" . | nindent 2 }}
ports:
  - {name: usher, containerPort: {{ int $s.port }}, protocol: TCP}
livenessProbe: {{- include "etcd-usher.livenessProbe" . | nindent 2 }}
readinessProbe: {{- include "etcd-usher.readinessProbe" . | nindent 2 }}
volumeMounts: {{- include "etcd-usher.volumeMounts" . | nindent 2 }}
{{- end }}

{{- define "etcd-usher.sidecar" -}}
- name: usher
  command: [etcd-usher]
  args: [sidecar]
  {{- include "etcd-usher.sidecarBody" . | nindent 2 }}
{{- end }}

{{- /* Init and sidecar in one. etcd starts when the startup probe is green, that is when this life's plan is written. */}}
{{- define "etcd-usher.nativeSidecar" -}}
- name: usher
  restartPolicy: Always
  command: [etcd-usher]
  args: [sidecar, --with-init]
  {{- include "etcd-usher.sidecarBody" . | nindent 2 }}
  startupProbe: {{- include "etcd-usher.startupProbe" . | nindent 4 }}
{{- end }}

{{- /* All that belongs under initContainers. */}}
{{- define "etcd-usher.initContainers" -}}
{{- include "etcd-usher.check" . -}}
{{ include "etcd-usher.installContainer" . }}
{{- if include "etcd-usher.isNative" . }}
{{ include "etcd-usher.nativeSidecar" . }}
{{- else }}
{{ include "etcd-usher.initContainer" . }}
{{- end }}
{{- end }}

{{- /* All that belongs under containers, beside etcd: nothing with a native sidecar. */}}
{{- define "etcd-usher.containers" -}}
{{- include "etcd-usher.check" . -}}
{{- if not (include "etcd-usher.isNative" .) }}
{{ include "etcd-usher.sidecar" . }}
{{- end }}
{{- end }}

{{- /* Goes before etcd's own command line: command: [{{ launcher }}, /usr/local/bin/etcd, FLAGS...]. */}}
{{- define "etcd-usher.launcher" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
- {{ $s.planDir }}/etcd-usher-exec
{{- if eq $s.leaveBy "leave-first" }}
- --leave-first
{{- end }}
- --
{{- end }}

{{- define "etcd-usher.launcherVolumeMounts" -}}
- name: usher
  mountPath: {{ (include "etcd-usher.settings" . | fromYaml).planDir }}
{{- end }}

{{- /* Under lifecycle of etcd's container. It holds SIGTERM back while the member leaves: of two voters one must not be gone before. A hook
on the sidecar would not: all hooks of a pod start at once. */}}
{{- define "etcd-usher.lifecycle" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{- if eq $s.leaveBy "hook" -}}
preStop:
  exec:
    command: [{{ printf "%s/etcd-usher-exec" $s.planDir | quote }}, leave]
{{- end }}
{{- end }}
