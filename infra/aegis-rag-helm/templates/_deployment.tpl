{{/* A function without Knative Serving: a Deployment, its Service, and an autoscaler at 70 % CPU. */}}
{{- define "aegis.deployment" -}}
{{- $template := .service.spec.template -}}
{{- $pod := omit $template.spec "containerConcurrency" "timeoutSeconds" "responseStartTimeoutSeconds" -}}
{{- $_ := set $pod "terminationGracePeriodSeconds" .function.timeout -}}
{{- $container := index $pod.containers 0 -}}
{{- $_ := set $container "name" .name -}}
{{- range $probe := list "livenessProbe" "readinessProbe" "startupProbe" -}}
{{- with get $container $probe }}{{ $_ := set .httpGet "port" 8080 }}{{ end -}}
{{- end -}}
{{- $_ := mergeOverwrite $container.readinessProbe (dict "periodSeconds" 5 "timeoutSeconds" 5 "failureThreshold" 3) -}}
{{- $scale := $template.metadata.annotations -}}
{{- $least := max 1 (index $scale "autoscaling.knative.dev/min-scale" | int) -}}
{{- $labels := $template.metadata.labels -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  selector:
    matchLabels: {{- toYaml $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- toYaml $labels | nindent 8 }}
      annotations:
        aegisrag/checksum: {{ index $scale "aegisrag/checksum" }}
    spec: {{- toYaml $pod | nindent 6 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  selector: {{- toYaml $labels | nindent 4 }}
  ports:
    - {name: http, port: 80, targetPort: 8080}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .name }}}
  minReplicas: {{ $least }}
  maxReplicas: {{ max $least (index $scale "autoscaling.knative.dev/max-scale" | int) }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
{{- end }}
