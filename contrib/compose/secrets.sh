#!/usr/bin/env bash
# Makes the secrets of compose.yaml in secrets/, where they are not there yet. Needs netflowgen, or the image, for the tokens.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
[ -e secrets/clickhouse_password ] || random >secrets/clickhouse_password
if [ ! -e secrets/tokens ]; then
  program=${NETFLOWGEN:-netflowgen}
  printf 'data: %s\nmodel: {path: none}\nmode: collect\nhttp: {tokens: %s}\n' "$PWD/secrets" "$PWD/secrets/tokens.new" >secrets/tokens.yaml
  "$program" serve secrets/tokens.yaml --add-token viewer --token-name prometheus >secrets/scrape_token
  "$program" serve secrets/tokens.yaml --add-token admin --token-name admin >secrets/admin_token
  rm secrets/tokens.yaml
  mv secrets/tokens.new secrets/tokens
fi
chmod 0444 secrets/tokens secrets/scrape_token secrets/clickhouse_password  # containers have users of their own; the folder is yours
echo "secrets/ has them; admin_token is for the page at http://127.0.0.1:8080"
