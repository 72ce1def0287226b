{{- define "leadergate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* What the objects are called. Room is left for the suffixes, since a Service's name has at most 63 characters. */}}
{{- define "leadergate.fullname" -}}
{{- $name := include "leadergate.name" . }}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $release .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "leadergate.serviceAccount" -}}
{{- default (include "leadergate.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "leadergate.secret" -}}
{{- default (printf "%s-tls" (include "leadergate.fullname" .)) .Values.certificates.secretName }}
{{- end }}

{{- define "leadergate.priorityClass" -}}
{{- .Values.priorityClass.create | ternary (default (include "leadergate.fullname" .) .Values.priorityClass.name) .Values.priorityClass.name }}
{{- end }}

{{- define "leadergate.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- define "leadergate.selector" -}}
app.kubernetes.io/name: {{ include "leadergate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "leadergate.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/name: {{ include "leadergate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* Where the webhook is: this release's, or the one that webhookRef names. */}}
{{- define "leadergate.ref" -}}
{{- if .Values.server.enabled }}
{{- $name := include "leadergate.fullname" . }}
{{- dict "namespace" .Release.Namespace "service" $name "port" .Values.service.port "serviceAccount" (include "leadergate.serviceAccount" .) "certificate" $name | toYaml }}
{{- else }}
{{- .Values.webhookRef | toYaml }}
{{- end }}
{{- end }}

{{- define "leadergate.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "leadergate.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Of the Pod of "helm test", which no selector of the webhook's may find. */}}
{{- define "leadergate.testLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: test
{{- end }}

{{/* The command that checks this installation, with what is not as it is by default. */}}
{{- define "leadergate.doctor" -}}
{{- $ref := include "leadergate.ref" . | fromYaml -}}
leadergate doctor
{{- if or (ne $ref.namespace "leadergate-system") (ne $ref.service "leadergate") }} --service {{ $ref.namespace }}/{{ $ref.service }}{{ end }}
{{- if ne $ref.serviceAccount $ref.service }} --account {{ $ref.namespace }}/{{ $ref.serviceAccount }}{{ end }}
{{- if and .Values.server.enabled (ne (include "leadergate.secret" .) "leadergate-tls") }} --secret {{ $ref.namespace }}/{{ include "leadergate.secret" . }}{{ end }}
{{- end }}
