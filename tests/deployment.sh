# contrib/compose and contrib/helm: what they start is a valid configuration of the program, and what they make is valid for Kubernetes.
# The chart needs helm (HELM names it), its check kubernetes-validate (KUBERNETES_VALIDATE). Parts whose program is missing are skipped.
set -u
exec /usr/bin/python3 "$SOURCE_DIR/tests/deployment.py" "$NETFLOWGEN" "$SOURCE_DIR"
