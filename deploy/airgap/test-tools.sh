#!/usr/bin/env bash
# Install the Debian packages that some tests need, and that they are skipped without. For test machines and containers.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# prometheus: alerts and dashboards. faketime: clocks that jump. The others: the files for servers
# (systemd-analyze, nft, ip, cloud-init schema).
readonly TOOLS=(prometheus systemd nftables iproute2 ufw cloud-init faketime)
# What judges the launcher of a window, and a screen of X11 that nobody sees, with keys that nobody touches.
readonly WINDOWS=(desktop-file-utils xvfb xdotool)
# What Qt's own wheels take from the system, for a window on X11, on Wayland or on no screen; and Japanese letters.
readonly DESKTOP=(libdbus-1-3 libegl1 libfontconfig1 libgl1 libgssapi-krb5-2 libharfbuzz0b libwayland-cursor0
  libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 fonts-ipaexfont-gothic)

main() {
  [ "$#" -eq 0 ] || die "it takes no words: say test-tools.sh."
  require_root "install packages"
  # cloud-init would take a machine in hand at its next start; here it is only asked what it thinks of a file.
  if ! command -v cloud-init > /dev/null; then
    mkdir -p /etc/cloud
    touch /etc/cloud/cloud-init.disabled
  fi
  install_missing "${TOOLS[@]}" "${WINDOWS[@]}" "${DESKTOP[@]}"
  echo "test-tools: ${TOOLS[*]} ${WINDOWS[*]} ${DESKTOP[*]} are there"
}

main "$@"
