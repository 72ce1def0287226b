{{/* What one gate of the values comes to, as "leadergate gate render" makes it. Each takes {gate, ref, values}. */}}

{{- define "leadergate.gate.name" -}}
{{- $lease := splitList "/" .gate.lease }}
{{- default (printf "%s.%s.leadergate.dev" (last $lease) (first $lease)) .gate.name }}
{{- end }}

{{- define "leadergate.gate.failurePolicy" -}}
{{- default (eq (default "audit" .gate.mode) "enforce" | ternary "Fail" "Ignore") .gate.failurePolicy }}
{{- end }}

{{/* Whose pods write. */}}
{{- define "leadergate.gate.from" -}}
{{- default (splitList "/" .gate.lease | first) .gate.from }}
{{- end }}

{{- define "leadergate.gate.path" -}}
{{- $gate := .gate -}}
/{{ default "audit" $gate.mode }}/{{ $gate.lease }}
{{- if ne (include "leadergate.gate.from" .) (splitList "/" $gate.lease | first) }}/from/{{ $gate.from }}{{ end }}
{{- with $gate.identity }}/identity/{{ . }}{{ end }}
{{- with $gate.suffix }}/suffix/{{ . }}{{ end }}
{{- with $gate.random }}/random/{{ int . }}{{ end }}
{{- with $gate.code }}/code/{{ int . }}{{ end }}
{{- with $gate.retryAfter }}/retry-after/{{ int . }}{{ end }}
{{- end }}

{{/* One rule for each group and version, in the order in which they come. */}}
{{- define "leadergate.gate.rules" -}}
{{- $order := list }}
{{- $shared := dict }}
{{- range uniq .gate.resources }}
{{- $parts := splitn "." 3 . }}
{{- $served := printf "%s/%s" $parts._2 $parts._1 }}
{{- $order = append $order $served | uniq }}
{{- $_ := set $shared $served (append (default list (get $shared $served)) (printf "%s/status" $parts._0)) }}
{{- end }}
{{- range $order }}
- apiGroups: [{{ splitList "/" . | first | quote }}]
  apiVersions: [{{ splitList "/" . | last }}]
  resources: {{ get $shared . | toJson }}
  operations: [UPDATE]
  scope: "*"
{{- end }}
{{- end }}

{{/* By the label that the API server itself keeps on every namespace. Cluster-scoped objects pass any selector. */}}
{{- define "leadergate.gate.namespaceSelector" -}}
{{- $namespaces := default (list (include "leadergate.gate.from" .)) .gate.namespaces | uniq }}
{{- if .gate.allNamespaces }}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: [kube-system, kube-public, kube-node-lease, {{ .ref.namespace | quote }}]
{{- else if eq (len $namespaces) 1 }}
matchLabels:
  kubernetes.io/metadata.name: {{ first $namespaces | quote }}
{{- else }}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: In
    values: {{ toJson $namespaces }}
{{- end }}
{{- end }}

{{/* {users, groups} that write unjudged; a service account is the user that it is. */}}
{{- define "leadergate.gate.allowed" -}}
{{- $users := list }}
{{- $groups := list }}
{{- range .gate.allow }}
{{- if hasPrefix "user:" . }}
{{- $users = append $users (trimPrefix "user:" .) }}
{{- else if hasPrefix "group:" . }}
{{- $groups = append $groups (trimPrefix "group:" .) }}
{{- else }}
{{- $users = append $users (include "leadergate.username" (trimPrefix "serviceaccount:" .)) }}
{{- end }}
{{- end }}
{{- dict "users" (uniq $users) "groups" (uniq $groups) | toJson }}
{{- end }}

{{/* What the API server calls the service account NAMESPACE/NAME. */}}
{{- define "leadergate.username" -}}
system:serviceaccount:{{ . | replace "/" ":" }}
{{- end }}

{{/* The API server asks about a write when all of them hold. One that fails is a refusal, so groups are optional. */}}
{{- define "leadergate.gate.matchConditions" -}}
{{- $allowed := include "leadergate.gate.allowed" . | fromJson }}
{{- with uniq (default list .gate.onlyServiceAccounts) }}
{{- $names := list }}
{{- range . }}
{{- $names = append $names (include "leadergate.username" .) }}
{{- end }}
- name: only-service-account
  expression: {{ printf "request.userInfo.username in %s" (include "leadergate.cel" $names) | toJson }}
{{- end }}
{{- with $allowed.users }}
- name: allow-users
  expression: {{ printf "!(request.userInfo.username in %s)" (include "leadergate.cel" .) | toJson }}
{{- end }}
{{- with $allowed.groups }}
- name: allow-groups
  expression: {{ printf "!(has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in %s))" (include "leadergate.cel" .) | toJson }}
{{- end }}
{{- end }}

{{/*
A list of CEL string literals in printable ASCII. Go's %+q writes what is not a control character just as CEL reads it;
control characters are refused.
*/}}
{{- define "leadergate.cel" -}}
{{- $quoted := list }}
{{- range . }}
{{- $quoted = append $quoted (printf "%+q" .) }}
{{- end -}}
[{{ join ", " $quoted }}]
{{- end }}
