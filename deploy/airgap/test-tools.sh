#!/usr/bin/env bash
# Install the Debian packages that some tests need, and that they are skipped without. For test machines and containers.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# prometheus: alerts and dashboards. faketime: clocks that jump. The others: the files for servers
# (systemd-analyze, nft, ip, cloud-init schema).
readonly TOOLS=(prometheus systemd nftables iproute2 ufw cloud-init faketime)

main() {
  [ "$#" -eq 0 ] || die "it takes no words: say test-tools.sh."
  require_root "install packages"
  # cloud-init would take a machine in hand at its next start; here it is only asked what it thinks of a file.
  if ! command -v cloud-init > /dev/null; then
    mkdir -p /etc/cloud
    touch /etc/cloud/cloud-init.disabled
  fi
  install_missing "${TOOLS[@]}"
  echo "test-tools: ${TOOLS[*]} are there"
}

main "$@"
