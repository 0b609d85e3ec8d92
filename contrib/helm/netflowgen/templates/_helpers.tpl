{{- define "netflowgen.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "netflowgen.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* Of one part: (list . "collector"). */ -}}
{{- define "netflowgen.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "netflowgen.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "netflowgen.brokers" -}}
{{- if .Values.kafka.deploy -}}{{ include "netflowgen.name" . }}-kafka:9092{{- else -}}{{ .Values.kafka.brokers }}{{- end -}}
{{- end -}}

{{- define "netflowgen.clickhouse" -}}
{{- if .Values.clickhouse.deploy -}}clickhouse://netflowgen@{{ include "netflowgen.name" . }}-clickhouse:8123/netflowgen{{- else -}}{{ .Values.clickhouse.url }}{{- end -}}
{{- end -}}

{{- /* The topic with a query: (list . "group=detectors"). */ -}}
{{- define "netflowgen.topic" -}}
{{- $root := index . 0 -}}
{{- $query := list -}}
{{- with index . 1 }}{{ $query = append $query . }}{{ end -}}
{{- if or $root.Values.kafka.secret $root.Values.kafka.properties }}{{ $query = append $query "config=/etc/netflowgen/kafka/kafka.properties" }}{{ end -}}
kafka://{{ include "netflowgen.brokers" $root }}/{{ $root.Values.kafka.topic }}{{ if $query }}?{{ join "&" $query }}{{ end }}
{{- end -}}

{{- define "netflowgen.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "netflowgen.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "netflowgen.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 20
  timeoutSeconds: 5
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- define "netflowgen.kafkaVolume" -}}
{{- if .Values.kafka.secret }}
- name: kafka
  secret: {secretName: {{ .Values.kafka.secret }}, defaultMode: 0440}
{{- else if .Values.kafka.properties }}
- name: kafka
  configMap: {name: {{ include "netflowgen.name" . }}-kafka}
{{- end }}
{{- end -}}

{{- define "netflowgen.kafkaMount" -}}
{{- if or .Values.kafka.secret .Values.kafka.properties }}
- {name: kafka, mountPath: /etc/netflowgen/kafka, readOnly: true}
{{- end }}
{{- end -}}
