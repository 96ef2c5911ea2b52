{{- define "etcd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- /* 40 characters: a pod's name, with its ordinal, is a DNS label, and so is that of its revision. */}}
{{- define "etcd.fullname" -}}
{{- $name := include "etcd.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "etcd.headless" -}}{{ include "etcd.fullname" . }}-headless{{- end }}
{{- define "etcd.headlessDomain" -}}{{ include "etcd.headless" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}{{- end }}
{{- define "etcd.serviceAccount" -}}{{ .Values.serviceAccount.name | default (ternary (include "etcd.fullname" .) "default" .Values.serviceAccount.create) }}{{- end }}

{{- define "etcd.selector" -}}
app.kubernetes.io/name: {{ include "etcd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: etcd
{{- end }}

{{- define "etcd.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "etcd.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* metadata of an object; (list $ SUFFIX ANNOTATIONS) */}}
{{- define "etcd.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "etcd.fullname" $root }}{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels: {{- include "etcd.labels" $root | nindent 2 }}
{{- with merge (dict) (index . 2) $root.Values.commonAnnotations }}
annotations: {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end }}

{{- define "etcd.image" -}}
{{- with .Values.image }}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end -}}
{{- end }}
{{- end }}

{{- define "etcd.clientScheme" -}}{{ ternary "https" "http" .Values.tls.client.enabled }}{{- end }}
{{- define "etcd.peerScheme" -}}{{ ternary "https" "http" .Values.tls.peer.enabled }}{{- end }}
{{- define "etcd.clientSecret" -}}{{ .Values.tls.client.existingSecret | default (printf "%s-server-tls" (include "etcd.fullname" .)) }}{{- end }}
{{- define "etcd.peerSecret" -}}{{ .Values.tls.peer.existingSecret | default (printf "%s-peer-tls" (include "etcd.fullname" .)) }}{{- end }}
{{- define "etcd.clientUrl" -}}
{{- .Values.advertise.clientUrl | default (printf "%s://$(POD_NAME).%s:2379" (include "etcd.clientScheme" .) (include "etcd.headlessDomain" .)) -}}
{{- end }}
{{- define "etcd.peerUrl" -}}
{{- .Values.advertise.peerUrl | default (printf "%s://$(POD_NAME).%s:2380" (include "etcd.peerScheme" .) (include "etcd.headlessDomain" .)) -}}
{{- end }}

{{- /* What etcd shows or believes: mounts of the usher and of the test. */}}
{{- define "etcd.clientTlsMounts" -}}
{{- if .Values.tls.client.enabled }}
- {name: client-tls, mountPath: /etc/etcd/tls/client, readOnly: true}
{{- with .Values.tls.usher.existingSecret }}
- {name: usher-tls, mountPath: /etc/etcd/tls/usher, readOnly: true}
{{- end }}
{{- end }}
{{- if .Values.auth.enabled }}
- {name: auth, mountPath: /etc/etcd/auth, readOnly: true}
{{- end }}
{{- end }}

{{- define "etcd.tlsVolumes" -}}
{{- if .Values.tls.client.enabled }}
- name: client-tls
  secret: {secretName: {{ tpl (include "etcd.clientSecret" .) . | quote }}, defaultMode: 0440}
{{- with .Values.tls.usher.existingSecret }}
- name: usher-tls
  secret: {secretName: {{ tpl . $ | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- if .Values.auth.enabled }}
- name: auth
  secret: {secretName: {{ tpl .Values.auth.existingSecret . | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "etcd.usherCertDir" -}}/etc/etcd/tls/{{ ternary "usher" "client" (not (empty .Values.tls.usher.existingSecret)) }}{{- end }}

{{- /* A client certificate of our own is shown wherever there is one to show. */}}
{{- define "etcd.usherShowsCert" -}}
{{- if and .Values.tls.client.enabled (or .Values.tls.client.clientCertAuth .Values.tls.usher.existingSecret) }}true{{ end -}}
{{- end }}

{{- define "etcd.joinIsRemote" -}}
{{- if or .Values.join.tlsSecret .Values.join.tlsServerName .Values.join.user .Values.join.passwordSecret }}true{{ end -}}
{{- end }}

{{- /* What this chart knows about its own pods: see the library's etcd-usher.settings. */}}
{{- define "etcd-usher.chartSettings" -}}
{{- $own := printf "dns:%s:2379" (include "etcd.headlessDomain" .) -}}
{{- $remote := include "etcd.joinIsRemote" . -}}
statefulSet: {{ include "etcd.fullname" . }}
serviceAccount: {{ include "etcd.serviceAccount" . }}
peerUrl: {{ include "etcd.peerUrl" . | quote }}
clientUrl: {{ include "etcd.clientUrl" . | quote }}
endpoints: {{ (ternary (list $own) (concat (list $own) .Values.join.endpoints) (not (empty $remote))) | toJson }}
{{- if $remote }}
remoteEndpoints: {{ .Values.join.endpoints | toJson }}
{{- end }}
localEndpoint: {{ include "etcd.clientScheme" . }}://127.0.0.1:2379
token: {{ .Values.initialClusterToken | default (printf "%s-%s" .Release.Namespace (include "etcd.fullname" .)) | quote }}
expectClusterId: {{ .Values.join.expectClusterId | quote }}
bootstrap: {{ ternary "record" "never" (empty .Values.join.endpoints) }}
volumeMounts:
  {{- include "etcd.clientTlsMounts" . | nindent 2 }}
  {{- if .Values.join.tlsSecret }}
  - {name: join-tls, mountPath: /etc/etcd/join/tls, readOnly: true}
  {{- end }}
  {{- if .Values.join.passwordSecret }}
  - {name: join-auth, mountPath: /etc/etcd/join/auth, readOnly: true}
  {{- end }}
{{- if .Values.tls.client.enabled }}
tls:
  cacert: /etc/etcd/tls/client/{{ .Values.tls.caFile }}
  {{- if include "etcd.usherShowsCert" . }}
  cert: {{ include "etcd.usherCertDir" . }}/{{ .Values.tls.certFile }}
  key: {{ include "etcd.usherCertDir" . }}/{{ .Values.tls.keyFile }}
  {{- end }}
  serverName: {{ .Values.tls.usher.serverName | quote }}
{{- end }}
{{- if .Values.auth.enabled }}
user: {{ .Values.auth.user | quote }}
passwordFile: /etc/etcd/auth/{{ .Values.auth.existingSecretKey }}
{{- end }}
{{- if .Values.join.tlsSecret }}
remoteTls:
  cacert: /etc/etcd/join/tls/{{ .Values.tls.caFile }}
  {{- if .Values.join.tlsClientCert }}
  cert: /etc/etcd/join/tls/{{ .Values.tls.certFile }}
  key: /etc/etcd/join/tls/{{ .Values.tls.keyFile }}
  {{- end }}
  serverName: {{ .Values.join.tlsServerName | quote }}
{{- else if .Values.join.tlsServerName }}
remoteTls:
  serverName: {{ .Values.join.tlsServerName | quote }}
{{- end }}
{{- if .Values.join.passwordSecret }}
remoteUser: {{ .Values.join.user | default .Values.auth.user | quote }}
remotePasswordFile: /etc/etcd/join/auth/{{ .Values.join.passwordSecretKey }}
{{- end }}
{{- end }}
