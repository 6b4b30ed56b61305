#!/usr/bin/env bash
# Install the Debian packages without which some tests are skipped. For test machines and containers.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# Debian's Python can't make virtual environments without python3-venv; compiling the relay needs its headers.
readonly INTERPRETER=(python3-venv python3-dev)
# prometheus: alerts and dashboards. faketime: clocks that jump. The others: the files for servers
# (systemd-analyze, nft, ip, cloud-init schema).
readonly TOOLS=(prometheus systemd nftables iproute2 ufw cloud-init faketime)
# A validator for the launcher, and an invisible X11 screen with simulated keys.
readonly WINDOWS=(desktop-file-utils xvfb xdotool dbus-daemon)
# A browser without a window, for the page that the relay serves.
BROWSER=(chromium)
# What finds faults of the page comes by npm, which newer versions than Debian's bring along.
command -v npm > /dev/null || BROWSER+=(npm)
readonly BROWSER
# System libraries that Qt's wheels need, for windows on X11, on Wayland or without a screen; and Japanese fonts.
readonly DESKTOP=(libdbus-1-3 libegl1 libfontconfig1 libgl1 libgssapi-krb5-2 libharfbuzz0b libwayland-cursor0
  libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 fonts-ipaexfont-gothic)

main() {
  [ "$#" -eq 0 ] || die "it takes no arguments: run test-tools.sh."
  require_root "install packages"
  # Disable cloud-init, which would configure the machine at its next start; here it only validates a file.
  if ! command -v cloud-init > /dev/null; then
    mkdir -p /etc/cloud
    touch /etc/cloud/cloud-init.disabled
  fi
  install_missing "${INTERPRETER[@]}" "${TOOLS[@]}" "${WINDOWS[@]}" "${BROWSER[@]}" "${DESKTOP[@]}"
  echo "test-tools: ${INTERPRETER[*]} ${TOOLS[*]} ${WINDOWS[*]} ${BROWSER[*]} ${DESKTOP[*]} are installed"
}

main "$@"
