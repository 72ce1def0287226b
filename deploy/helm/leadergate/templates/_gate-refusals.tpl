{{/*
What no gate may do, a line each, as "leadergate gate render" refuses it: see webhook/leadergate/gates/refusals.py.
Takes {gate, ref, values}; the schema has judged types and ranges.
*/}}
{{- define "leadergate.gate.faults" -}}
{{- $malformed := include "leadergate.gate.formFaults" . | trim }}
{{- $malformed | default (include "leadergate.gate.senseFaults" .) }}
{{- end }}

{{/* Texts that are not of their form: what they mean is then not asked. */}}
{{- define "leadergate.gate.formFaults" -}}
{{- $label := "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?" }}
{{- $subdomain := "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*" }}
{{- $pair := printf "^%s/%s$" $label $subdomain }}
{{- if or (not (regexMatch $pair .gate.lease)) (gt (splitList "/" .gate.lease | last | len) 253) }}
lease {{ printf "%q" .gate.lease }}: expected NAMESPACE/NAME; see the names with kubectl get leases --all-namespaces
{{- end }}
{{- if and .gate.name (or (not (regexMatch (printf "^%s$" $subdomain) .gate.name)) (lt (splitList "." .gate.name | len) 3) (gt (len .gate.name) 253)) }}
name {{ printf "%q" .gate.name }}: expected a DNS-1123 subdomain of three labels or more, at most 253 characters; such as redirect-status.example.org
{{- end }}
{{- range .gate.onlyServiceAccounts }}
{{- if not (regexMatch $pair .) }}
onlyServiceAccounts {{ printf "%q" . }}: expected NAMESPACE/NAME of a service account; see kubectl get serviceaccounts --all-namespaces
{{- end }}
{{- end }}
{{- range .gate.allow }}
{{- if regexMatch "[\\x00-\\x1f\\x7f]" . }}
allow {{ printf "%q" . }}: holds a control character; mend the name
{{- else if not (regexMatch (printf "^(user|group):.|^serviceaccount:%s/%s$" $label $subdomain) .) }}
allow {{ printf "%q" . }}: expected user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME; kubectl auth whoami shows the user and the groups of somebody
{{- end }}
{{- end }}
{{- end }}

{{- define "leadergate.gate.senseFaults" -}}
{{- $gate := .gate }}
{{- $ref := .ref }}
{{- $from := include "leadergate.gate.from" . }}
{{- include "leadergate.gate.leaseFaults" . }}
{{- range $gate.resources }}
{{- include "leadergate.gate.resourceFaults" . }}
{{- end }}
{{- $name := include "leadergate.gate.name" . }}
{{- if gt (len $name) 253 }}
name {{ printf "%q" $name }}: is longer than 253 characters; give a shorter one with name
{{- end }}
{{- if and $gate.suffix $gate.random }}
suffix {{ printf "%q" $gate.suffix }}: excludes random; leave one of the two out
{{- end }}
{{- if and $gate.retryAfter (ne (int $gate.code) 429) }}
retryAfter {{ int $gate.retryAfter }}: goes only with code 429; leave it out, or set code: 429
{{- end }}
{{- if and $gate.namespaces $gate.allNamespaces }}
namespaces {{ toJson $gate.namespaces }}: excludes allNamespaces; leave one of the two out
{{- else if not $gate.allNamespaces }}
{{- $taken := empty $gate.namespaces | ternary (printf " (taken from %s)" (empty $gate.from | ternary "lease" "from")) "" }}
{{- range default (list $from) $gate.namespaces }}
{{- if has . (list "kube-system" "kube-public" "kube-node-lease") }}
namespace {{ printf "%q" . }}{{ $taken }}: the cluster's own components live there; name others with namespaces, or all others with allNamespaces
{{- else if eq . $ref.namespace }}
namespace {{ printf "%q" . }}{{ $taken }}: the gate itself runs there, and must not wait for itself; name others with namespaces, or all others with allNamespaces
{{- end }}
{{- end }}
{{- end }}
{{- range $gate.onlyServiceAccounts }}
{{- if eq . (printf "%s/%s" $ref.namespace $ref.serviceAccount) }}
onlyServiceAccounts {{ printf "%q" . }}: is the gate's own account; name the operator's
{{- else if ne (splitList "/" . | first) $from }}
onlyServiceAccounts {{ printf "%q" . }}: its pods are of another namespace than {{ printf "%q" $from }}, and each of their writes would be denied; name its namespace with from: {{ splitList "/" . | first }}
{{- end }}
{{- end }}
{{- include "leadergate.gate.allowFaults" . }}
{{- end }}

