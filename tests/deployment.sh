# contrib/compose and contrib/helm: what they start is a valid configuration of the program, and what they make is valid for Kubernetes.
# The chart needs helm (HELM names it), its check kubernetes-validate (KUBERNETES_VALIDATE) or kubeconform (KUBECONFORM; KUBERNETES_SCHEMAS: where it
# finds schemas, with those of KEDA and the Prometheus operator), and compose docker-compose (COMPOSE). Parts whose program is missing are skipped.
set -u
exec /usr/bin/python3 "$SOURCE_DIR/tests/deployment.py" "$NETFLOWGEN" "$SOURCE_DIR"
