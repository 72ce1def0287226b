{{/* The values of "settings" as environment variables: maxInFlight is LEADERGATE_MAX_IN_FLIGHT. */}}
{{- define "leadergate.settings" -}}
{{- $settings := .Values.settings }}
{{- if .Values.nudge }}
{{- $settings = merge (dict "nudge" true) $settings }}
{{- end }}
{{- if .Values.rejectionEvents.enabled }}
{{- $settings = merge (dict "rejectionEvents" true) $settings }}
{{- end }}
{{- range $name, $value := $settings }}
- name: LEADERGATE_{{ $name | snakecase | upper }}
  value: {{ include "leadergate.plain" $value | quote }}
{{- end }}
{{- end }}

{{/* Numbers of a values file are floating-point ones, and large ones would be written 1e+06. */}}
{{- define "leadergate.plain" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Seconds: the drain, 31 for the last review under way, and 7 for Events, copies of records and the end itself. */}}
{{- define "leadergate.grace" -}}
{{- $drain := 10 }}
{{- if hasKey .Values.settings "drainSeconds" }}
{{- $drain = ceil .Values.settings.drainSeconds }}
{{- end }}
{{- add $drain 31 7 }}
{{- end }}
