{{- /* etcd's own flags. What founds or joins a cluster is not among them: the launcher sets that from the start plan. */}}
{{- define "etcd.flags" -}}
{{- $peer := .Values.tls.peer -}}
{{- $client := .Values.tls.client -}}
- --name=$(POD_NAME)
- --data-dir=/var/lib/etcd
- --listen-peer-urls={{ include "etcd.peerScheme" . }}://{{ .Values.listenAddress }}:2380
- --initial-advertise-peer-urls={{ tpl (include "etcd.peerUrl" .) . }}
- --listen-client-urls={{ include "etcd.clientScheme" . }}://{{ .Values.listenAddress }}:2379
- --advertise-client-urls={{ tpl (include "etcd.clientUrl" .) . }}
{{- if .Values.metrics.enabled }}
- --listen-metrics-urls=http://{{ .Values.listenAddress }}:{{ int .Values.metrics.port }}
{{- end }}
{{- if $client.enabled }}
- --cert-file=/etc/etcd/tls/client/{{ .Values.tls.certFile }}
- --key-file=/etc/etcd/tls/client/{{ .Values.tls.keyFile }}
{{- if $client.clientCertAuth }}
- --client-cert-auth
- --trusted-ca-file=/etc/etcd/tls/client/{{ .Values.tls.caFile }}
{{- end }}
{{- end }}
{{- if $peer.enabled }}
- --peer-cert-file=/etc/etcd/tls/peer/{{ .Values.tls.certFile }}
- --peer-key-file=/etc/etcd/tls/peer/{{ .Values.tls.keyFile }}
- --peer-trusted-ca-file=/etc/etcd/tls/peer/{{ .Values.tls.caFile }}
{{- if $peer.clientCertAuth }}
- --peer-client-cert-auth
{{- end }}
{{- with $peer.allowedCn }}
- --peer-cert-allowed-cn={{ . }}
{{- end }}
{{- with $peer.allowedHostname }}
- --peer-cert-allowed-hostname={{ . }}
{{- end }}
{{- if $peer.skipClientSanVerification }}
- --{{ include "etcd.skipSanFlag" . }}
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ tpl . $ | quote }}
{{- end }}
{{- end }}

{{- /* etcd 3.7 knows the short name alone, 3.4 and 3.5 the long one alone, 3.6 both. */}}
{{- define "etcd.skipSanFlag" -}}
{{- if regexMatch "^v?3[.][45]([.-]|$)" (toString .Values.image.tag) }}experimental-{{ end }}peer-skip-client-san-verification
{{- end }}

