{{- define "three-classrooms.labels" -}}
app.kubernetes.io/name: three-classrooms
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "three-classrooms.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "three-classrooms.claim" -}}
{{ .Values.journals.existingClaim | default (printf "%s-journals" .Release.Name) }}
{{- end }}

{{/* What every process is told; secrets come as files of the Secret. */}}
{{- define "three-classrooms.environment" -}}
- name: THREE_CLASSROOMS_DATA_FOLDER
  value: /var/lib/three-classrooms
- name: THREE_CLASSROOMS_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret }}, key: redis-url}}
- name: THREE_CLASSROOMS_FLEET_KEY_FILE
  value: /run/secrets/three-classrooms/fleet-key
- name: THREE_CLASSROOMS_LOG_FORMAT
  value: json
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* What replicas and workers are told beyond that; relays trust nobody with it. */}}
{{- define "three-classrooms.service-environment" -}}
- name: THREE_CLASSROOMS_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret }}, key: database-url}}
- name: THREE_CLASSROOMS_PUBLIC_URL
  value: https://{{ .Values.publicHost }}
- name: THREE_CLASSROOMS_RELAY_ROOMS
  value: {{ .Values.relay.rooms | quote }}
{{- if .Values.trustedProxies }}
- name: THREE_CLASSROOMS_TRUSTED_PROXIES
  value: {{ .Values.trustedProxies | quote }}
{{- end }}
{{- if .Values.s3.endpoint }}
- name: THREE_CLASSROOMS_S3_ENDPOINT
  value: {{ .Values.s3.endpoint | quote }}
- name: THREE_CLASSROOMS_S3_BUCKET
  value: {{ .Values.s3.bucket | quote }}
- name: THREE_CLASSROOMS_S3_REGION
  value: {{ .Values.s3.region | quote }}
- name: THREE_CLASSROOMS_S3_ACCESS_KEY_ID_FILE
  value: /run/secrets/three-classrooms/s3-key-id
- name: THREE_CLASSROOMS_S3_SECRET_ACCESS_KEY_FILE
  value: /run/secrets/three-classrooms/s3-secret
{{- end }}
{{- if .Values.turn.urls }}
- name: THREE_CLASSROOMS_TURN_URLS
  value: {{ .Values.turn.urls | quote }}
- name: THREE_CLASSROOMS_TURN_SECRET_FILE
  value: /run/secrets/three-classrooms/turn-secret
{{- end }}
- name: THREE_CLASSROOMS_METRICS_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret }}, key: metrics-token, optional: true}}
{{- end }}

{{- define "three-classrooms.container-security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "three-classrooms.pod-security" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "three-classrooms.mounts" -}}
volumeMounts:
  - {name: data, mountPath: /var/lib/three-classrooms}
  - {name: temporary, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/three-classrooms, readOnly: true}
{{- end }}

{{- define "three-classrooms.volumes" -}}
volumes:
  - name: data
    persistentVolumeClaim: {claimName: {{ include "three-classrooms.claim" . }}}
  - name: temporary
    emptyDir: {}
  - name: secrets
    secret: {secretName: {{ .Values.existingSecret }}, defaultMode: 0440}
{{- end }}
