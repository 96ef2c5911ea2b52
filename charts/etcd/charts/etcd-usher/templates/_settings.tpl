{{- /*
The settings of etcd-usher, from three places, the later wins:
  1. the defaults below;
  2. what the including chart knows better than its user: it may define "etcd-usher.chartSettings" (a template that renders YAML);
  3. `.Values.usher` of the including chart.
All templates of this library take the root context: {{ include "etcd-usher.initContainers" . }}.
Texts may hold templates ({{ .Release.Name }}) and variables of the pod: $(POD_NAME), $(POD_NAMESPACE), $(POD_INDEX).
*/}}

{{- define "etcd-usher.defaults" -}}
image: {registry: "", repository: ghcr.io/etcd-usher/etcd-usher, tag: 0.1.0, digest: "", pullPolicy: IfNotPresent}
# auto = native sidecar where Kubernetes has it (1.29 and later), else plain.
mode: auto
# The StatefulSet whose pods this is about; part of the names of the set record and of the Role.
statefulSet: "{{ .Release.Name }}"
serviceAccount: "{{ .Release.Name }}"
# false: no token, no rights, no set record. Needs leave: asked (or always, never) and bootstrap: never (or once:NAME).
api: true
setRecord: ""
name: $(POD_NAME)
peerUrl: ""
clientUrl: ""
endpoints: []
remoteEndpoints: []
localEndpoint: ""
token: ""
bootstrap: record
expectClusterId: ""
dataVolume: data
dataDir: /var/lib/etcd
dataMountPath: ""
dataSubPath: ""
walDir: ""
planDir: /run/etcd-usher
port: 2383
tls: {cacert: "", cert: "", key: "", serverName: ""}
user: ""
passwordFile: ""
remoteTls: {cacert: "", cert: "", key: "", serverName: ""}
remoteUser: ""
remotePasswordFile: ""
leave: proven
# hook = preStop of etcd's container; leave-first = the launcher asks when SIGTERM comes (charts without a hook).
leaveBy: hook
leaveTimeoutSeconds: 60
leaderPreference: []
rejoin: ""
staleData: ""
lostData: ""
unreadableData: ""
keepArchives: null
promoteOrphans: ""
orphanAfter: ""
ghostAfter: ""
janitorAfter: ""
minVoters: null
logFormat: ""
logLevel: ""
extraEnv: []
# Mounts that the chart needs, and those that its user wants beside them.
volumeMounts: []
extraVolumeMounts: []
resources:
  requests: {cpu: 10m, memory: 16Mi}
  limits: {memory: 64Mi}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* An including chart overrides this one; the parent's definition wins. */}}
{{- define "etcd-usher.chartSettings" -}}
{}
{{- end }}

{{- define "etcd-usher.settings" -}}
{{- $settings := include "etcd-usher.defaults" . | fromYaml -}}
{{- $chart := include "etcd-usher.chartSettings" . | fromYaml -}}
{{- if hasKey $chart "Error" }}{{ fail (printf "etcd-usher.chartSettings is not YAML: %s" $chart.Error) }}{{ end -}}
{{- /* An empty text is "not set": it does not wipe out what the chart knows. */}}
{{- $user := dict -}}
{{- range $key, $value := .Values.usher | default dict }}
{{- if not (or (kindIs "invalid" $value) (and (kindIs "string" $value) (eq $value ""))) }}{{ $_ := set $user $key (deepCopy $value) }}{{ end }}
{{- end }}
{{- toYaml (mergeOverwrite $settings $chart $user) -}}
{{- end }}

{{- /* Checks what only shows when all settings are known; every template that renders a container includes it. */}}
{{- define "etcd-usher.check" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{- $problems := list -}}
{{- if not (has $s.mode (list "auto" "native" "plain")) }}
{{- $problems = append $problems (printf "usher.mode is %q: auto, native or plain" $s.mode) }}
{{- end }}
{{- if and (eq $s.mode "native") (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version) }}
{{- $problems = append $problems (printf "usher.mode is native, and Kubernetes %s has no native sidecars (1.29 and later do): use auto or plain" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- if not (has $s.leaveBy (list "hook" "leave-first")) }}
{{- $problems = append $problems (printf "usher.leaveBy is %q: hook or leave-first" $s.leaveBy) }}
{{- end }}
{{- if not $s.peerUrl }}
{{- $problems = append $problems "usher.peerUrl is missing: the peer URL that etcd advertises, such as http://$(POD_NAME).etcd-headless:2380" }}
{{- end }}
{{- if not (or $s.endpoints $s.remoteEndpoints) }}
{{- $problems = append $problems "usher.endpoints is missing: client URLs of the pods, such as dns:etcd-headless:2379" }}
{{- end }}
{{- if not $s.api }}
{{- if eq $s.bootstrap "record" }}
{{- $problems = append $problems "usher.bootstrap is record, and usher.api is false: without the Kubernetes API nobody can know whether a cluster was founded before. Use once:NAME for the first start, then never" }}
{{- end }}
{{- if eq $s.leave "proven" }}
{{- $problems = append $problems "usher.leave is proven, and usher.api is false: the proof comes from the Kubernetes API. Use asked, always or never" }}
{{- end }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\netcd-usher:\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}

{{- define "etcd-usher.isNative" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{- if or (eq $s.mode "native") (and (eq $s.mode "auto") (semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version)) }}true{{ end -}}
{{- end }}

{{- define "etcd-usher.image" -}}
{{- $image := (include "etcd-usher.settings" . | fromYaml).image -}}
{{- if $image.registry }}{{ $image.registry }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag }}{{ end -}}
{{- end }}

{{- define "etcd-usher.setRecordName" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
{{- tpl ($s.setRecord | default (printf "%s-usher" $s.statefulSet)) . -}}
{{- end }}

{{- define "etcd-usher.labels" -}}
app.kubernetes.io/name: etcd-usher
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/component: usher
{{- end }}
