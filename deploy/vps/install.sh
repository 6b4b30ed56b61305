#!/usr/bin/env bash
# Install the relay of this checkout as a systemd service, or roll back to the previous version. It is idempotent.
# See docs/operations.md.
set -euo pipefail
umask 022

readonly INGREDIENTS=(libs/chatproto libs/chatbrain libs/chatclient services/web-client services/relay-server requirements/runtime.txt deploy/vps)
readonly HEALTHY_SECONDS=20

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PYTHON=${PYTHON:-python3}
ROOT=
ACTION=install
UNIT_CHANGES=no
PIP=()

main() {
  read_words "$@"
  readonly HOME_DIR=$ROOT/opt/chat-relay
  readonly SETTINGS=$ROOT/etc/chat-relay/relay.env
  # Of a relay that is one of many nodes (docs/cluster.md); only root may read it.
  readonly CLUSTER=$ROOT/etc/chat-relay/cluster.env
  if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
    die "it needs root: run sudo $0."
  fi
  if [ "$ACTION" = back-out ]; then
    back_out
  else
    install_this
  fi
}

read_words() {
  while [ "$#" -gt 0 ]; do
    case $1 in
      --back-out) ACTION=back-out ;;
      --root)
        case ${2:-} in
          /?*) ROOT=${2%/} ;;
          *) die "--root needs an absolute path: for example --root /srv/image." ;;
        esac
        shift
        ;;
      --help)
        echo "usage: install.sh [--back-out] [--root DIRECTORY]"
        echo "Install the relay of this checkout as a service. --back-out: roll back to the previous version."
        echo "--root: install below a directory, and start nothing."
        exit 0
        ;;
      *) die "unknown option $1: see install.sh --help." ;;
    esac
    shift
  done
}

install_this() {
  local version before earlier
  check_python
  version=$(name_version)
  before=$(target current)
  earlier=$(target previous)
  if [ -e "$HOME_DIR/versions/$version/.complete" ]; then
    say "version $version is already built"
  else
    say "building version $version"
    build "$HOME_DIR/versions/$version"
  fi
  [ -e "$SETTINGS" ] || write_settings "$version"
  check_settings "$version"
  if [ -n "$before" ] && [ "$before" != "$version" ]; then
    point previous "$before"
  fi
  put_in_place "$version"
  start "$version" "$before" || go_back "$version" "$before" "$earlier"
  prune
}

back_out() {
  local now before
  now=$(target current)
  before=$(target previous)
  [ -n "$before" ] || die "there is no previous version."
  check_settings "$before"
  point previous "$now"
  put_in_place "$before"
  start "$before" "$now" || die "version $before doesn't serve: see journalctl -u chat-relay."
}

go_back() {
  local version=$1 before=$2 earlier=$3
  if [ -z "$before" ] || [ "$before" = "$version" ]; then
    die "version $version doesn't serve: see journalctl -u chat-relay."
  fi
  say "version $version doesn't serve: rolling back to $before"
  put_in_place "$before"
  [ -z "$earlier" ] || point previous "$earlier"
  start "$before" "$version" || true
  die "version $version was rolled back: see journalctl -u chat-relay."
}

