#!/usr/bin/env bash
# Make the secrets of deploy/compose/cluster.yaml: the nodes' key, and the password of their directory. Existing ones
# stay as they are.
set -euo pipefail

readonly FOLDER=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}

main() {
  local password
  # Nobody else gets into the folder; in a container, its user has to read the files.
  mkdir -p "$FOLDER"
  chmod 700 "$FOLDER"
  umask 022
  if [ -e "$FOLDER/relay_cluster_key" ]; then
    echo "cluster-secrets: $FOLDER has them already"
    return
  fi
  password=r$(random) # NATS takes what looks like a number for one
  echo "$password" > "$FOLDER/nats_relay_password"
  echo "nats://relay:$password@nats:4222" > "$FOLDER/relay_cluster_url"
  # The last one, by which a folder is complete.
  random > "$FOLDER/relay_cluster_key"
  echo "cluster-secrets: $FOLDER has them now"
}

random() {
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

main
