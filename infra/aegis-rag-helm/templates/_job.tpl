{{/* The pod of a job up to its container's command: restricted, without a token, with room in /tmp. */}}
{{- define "aegis.job" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- if eq .name "init" }}
serviceAccountName: aegis
{{- end }}
{{- include "aegis.pullSecrets" .root }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
containers:
  - name: {{ .name }}
    image: {{ .image | default (include "aegis.image" (dict "root" .root "name" "light")) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    resources:
      requests: {cpu: 100m, memory: 512Mi}
      limits: {cpu: "1", memory: 512Mi}
    securityContext: {{- include "aegis.restricted" (dict "user" 65532 "readOnly" true) | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
{{- end }}
