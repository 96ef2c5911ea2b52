{{- define "etcd-usher.livenessProbe" -}}
httpGet: {path: /livez, port: {{ int (include "etcd-usher.settings" . | fromYaml).port }}}
periodSeconds: 10
timeoutSeconds: 5
failureThreshold: 6
{{- end }}

{{- define "etcd-usher.readinessProbe" -}}
httpGet: {path: /readyz, port: {{ int (include "etcd-usher.settings" . | fromYaml).port }}}
periodSeconds: 2
timeoutSeconds: 2
failureThreshold: 3
{{- end }}

{{- /* Waiting for a cluster may take as long as it takes; being killed meanwhile would help nobody. */}}
{{- define "etcd-usher.startupProbe" -}}
httpGet: {path: /startupz, port: {{ int (include "etcd-usher.settings" . | fromYaml).port }}}
periodSeconds: 1
timeoutSeconds: 2
failureThreshold: 2592000
{{- end }}

{{- /* For etcd's own container. It fails when etcd should run and its port has not accepted for 60 s; it never asks for a quorum, and it
holds while etcd is kept back. Two minutes of a missing answer (a sidecar that restarts) are no reason to stop etcd. */}}
{{- define "etcd-usher.etcdLivenessProbe" -}}
httpGet: {path: /etcd/livez, port: {{ int (include "etcd-usher.settings" . | fromYaml).port }}}
periodSeconds: 10
timeoutSeconds: 5
failureThreshold: 12
{{- end }}
