# shellcheck shell=bash
# Functions that the other scripts share: Debian packages for this machine, and of the images' release.

# The images' Debian release: Python 3.13, Prometheus 2.53, and a Compose and buildx that fit together.
readonly SUITE=trixie
readonly STATE=/var/lib/chat-airgap

die() {
  echo "$(basename "$0" .sh): $1" >&2
  exit 2
}

require_root() {
  [ "$(id -u)" -eq 0 ] || die "only root can $1: run it with sudo."
}

# apt-get, quiet unless it fails: apt_get WORD ARGUMENTS...
apt_get() {
  local words
  words=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    -o APT::Sandbox::User=root --yes --no-install-recommends "$@" < /dev/null 2>&1) && return
  echo "$words" >&2
  die "apt-get failed, see its output above. It needs a Debian mirror that this machine can reach."
}

# Install the missing packages: install_missing PACKAGE...
install_missing() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "$(basename "$0" .sh): installing ${missing[*]}"
  apt_get update
  without_services apt_get install "${missing[@]}"
}

# Installing a package must not start its service: engine.sh starts what it needs, and tests start their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  "$@"
  rm -f "$policy"
  trap - EXIT
}

# Print the address of the Debian mirror to use, by default the one that this machine itself uses.
mirror() {
  local address=${DEBIAN_MIRROR:-$(source_labelled Debian)}
  [ -n "$address" ] || die "this machine's apt has no Debian mirror: put DEBIAN_MIRROR=ADDRESS before the command."
  echo "$address"
}

# Print the address of the mirror of Debian's security updates; nothing if there is none.
security_mirror() {
  echo "${DEBIAN_SECURITY_MIRROR:-$(source_labelled Debian-Security)}"
}

source_labelled() {
  local addresses
  # apt can tell its sources apart only by the lists that it has downloaded.
  [ -n "$(sources Debian)" ] || apt_get update
  addresses=$(sources "$1")
  echo "${addresses%%$'\n'*}"
}

sources() {
  # shellcheck disable=SC2016 # apt's variables, not the shell's
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Label: $1"
}

# Unpack packages of the images' release without installing them: unpack FOLDER PACKAGE...
unpack() {
  local folder=$1 apt=$STATE/apt package
  shift
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder"
  : > "$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $SUITE main" > "$apt/sources.list"
  local own=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o "Dir::State::status=$apt/status")
  apt_get "${own[@]}" update
  (cd "$apt/cache" && rm -f ./*.deb && apt_get "${own[@]}" download "$@")
  for package in "$apt"/cache/*.deb; do
    dpkg-deb --extract "$package" "$folder"
  done
  rm -f "$apt"/cache/*.deb
}
