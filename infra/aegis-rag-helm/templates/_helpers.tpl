{{/* The image of a function: registry/repository/name:tag. */}}
{{- define "aegis.image" -}}
{{- $image := .root.Values.image -}}
{{- printf "%s/%s/%s:%s" $image.registry $image.repository .name ($image.tag | default .root.Chart.AppVersion) -}}
{{- end }}

{{- define "aegis.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The security context of every container, under the Pod Security profile `restricted`. */}}
{{- define "aegis.restricted" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
readOnlyRootFilesystem: {{ .readOnly }}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Where events are posted. */}}
{{- define "aegis.sink" -}}
{{- $broker := .Values.knative.broker -}}
{{- $ingresses := dict "Kafka" "kafka-broker-ingress" "MTChannelBasedBroker" "broker-ingress" -}}
{{- if $broker.url -}}
{{- $broker.url -}}
{{- else if and .Values.knative.eventing (hasKey $ingresses $broker.class) -}}
{{- printf "http://%s.knative-eventing.svc.cluster.local/%s/default" (get $ingresses $broker.class) .Release.Namespace -}}
{{- else -}}
{{- fail "knative.broker.url is empty: set it to the address to which events are posted" -}}
{{- end -}}
{{- end }}

{{/* The address of a store: its url, or its Service where the chart runs it; empty where there is none. */}}
{{- define "aegis.address" -}}
{{- $store := index .root.Values.stores .name -}}
{{- if $store.enabled -}}{{ .scheme }}://{{ .name }}:{{ .port }}{{- else -}}{{ $store.url }}{{- end -}}
{{- end }}

{{- define "aegis.config" -}}
{{- $stores := .Values.stores -}}
{{- $found := dict
  "K_SINK" (include "aegis.sink" .)
  "AEGIS_S3_BUCKET" $stores.objects.bucket
  "AWS_DEFAULT_REGION" ($stores.objects.region | default (ternary "us-east-1" "" $stores.objects.enabled))
  "AWS_ENDPOINT_URL_S3" (include "aegis.address" (dict "root" . "name" "objects" "scheme" "http" "port" 8333))
  "AEGIS_QDRANT_URL" (include "aegis.address" (dict "root" . "name" "qdrant" "scheme" "http" "port" 6333) | required "stores.qdrant: neither enabled nor a url")
  "AEGIS_NEO4J_URI" (include "aegis.address" (dict "root" . "name" "neo4j" "scheme" "neo4j" "port" 7687))
  "AEGIS_OLLAMA_URL" (include "aegis.address" (dict "root" . "name" "ollama" "scheme" "http" "port" 11434))
  "AEGIS_PROXY_CONFIG" (ternary "/etc/aegis/proxy.yaml" "" (ne .Values.proxy ""))
-}}
{{- if .Values.pool.workers -}}
{{- $_ := set $found "AEGIS_POOL_WORKERS" (toString .Values.pool.workers) -}}
{{- end -}}
{{- if .Values.pool.docling -}}
{{- $_ := set $found "AEGIS_PDF_ENGINE" "docling" -}}
{{- $_ := set $found "DOCLING_ARTIFACTS_PATH" "/opt/docling" -}}
{{- end -}}
{{- range $key, $value := merge (deepCopy .Values.config) $found }}
{{- if ne $value "" }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether a function runs: the pool where it has workers, the graph where there is one. */}}
{{- define "aegis.runs" -}}
{{- $given := index .root.Values.functions .name | default dict -}}
{{- $neo4j := .root.Values.stores.neo4j -}}
{{- $off := and (hasKey $given "enabled") (not $given.enabled) -}}
{{- $off = or $off (and .function.isPool (not .root.Values.pool.workers)) -}}
{{- $off = or $off (and .function.needsGraph (not (or $neo4j.enabled $neo4j.url))) -}}
{{- if not $off -}}yes{{- end -}}
{{- end }}

{{/* A rendered Service with the values of this release in its pod, as YAML. */}}
{{- define "aegis.service" -}}
{{- $values := .root.Values -}}
{{- $function := .function -}}
{{- $given := index $values.functions .name | default dict -}}
{{- $service := deepCopy .manifest -}}
{{- $template := $service.spec.template -}}
{{- $pod := $template.spec -}}
{{- $container := index $pod.containers 0 -}}
{{- $docling := and $function.docling $values.pool.docling -}}
{{- $image := $function.image -}}
{{- if $docling -}}
{{- $image = $function.docling.image -}}
{{- $cards := dict "nvidia.com/gpu" (toString $function.docling.cards) "memory" $function.docling.memory -}}
{{- $_ := mergeOverwrite $container.resources.requests $cards -}}
{{- $_ := mergeOverwrite $container.resources.limits $cards -}}
{{- end -}}
{{- $_ := set $container "image" (include "aegis.image" (dict "root" .root "name" $image)) -}}
{{- $_ := set $container "imagePullPolicy" $values.image.pullPolicy -}}
{{- if $function.isPool -}}
{{- with $values.pool.runtimeClassName }}{{ $_ := set $pod "runtimeClassName" . }}{{ end -}}
{{- with $values.pool.nodeSelector }}{{ $_ := set $pod "nodeSelector" . }}{{ end -}}
{{- with $values.pool.tolerations }}{{ $_ := set $pod "tolerations" . }}{{ end -}}
{{- end -}}
{{- with $values.image.pullSecrets -}}
{{- $named := list -}}
{{- range . }}{{ $named = append $named (dict "name" .) }}{{ end -}}
{{- $_ := set $pod "imagePullSecrets" $named -}}
{{- end -}}
{{- range $container.env -}}
{{- if hasKey .valueFrom "secretKeyRef" }}{{ $_ := set .valueFrom.secretKeyRef "name" $values.secrets.name }}{{ end -}}
{{- end -}}
{{- range $key, $value := $given.env | default dict -}}
{{- $env := list (dict "name" $key "value" $value) -}}
{{- range $container.env }}{{ if ne .name $key }}{{ $env = append $env . }}{{ end }}{{ end -}}
{{- $_ := set $container "env" $env -}}
{{- end -}}
{{- $annotations := $template.metadata.annotations -}}
{{- $prefix := "autoscaling.knative.dev" -}}
{{- if hasKey $given "minScale" }}{{ $_ := set $annotations (printf "%s/min-scale" $prefix) (toString $given.minScale) }}{{ end -}}
{{- if hasKey $given "maxScale" }}{{ $_ := set $annotations (printf "%s/max-scale" $prefix) (toString $given.maxScale) }}{{ end -}}
{{- if hasKey $given "concurrency" -}}
{{- $_ := set $pod "containerConcurrency" $given.concurrency -}}
{{- if not $function.isPool }}{{ $_ := set $annotations (printf "%s/target" $prefix) (toString $given.concurrency) }}{{ end -}}
{{- end -}}
{{- with $given.cpu }}{{ $_ := set $container.resources.limits "cpu" . }}{{ $_ := set $container.resources.requests "cpu" . }}{{ end -}}
{{- with $given.memory -}}
{{- $_ := set $container.resources.limits "memory" . -}}
{{- $_ := set $container.resources.requests "memory" . -}}
{{- end -}}
{{- $_ := set $annotations "aegisrag/checksum" (printf "%s%s" (include "aegis.config" .root) $values.proxy | sha256sum) -}}
{{- if $values.knative.clusterLocal }}{{ $_ := set $service.metadata.labels "networking.knative.dev/visibility" "cluster-local" }}{{ end -}}
{{- $_ := set $service.metadata.labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) -}}
{{ toYaml $service }}
{{- end }}
