{{/*
All objects of one gate: the right to read its Lease, the right to put the caBundle into its configuration, and last the
configuration, which makes the API server ask. Never with a caBundle: applying again would take away what was injected.
*/}}
{{- define "leadergate.gate" -}}
{{- $name := include "leadergate.gate.name" . }}
{{- $lease := splitList "/" .gate.lease }}
{{- $self := eq .values.certificates.source "self" }}
{{- $read := dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "resourceNames" (list (last $lease)) "verbs" (list "get") }}
{{- $write := dict "apiGroups" (list "admissionregistration.k8s.io") "resources" (list "validatingwebhookconfigurations") "resourceNames" (list $name) "verbs" (list "patch") }}
{{- $metadata := dict "name" $name }}
{{- with .values.commonLabels }}
{{- $metadata = dict "name" $name "labels" . }}
{{- end }}
{{- include "leadergate.gate.granted" (dict "ref" .ref "scope" "" "metadata" (merge (dict "namespace" (first $lease)) $metadata) "rule" $read) }}
---
{{- if $self }}
{{- include "leadergate.gate.granted" (dict "ref" .ref "scope" "Cluster" "metadata" $metadata "rule" $write) }}
---
{{- end }}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ $name }}
  {{- if or $self .values.commonLabels }}
  labels:
    {{- with .values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if $self }}
    certs.leadergate.dev/inject: {{ .ref.namespace | quote }}
    {{- end }}
  {{- end }}
  {{- if eq .values.certificates.source "certManager" }}
  annotations:
    cert-manager.io/inject-ca-from: {{ .ref.namespace }}/{{ .ref.certificate }}
  {{- end }}
webhooks:
  - name: {{ $name }}
    admissionReviewVersions: [v1]
    clientConfig:
      service:
        namespace: {{ .ref.namespace | quote }}
        name: {{ .ref.service | quote }}
        port: {{ int .ref.port }}
        path: {{ include "leadergate.gate.path" . }}
    rules: {{- include "leadergate.gate.rules" . | trim | nindent 6 }}
    # A write through another version of the same resource is asked about too.
    matchPolicy: Equivalent
    namespaceSelector: {{- include "leadergate.gate.namespaceSelector" . | trim | nindent 6 }}
    {{- with include "leadergate.gate.matchConditions" . }}
    matchConditions: {{- trim . | nindent 6 }}
    {{- end }}
    failurePolicy: {{ include "leadergate.gate.failurePolicy" . }}
    sideEffects: None
    timeoutSeconds: {{ int (default 3 .gate.timeoutSeconds) }}
{{- end }}

{{/* A role of one rule, and its binding to the webhook's account. Takes {ref, scope, metadata, rule}. */}}
{{- define "leadergate.gate.granted" }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .scope }}Role
metadata: {{- toYaml .metadata | nindent 2 }}
rules:
  - {{ toYaml .rule | nindent 4 | trim }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .scope }}RoleBinding
metadata: {{- toYaml .metadata | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ .scope }}Role, name: {{ .metadata.name }}}
subjects:
  - {kind: ServiceAccount, namespace: {{ .ref.namespace | quote }}, name: {{ .ref.serviceAccount | quote }}}
{{- end }}
