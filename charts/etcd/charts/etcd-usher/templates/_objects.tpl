{{- define "etcd-usher.volumes" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
- name: usher
  emptyDir: {sizeLimit: 16Mi}
{{- if $s.api }}
# A token for the usher's containers alone: etcd needs none.
- name: usher-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}
{{- end }}

{{- /* What the set remembers outside its volumes. There is no `data` here, so no upgrade resets it and no right to create it is needed;
it outlives the release, because the volumes do. */}}
{{- define "etcd-usher.setRecord" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "etcd-usher.setRecordName" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "etcd-usher.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
{{- end }}

{{- define "etcd-usher.roleName" -}}
{{- tpl (printf "%s-usher" (include "etcd-usher.settings" . | fromYaml).statefulSet) . -}}
{{- end }}

{{- /* The whole of the rights: no list, no watch, no create or delete but events, nothing outside the namespace. */}}
{{- define "etcd-usher.role" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ include "etcd-usher.roleName" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "etcd-usher.labels" . | nindent 4 }}
rules:
  # Own pod, and those of the set's other slots. Not by name: names of pods that a later scale will create would be missing.
  - apiGroups: [""]
    resources: [pods]
    verbs: [get]
  - apiGroups: [apps]
    resources: [statefulsets]
    resourceNames: [{{ tpl $s.statefulSet . | quote }}]
    verbs: [get]
  - apiGroups: [""]
    resources: [configmaps]
    resourceNames: [{{ include "etcd-usher.setRecordName" . | quote }}]
    verbs: [get, update]
  - apiGroups: [""]
    resources: [events]
    verbs: [create]
{{- end }}

{{- define "etcd-usher.roleBinding" -}}
{{- $s := include "etcd-usher.settings" . | fromYaml -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ include "etcd-usher.roleName" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "etcd-usher.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ include "etcd-usher.roleName" . }}
subjects:
  - kind: ServiceAccount
    name: {{ tpl $s.serviceAccount . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "etcd-usher.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ tpl (include "etcd-usher.settings" . | fromYaml).serviceAccount . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "etcd-usher.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{- /* Role, binding and set record in one: a file of an existing chart that holds {{ include "etcd-usher.objects" . }} is enough. */}}
{{- define "etcd-usher.objects" -}}
{{- if (include "etcd-usher.settings" . | fromYaml).api }}
{{ include "etcd-usher.role" . }}
---
{{ include "etcd-usher.roleBinding" . }}
---
{{ include "etcd-usher.setRecord" . }}
{{- end }}
{{- end }}