{{- define "leadergate.gate.leaseFaults" -}}
{{- $namespace := splitList "/" .gate.lease | first }}
{{- $name := splitList "/" .gate.lease | last }}
{{- if eq $namespace "kube-node-lease" }}
lease {{ printf "%q" .gate.lease }}: is a node's heartbeat, which no pod holds; name the operator's own Lease
{{- else if and (eq $namespace "kube-system") (regexMatch "^(kube-controller-manager|kube-scheduler|cloud-controller-manager)$|^apiserver-" $name) }}
lease {{ printf "%q" .gate.lease }}: is the control plane's, whose processes have no pod in their credentials; name the operator's own Lease
{{- end }}
{{- end }}

{{/* Takes one of the gate's resources. */}}
{{- define "leadergate.gate.resourceFaults" -}}
{{- $manager := list "apps" "batch" "autoscaling" "policy" "certificates.k8s.io" "storagemigration.k8s.io" }}
{{- $server := list "apiextensions.k8s.io" "apiregistration.k8s.io" "flowcontrol.apiserver.k8s.io" "internal.apiserver.k8s.io" }}
{{- $form := "expected RESOURCE.VERSION.GROUP, such as redirects.v1.demo.leadergate.dev" }}
{{- $own := "gate the status of your own resources" }}
{{- $parts := splitn "." 3 . }}
{{- $group := default "" $parts._2 }}
{{- if contains "*" . }}
resource {{ printf "%q" . }}: a wildcard would take in what the cluster lives on, Leases and nodes among it; name each resource
{{- else if regexMatch "/status($|\\.)" . }}
resource {{ printf "%q" . }}: {{ $form }}; leave "/status" out, it is what a gate is about
{{- else if regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?(\\.core)?$" . }}
resource {{ printf "%q" . }}: is of the core group, whose status the kubelet and kube-controller-manager write: nodes and pods would fail; {{ $own }}
{{- else if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$" .) }}
resource {{ printf "%q" . }}: {{ $form }}; see NAME and APIVERSION in kubectl api-resources
{{- else if gt (len $group) 253 }}
resource {{ printf "%q" . }}: its group is longer than 253 characters; see NAME and APIVERSION in kubectl api-resources
{{- else if eq $group "coordination.k8s.io" }}
resource {{ printf "%q" . }}: this is how leaders are elected and nodes tell that they live: the gate would hold up its own Lease; {{ $own }}
{{- else if eq $group "admissionregistration.k8s.io" }}
resource {{ printf "%q" . }}: the API server asks no webhook about these, for they could lock it out; {{ $own }}
{{- else if eq $group "resource.k8s.io" }}
resource {{ printf "%q" . }}: its status is written by kube-scheduler, the kubelet and kube-controller-manager, which would be turned away; {{ $own }}
{{- else if or (has $group $manager) (and (eq $group "networking.k8s.io") (eq $parts._0 "servicecidrs")) }}
resource {{ printf "%q" . }}: its status is written by kube-controller-manager, which would be turned away; {{ $own }}
{{- else if has $group $server }}
resource {{ printf "%q" . }}: its status is written by kube-apiserver, which would be turned away; {{ $own }}
{{- end }}
{{- end }}

{{- define "leadergate.gate.allowFaults" -}}
{{- $allowed := include "leadergate.gate.allowed" . | fromJson }}
{{- $judged := list }}
{{- range .gate.onlyServiceAccounts }}
{{- $judged = append $judged (include "leadergate.username" .) }}
{{- end }}
{{- range $allowed.users }}
{{- if eq . "system:anonymous" }}
allow {{ printf "%q" (print "user:" .) }}: nobody has shown who they are; name users or groups that are authenticated
{{- else if has . $judged }}
allow {{ printf "%q" (print "user:" .) }}: is named by onlyServiceAccounts as well, so that nobody would be judged for it; leave one of the two out
{{- end }}
{{- end }}
{{- range $allowed.groups }}
{{- if eq . "system:unauthenticated" }}
allow {{ printf "%q" (print "group:" .) }}: nobody has shown who they are; name users or groups that are authenticated
{{- else if eq . "system:authenticated" }}
allow {{ printf "%q" (print "group:" .) }}: everybody is in this group, so that nobody would be judged; name fewer
{{- else if eq . "system:serviceaccounts" }}
allow {{ printf "%q" (print "group:" .) }}: every pod is in this group, so that nobody would be judged; name fewer
{{- else if eq . (printf "system:serviceaccounts:%s" (include "leadergate.gate.from" $)) }}
allow {{ printf "%q" (print "group:" .) }}: the writers to be judged are in this group, so that nobody would be judged; name fewer
{{- end }}
{{- end }}
{{- end }}
