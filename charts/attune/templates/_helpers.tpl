{{- define "attune.labels" -}}
app.kubernetes.io/name: attune
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "attune.selector" -}}
app.kubernetes.io/name: attune
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "attune.image" -}}
{{- $registry := .root.Values.image.registry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* What every container here is held to: the restricted profile of the pod security standards. */}}
{{- define "attune.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "attune.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "attune.connections" -}}
- name: ATTUNE__DATABASE__URL
  valueFrom: {secretKeyRef: {name: {{ .Values.connections.existingSecret }}, key: database-url}}
- name: ATTUNE__MESSAGE_QUEUE__URL
  valueFrom: {secretKeyRef: {name: {{ .Values.connections.existingSecret }}, key: message-queue-url}}
{{- with .Values.connections.allowInsecure }}
- name: ATTUNE__SECURITY__ALLOW_INSECURE
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}

{{- define "attune.server" -}}
{{ .Release.Name }}-server
{{- end }}
