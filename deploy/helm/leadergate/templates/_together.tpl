{{/* Why a gate that refuses writes is not of the server's release. Takes {at, name, root}. */}}
{{- define "leadergate.together" -}}
{{- $release := .root.Release -}}
gates[{{ .at }}] failurePolicy "Fail" ({{ .name }}): with the server in the same release, status writes are refused from the moment that
    the gate is there until a replica is ready, and for good when the install or an upgrade fails half-way. Install the server
    first, and the gates as a release of their own, which is also to be taken away first:
      helm install {{ $release.Name }} CHART --namespace {{ $release.Namespace }} --create-namespace --wait
      helm install {{ $release.Name }}-gates CHART --namespace {{ $release.Namespace }} --set server.enabled=false --set webhookRef.namespace={{ $release.Namespace }} --set webhookRef.service={{ include "leadergate.fullname" .root }} --set webhookRef.serviceAccount={{ include "leadergate.serviceAccount" .root }}{{ with .root.Values.certificates.source }}{{ if ne . "self" }} --set certificates.source={{ . }}{{ end }}{{ end }} --values gates.yaml
    Or begin with failurePolicy Ignore, which may be here
{{- end }}
