{{/*
What would be broken that is in force in the cluster, a line each. Only "helm install" and "helm upgrade" see a cluster:
"helm template" finds nothing by lookup. Gates with failurePolicy Ignore are not counted, since their writes go through.
*/}}
{{- define "leadergate.inForce.faults" -}}
{{- if .Release.IsUpgrade }}
{{- range (lookup "v1" "Service" .Release.Namespace "").items }}
{{- if eq (dig "annotations" "meta.helm.sh/release-name" "" .metadata) $.Release.Name }}
{{- include "leadergate.inForce.changes" (dict "root" $ "service" .metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not .Values.server.enabled }}
{{- include "leadergate.inForce.reference" . }}
{{- end }}
{{- end }}

{{/* What an upgrade would change beneath gates that ask the Service. Takes {root, service}. */}}
{{- define "leadergate.inForce.changes" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $old := .service }}
{{- $asking := list }}
{{- $ports := list }}
{{- range (lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "").items }}
{{- $configuration := .metadata.name }}
{{- range .webhooks }}
{{- $service := dig "clientConfig" "service" dict . }}
{{- if and (eq .failurePolicy "Fail") (eq (dig "namespace" "" $service) $root.Release.Namespace) (eq (dig "name" "" $service) $old) }}
{{- $asking = append $asking $configuration | uniq }}
{{- $ports = append $ports (dig "port" 443 $service | int) | uniq }}
{{- end }}
{{- end }}
{{- end }}
{{- if $asking }}
{{- $remedy := printf "set failurePolicy Ignore in each of them first (%s), and Fail again afterwards" (join ", " $asking) }}
{{- if not $values.server.enabled }}
server.enabled false: takes away Service {{ $old }}, which {{ len $asking }} gate(s) with failurePolicy Fail ask, and status writes would be refused; take these gates away first, or give gates a release of their own
{{- else }}
{{- $name := include "leadergate.fullname" $root }}
{{- if ne $name $old }}
fullnameOverride, nameOverride: what was {{ printf "%q" $old }} would be called {{ printf "%q" $name }}, while {{ len $asking }} gate(s) with failurePolicy Fail ask the old Service, and status writes would be refused; leave the name as it is, or install a second release beside this one and let the gates ask that
{{- else }}
{{- range $ports }}
{{- if ne . (int $values.service.port) }}
service.port {{ int $values.service.port }}: gate(s) with failurePolicy Fail ask port {{ . }}, and status writes would be refused; leave it as it is, or {{ $remedy }}
{{- end }}
{{- end }}
{{- include "leadergate.inForce.pods" (dict "root" $root "deployment" (lookup "apps/v1" "Deployment" $root.Release.Namespace $old) "remedy" $remedy) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What new pods would not have that old ones have. Takes {root, deployment, remedy}. */}}
{{- define "leadergate.inForce.pods" -}}
{{- $root := .root }}
{{- $source := .root.Values.certificates.source }}
{{- with dig "spec" "template" "spec" dict .deployment }}
{{- $account := include "leadergate.serviceAccount" $root }}
{{- if ne .serviceAccountName $account }}
serviceAccount.name {{ printf "%q" $account }}: gates gave the right to read their Leases to {{ printf "%q" .serviceAccountName }}, and status writes would be refused; leave it as it is, or {{ $.remedy }}, with webhookRef.serviceAccount: {{ $account }}
{{- end }}
{{- $secret := "" }}
{{- range (first .containers).args }}
{{- if hasPrefix "--certs-secret=" . }}
{{- $secret = splitList "/" . | last }}
{{- end }}
{{- end }}
{{- $wanted := include "leadergate.secret" $root }}
{{- if and (empty $secret) (eq $source "self") }}
certificates.source self: the gates trust the authority of another Secret until the webhook has put its own into them, and status writes would be refused; leave it as it is, or {{ $.remedy }}
{{- else if and $secret (eq $source "certManager") }}
certificates.source certManager: the gates trust the webhook's own authority until cert-manager has put its own into them, and status writes would be refused; leave it as it is, or {{ $.remedy }}
{{- else if and $secret (ne $secret $wanted) }}
{{- $here := lookup "v1" "Secret" $root.Release.Namespace $secret }}
{{- $there := lookup "v1" "Secret" $root.Release.Namespace $wanted }}
{{- if ne (dig "data" "ca.crt" "" $here) (dig "data" "ca.crt" "" $there) }}
certificates.secretName {{ printf "%q" $wanted }}: holds another authority than {{ printf "%q" $secret }}, which the gates trust, or is not there: new replicas would not become ready, or status writes be refused; leave it as it is, or copy Secret {{ $secret }} to {{ $wanted }} first
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Gates alone: is there what they would ask? */}}
{{- define "leadergate.inForce.reference" -}}
{{- $root := . }}
{{- $ref := include "leadergate.ref" . | fromYaml }}
{{- $closed := false }}
{{- range .Values.gates }}
{{- if eq (include "leadergate.gate.failurePolicy" (dict "gate" .)) "Fail" }}
{{- $closed = true }}
{{- end }}
{{- end }}
{{- if $closed }}
{{- with lookup "v1" "Service" $ref.namespace "" }}
{{- $ports := list }}
{{- $there := false }}
{{- range .items }}
{{- if eq .metadata.name $ref.service }}
{{- $there = true }}
{{- range .spec.ports }}
{{- $ports = append $ports (int .port) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not $there }}
webhookRef: there is no Service {{ $ref.namespace }}/{{ $ref.service }}, and a gate with failurePolicy Fail would have every status write refused; install the server first, or name it with webhookRef (kubectl get services --all-namespaces -l app.kubernetes.io/name=leadergate)
{{- else if not (has (int $ref.port) $ports) }}
webhookRef.port {{ int $ref.port }}: Service {{ $ref.namespace }}/{{ $ref.service }} has {{ join ", " $ports }}, and a gate with failurePolicy Fail would have every status write refused; name its port "https"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