{{- /* What only shows when values are seen together. All at once, in words. */}}
{{- define "etcd.check" -}}
{{- $problems := list }}
{{- $v := .Values }}
{{- $ours := list "name" "data-dir" "wal-dir" "listen-peer-urls" "listen-client-urls" "initial-advertise-peer-urls" "advertise-client-urls" "initial-cluster" "initial-cluster-state" "initial-cluster-token" "force-new-cluster" "config-file" "discovery" "discovery-srv" "discovery-endpoints" "discovery-token" "discovery-fallback" }}
{{- range $v.extraArgs }}
{{- $flag := regexReplaceAll "^-{1,2}([^= ]*).*$" . "${1}" }}
{{- if has $flag $ours }}
{{- $problems = append $problems (printf "extraArgs: --%s is set by the chart or by etcd-usher; two words about it would stop etcd. Take it out" $flag) }}
{{- end }}
{{- end }}
{{- range $v.extraEnv }}
{{- if has (.name | default "" | trimPrefix "ETCD_" | lower | replace "_" "-") $ours }}
{{- if hasPrefix "ETCD_" .name }}
{{- $problems = append $problems (printf "extraEnv: %s is set by the chart or by etcd-usher; two words about it would stop etcd. Take it out" .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if lt (int $v.terminationGracePeriodSeconds) (add (int $v.usher.leaveTimeoutSeconds) 10 | int) }}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds is %d: it must be at least %d, that is usher.leaveTimeoutSeconds and 10 s for etcd to stop; else a pod is killed while it leaves" (int $v.terminationGracePeriodSeconds) (add (int $v.usher.leaveTimeoutSeconds) 10 | int)) }}
{{- end }}
{{- if and (gt (int $v.ordinals.start) 0) (semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version) }}
{{- $problems = append $problems (printf "ordinals.start needs Kubernetes 1.27 or later, this is %s" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- range $which := list "client" "peer" }}
{{- $tls := get $v.tls $which }}
{{- if and $tls.enabled (not $tls.existingSecret) (not $v.tls.certManager.enabled) }}
{{- $problems = append $problems (printf "tls.%s is enabled and has no certificate: name a secret in tls.%s.existingSecret, or set tls.certManager.enabled" $which $which) }}
{{- end }}
{{- if and (not $tls.enabled) $tls.existingSecret }}
{{- $problems = append $problems (printf "tls.%s.existingSecret is named, and tls.%s.enabled is false: without it etcd speaks plain HTTP" $which $which) }}
{{- end }}
{{- end }}
{{- if and $v.tls.certManager.enabled (not $v.tls.certManager.issuerRef.name) }}
{{- $problems = append $problems "tls.certManager is enabled and tls.certManager.issuerRef.name is empty: name the issuer" }}
{{- end }}
{{- if and $v.tls.client.clientCertAuth (not $v.tls.client.enabled) }}
{{- $problems = append $problems "tls.client.clientCertAuth needs tls.client.enabled" }}
{{- end }}
{{- if and $v.auth.enabled (not $v.auth.existingSecret) }}
{{- $problems = append $problems "auth is enabled and auth.existingSecret is empty: name the secret with the password" }}
{{- end }}
{{- if and $v.auth.enabled $v.tls.client.enabled $v.tls.client.clientCertAuth $v.tls.client.existingSecret (not $v.tls.usher.existingSecret) }}
{{- $problems = append $problems "auth.enabled with tls.client.clientCertAuth: name a secret in tls.usher.existingSecret whose certificate has NO common name (that of tls.client.existingSecret, if it has none). Once authentication is on, etcd's gateway refuses a client certificate with one" }}
{{- end }}
{{- if and (include "etcd.joinIsRemote" .) (not $v.join.endpoints) }}
{{- $problems = append $problems "join has credentials and no join.endpoints: name client URLs of the cluster to join" }}
{{- end }}
{{- if and $v.join.user (not $v.join.passwordSecret) }}
{{- $problems = append $problems "join.user needs join.passwordSecret" }}
{{- end }}
{{- range $which := list "peerUrl" "clientUrl" }}
{{- $url := get $v.advertise $which }}
{{- if and $url (not (or (contains "$(POD_NAME)" $url) (contains "$(POD_INDEX)" $url))) }}
{{- $problems = append $problems (printf "advertise.%s is %q: it must hold $(POD_NAME) or $(POD_INDEX), or all pods would advertise the same address" $which $url) }}
{{- end }}
{{- $scheme := ternary (include "etcd.peerScheme" $) (include "etcd.clientScheme" $) (eq $which "peerUrl") }}
{{- range splitList "," $url }}
{{- if and (trim .) (not (hasPrefix (printf "%s://" $scheme) (trim .))) }}
{{- $problems = append $problems (printf "advertise.%s: %q does not begin with %s://, as tls.%s.enabled says" $which (trim .) $scheme (trimSuffix "Url" $which)) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $v.join.endpoints }}
{{- if not (regexMatch "^(https?://[^/]+:[0-9]+/?|dns:.+:[0-9]+|srv:.+)$" .) }}
{{- $problems = append $problems (printf "join.endpoints: %q is not http(s)://HOST:PORT, dns:NAME:PORT or srv:DOMAIN" .) }}
{{- end }}
{{- end }}
{{- range $name, $value := dict "usher.orphanAfter" $v.usher.orphanAfter "usher.ghostAfter" $v.usher.ghostAfter "usher.janitorAfter" $v.usher.janitorAfter }}
{{- if not (regexMatch "^(|off|[0-9]+(ms|s|m|h))$" $value) }}
{{- $problems = append $problems (printf "%s is %q: a duration such as 30s, 5m or 24h" $name $value) }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^(record|never|once:.+|)$" $v.usher.bootstrap) }}
{{- $problems = append $problems (printf "usher.bootstrap is %q: record, never or once:NAME" $v.usher.bootstrap) }}
{{- end }}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?([KMGTP]i|[kMGTP])?$" $v.persistence.size) }}
{{- $problems = append $problems (printf "persistence.size is %q: a size such as 8Gi" $v.persistence.size) }}
{{- end }}
{{- if not (regexMatch "^[0-9a-fA-F]*$" $v.join.expectClusterId) }}
{{- $problems = append $problems (printf "join.expectClusterId is %q: a cluster ID in hex, as `etcdctl endpoint status --write-out=json` shows it" $v.join.expectClusterId) }}
{{- end }}
{{- if not (has $v.listenAddress (list "0.0.0.0" "[::]")) }}
{{- $problems = append $problems (printf "listenAddress is %q: \"0.0.0.0\" or \"[::]\"; the usher speaks to etcd on 127.0.0.1, and Services on the pod's address" $v.listenAddress) }}
{{- end }}
{{- if and $v.metrics.podMonitor.enabled $v.metrics.serviceMonitor.enabled }}
{{- $problems = append $problems "metrics.podMonitor and metrics.serviceMonitor are both enabled: everything would be counted twice" }}
{{- end }}
{{- if and $v.usher.bootstrap $v.join.endpoints (ne $v.usher.bootstrap "never") }}
{{- $problems = append $problems (printf "usher.bootstrap is %s, and join.endpoints names a cluster to join: one of the two" $v.usher.bootstrap) }}
{{- end }}
{{- if not (kindIs "invalid" $v.service.perPod.count) }}
{{- if and $v.service.perPod.enabled (lt (int $v.service.perPod.count) (int $v.replicaCount)) }}
{{- $problems = append $problems (printf "service.perPod.count is %d, fewer than the %d pods" (int $v.service.perPod.count) (int $v.replicaCount)) }}
{{- end }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\n%d of the values cannot be used as they are:\n  - %s\n" (len $problems) (join "\n  - " $problems)) }}
{{- end }}
{{- end }}