check_python() {
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
    || die "it needs Python 3.11 or newer: install it, and set PYTHON=/path/to/python3."
  case $ROOT:$("$PYTHON" -c 'import sys; print(sys.base_prefix)') in
    :/root/* | :/home/*) die "the service can't read home directories: run PYTHON=/usr/bin/python3 $0." ;;
  esac
  "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null \
    || die "Python can't create virtual environments: apt install python3-venv."
}

# A version's name is its number and a digest of its contents, so that the same contents are never built twice.
name_version() {
  local number digest
  number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/services/relay-server/pyproject.toml")
  digest=$(cd "$SOURCE" && find "${INGREDIENTS[@]}" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z \
    | xargs -0 sha256sum | sha256sum | cut -c 1-12)
  echo "$number-$digest"
}

# Check every download against its hash; remove an incomplete version.
build() {
  local place=$1 work wheels package
  rm -rf "$place"
  mkdir -p "$place"
  work=$(mktemp -d)
  wheels=$work/wheels
  # shellcheck disable=SC2064 # expand now
  trap "rm -rf '$work' '$place'" EXIT
  "$PYTHON" -m venv --without-pip "$place"
  choose_pip "$place" "$work/tools"
  run_pip "$place" download --only-binary :all: --require-hashes -r "$SOURCE/requirements/runtime.txt" -d "$wheels"
  for package in libs/chatproto libs/chatbrain libs/chatclient services/web-client services/relay-server; do
    make_wheel "$SOURCE/$package" "$wheels"
  done
  run_pip "$place" install --no-index --find-links "$wheels" 'relay-server[cluster]'
  mkdir "$place/share"
  cp "$SOURCE/deploy/vps/"{chat-relay.service,60-chat-relay.conf,ufw-chat-relay} "$place/share/"
  chmod -R go+rX "$place"
  "$place/bin/relay-server" --version
  touch "$place/.complete"
  trap - EXIT
  rm -rf "$work"
}

# Use a pip from outside the service's environment, which doesn't need pip itself. Creating one takes as long as all the
# rest, so do that only if Python has no pip that works on other environments (22.3 or newer; Debian's may have none).
choose_pip() {
  local place=$1 tools=$2
  PIP=("$PYTHON" -m pip)
  if ! "${PIP[@]}" --python "$place/bin/python" --version > /dev/null 2>&1; then
    "$PYTHON" -m venv "$tools"
    PIP=("$tools/bin/python" -m pip)
  fi
}

run_pip() {
  local place=$1
  shift
  "${PIP[@]}" --python "$place/bin/python" --quiet --disable-pip-version-check "$@" \
    || die "pip failed, see above: nothing was changed."
}

# flit-core runs from its own wheel: nothing needs to be installed to build ours, and no pip starts for each.
make_wheel() {
  PYTHONPATH=$(echo "$2"/flit_core-*.whl) "$PYTHON" -m flit_core.wheel --outdir "$2" "$1" > /dev/null \
    || die "$1 can't be built, see above: nothing was changed."
}

write_settings() {
  mkdir -p "$(dirname "$SETTINGS")"
  env -i "$HOME_DIR/versions/$1/bin/relay-server" config env > "$SETTINGS"
  chmod 644 "$SETTINGS"
}

# Check the settings with the new version before touching the running one.
check_settings() {
  # shellcheck disable=SC2016 # the inner shell expands it
  env -i sh -c 'set -a; . "$1"; [ ! -r "$2" ] || . "$2"; exec "$3" config check' sh "$SETTINGS" "$CLUSTER" \
    "$HOME_DIR/versions/$1/bin/relay-server" > /dev/null \
    || die "version $1 refuses the settings: correct $SETTINGS$([ ! -e "$CLUSTER" ] || echo " and $CLUSTER")."
}

put_in_place() {
  local version=$1 share=$HOME_DIR/versions/$1/share unit=$ROOT/etc/systemd/system/chat-relay.service
  cmp --silent "$share/chat-relay.service" "$unit" || UNIT_CHANGES=yes
  install -D -m 644 "$share/chat-relay.service" "$unit"
  install -D -m 644 "$share/60-chat-relay.conf" "$ROOT/etc/sysctl.d/60-chat-relay.conf"
  install -D -m 644 "$share/ufw-chat-relay" "$ROOT/etc/ufw/applications.d/chat-relay"
  write_command
  point current "$version"
  say "version $version is the current one"
}

# The command with the service's settings: `relay-server doctor`.
write_command() {
  local command=$ROOT/usr/local/bin/relay-server
  mkdir -p "$(dirname "$command")"
  cat > "$command.new" << EOF
#!/bin/sh
# The relay's command line, with the settings of the service chat-relay: the unit's, then the files'.
set -a
RELAY_STATE_DIRECTORY=/run/chat-relay/state
[ ! -r "$SETTINGS" ] || . "$SETTINGS"
[ ! -r "$CLUSTER" ] || . "$CLUSTER"
exec "$HOME_DIR/current/bin/relay-server" "\$@"
EOF
  chmod 755 "$command.new"
  mv -f "$command.new" "$command"
}

# Start a version after another one. Used in conditions, where a failing command doesn't end the script.
start() {
  local version=$1 before=$2 deadline
  if [ -n "$ROOT" ] || [ ! -d /run/systemd/system ]; then
    return 0
  fi
  sysctl --quiet --load /etc/sysctl.d/60-chat-relay.conf || say "the kernel's buffer limits could not be changed"
  systemctl daemon-reload && systemctl --quiet enable chat-relay.service && switch_over "$version" "$before" || return 1
  deadline=$((SECONDS + HEALTHY_SECONDS))
  until /usr/local/bin/relay-server healthcheck; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 1
  done
}

# Let the version take over from the one that runs, which nobody notices. A restart takes a second or two, in which
# messages wait: it is for a changed unit, for changed settings, and for a relay that can't be replaced (exit code 2).
switch_over() {
  local version=$1 before=$2
  if [ "$UNIT_CHANGES" = no ] && [ "$version" != "$before" ] && systemctl --quiet is-active chat-relay.service; then
    if ! systemctl reload chat-relay.service; then
      case $(systemctl show --property ExecReload chat-relay.service) in
        *status=2*) ;;
        *) return 1 ;;
      esac
    elif runs "$version"; then
      return 0
    fi
  fi
  systemctl restart chat-relay.service
}

# Tell whether the service's process is of this version.
runs() {
  local pid
  pid=$(systemctl show --value --property MainPID chat-relay.service)
  case $(tr '\0' ' ' < "/proc/$pid/cmdline") in
    "$HOME_DIR/versions/$1/"*) ;;
    *) return 1 ;;
  esac
}

# Keep the current and the previous version, remove all others.
prune() {
  local place name
  for place in "$HOME_DIR"/versions/*/; do
    name=$(basename "$place")
    if [ "$name" != "$(target current)" ] && [ "$name" != "$(target previous)" ]; then
      rm -rf "$place"
    fi
  done
}

target() {
  [ ! -L "$HOME_DIR/$1" ] || basename "$(readlink "$HOME_DIR/$1")"
}

# Renaming is atomic: the link always exists.
point() {
  ln -sfn "versions/$2" "$HOME_DIR/$1.new"
  mv -fT "$HOME_DIR/$1.new" "$HOME_DIR/$1"
}

say() {
  echo "install.sh: $1"
}

die() {
  echo "install.sh: $1" >&2
  exit 2
}

main "$@"
