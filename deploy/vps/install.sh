#!/usr/bin/env bash
# Install the relay of this checkout as a systemd service, or go back to the one before. Running it again is harmless.
# docs/operations.md tells when and why.
set -euo pipefail
umask 022

readonly INGREDIENTS=(libs/chatproto libs/chatbrain libs/chatclient services/relay-server requirements/runtime.txt deploy/vps)
readonly HEALTHY_SECONDS=20

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PYTHON=${PYTHON:-python3}
ROOT=
ACTION=install
PIP=()

main() {
  read_words "$@"
  readonly HOME_DIR=$ROOT/opt/chat-relay
  readonly SETTINGS=$ROOT/etc/chat-relay/relay.env
  if [ -z "$ROOT" ] && [ "$(id -u)" -ne 0 ]; then
    die "it needs root: say sudo $0."
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
          *) die "--root needs a directory, from / on: say --root /srv/image." ;;
        esac
        shift
        ;;
      --help)
        echo "usage: install.sh [--back-out] [--root DIRECTORY]"
        echo "Install the relay of this checkout as a service. --back-out: go back to the version before."
        echo "--root: put everything below a directory, and start nothing."
        exit 0
        ;;
      *) die "it doesn't know $1: say install.sh --help." ;;
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
    say "version $version is there already"
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
  start || go_back "$version" "$before" "$earlier"
  prune
}

back_out() {
  local now before
  now=$(target current)
  before=$(target previous)
  [ -n "$before" ] || die "there is no version before: install one first."
  check_settings "$before"
  point previous "$now"
  put_in_place "$before"
  start || die "version $before doesn't get well: journalctl -u chat-relay tells why."
}

go_back() {
  local version=$1 before=$2 earlier=$3
  if [ -z "$before" ] || [ "$before" = "$version" ]; then
    die "version $version doesn't get well: journalctl -u chat-relay tells why."
  fi
  say "version $version doesn't get well: going back to $before"
  put_in_place "$before"
  [ -z "$earlier" ] || point previous "$earlier"
  start || true
  die "version $version was taken back: journalctl -u chat-relay tells why."
}

check_python() {
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
    || die "it needs Python 3.11 or newer: install one, and name it by PYTHON=/path/to/python3."
  case $ROOT:$("$PYTHON" -c 'import sys; print(sys.base_prefix)') in
    :/root/* | :/home/*) die "the service may not look into home directories: say PYTHON=/usr/bin/python3 $0." ;;
  esac
  "$PYTHON" -c 'import ensurepip, venv' 2> /dev/null \
    || die "Python can't make virtual environments: apt install python3-venv."
}

# A version is named by its number and by what it is made of, so that the same is never built twice.
name_version() {
  local number digest
  number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/services/relay-server/pyproject.toml")
  digest=$(cd "$SOURCE" && find "${INGREDIENTS[@]}" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z \
    | xargs -0 sha256sum | sha256sum | cut -c 1-12)
  echo "$number-$digest"
}

# Everything that comes from outside is checked against its hash; a half-built version is taken away.
build() {
  local place=$1 work wheels package
  rm -rf "$place"
  mkdir -p "$place"
  work=$(mktemp -d)
  wheels=$work/wheels
  # shellcheck disable=SC2064 # as they are now
  trap "rm -rf '$work' '$place'" EXIT
  "$PYTHON" -m venv --without-pip "$place"
  choose_pip "$place" "$work/tools"
  run_pip "$place" download --only-binary :all: --require-hashes -r "$SOURCE/requirements/runtime.txt" -d "$wheels"
  for package in libs/chatproto libs/chatbrain libs/chatclient services/relay-server; do
    make_wheel "$SOURCE/$package" "$wheels"
  done
  run_pip "$place" install --no-index --find-links "$wheels" relay-server
  mkdir "$place/share"
  cp "$SOURCE/deploy/vps/"{chat-relay.service,60-chat-relay.conf,ufw-chat-relay} "$place/share/"
  chmod -R go+rX "$place"
  "$place/bin/relay-server" --version
  touch "$place/.complete"
  trap - EXIT
  rm -rf "$work"
}

# A pip from outside the service's environment, which never needs it again. To make one takes as long as all the rest,
# so it is made only where Python has none that works on other environments (from 22.3 on; Debian's may have none).
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
    || die "pip failed, see above: nothing is changed."
}

# flit-core works from inside its own wheel: nothing is installed to build ours, and no pip has to start for each.
make_wheel() {
  PYTHONPATH=$(echo "$2"/flit_core-*.whl) "$PYTHON" -m flit_core.wheel --outdir "$2" "$1" > /dev/null \
    || die "$1 can't be built, see above: nothing is changed."
}

write_settings() {
  mkdir -p "$(dirname "$SETTINGS")"
  env -i "$HOME_DIR/versions/$1/bin/relay-server" config env > "$SETTINGS"
  chmod 644 "$SETTINGS"
}

# The settings must suit the version before anything that runs is touched.
check_settings() {
  # shellcheck disable=SC2016 # the inner shell expands it
  env -i sh -c 'set -a; . "$1"; exec "$2" config check' sh "$SETTINGS" "$HOME_DIR/versions/$1/bin/relay-server" \
    > /dev/null || die "version $1 refuses the settings: correct $SETTINGS."
}

put_in_place() {
  local version=$1 share=$HOME_DIR/versions/$1/share
  install -D -m 644 "$share/chat-relay.service" "$ROOT/etc/systemd/system/chat-relay.service"
  install -D -m 644 "$share/60-chat-relay.conf" "$ROOT/etc/sysctl.d/60-chat-relay.conf"
  install -D -m 644 "$share/ufw-chat-relay" "$ROOT/etc/ufw/applications.d/chat-relay"
  write_command
  point current "$version"
  say "version $version is the current one"
}

# The command as the service has it, for people: `relay-server doctor`.
write_command() {
  local command=$ROOT/usr/local/bin/relay-server
  mkdir -p "$(dirname "$command")"
  cat > "$command.new" << EOF
#!/bin/sh
# The relay's command line, with the settings of the service chat-relay.
set -a
[ ! -r "$SETTINGS" ] || . "$SETTINGS"
exec "$HOME_DIR/current/bin/relay-server" "\$@"
EOF
  chmod 755 "$command.new"
  mv -f "$command.new" "$command"
}

# Used in conditions, where a failing command ends nothing by itself.
start() {
  local deadline=$((SECONDS + HEALTHY_SECONDS))
  if [ -n "$ROOT" ] || [ ! -d /run/systemd/system ]; then
    return 0
  fi
  sysctl --quiet --load /etc/sysctl.d/60-chat-relay.conf || say "the kernel's limits of buffers stay as they are"
  systemctl daemon-reload && systemctl --quiet enable chat-relay.service && systemctl restart chat-relay.service \
    || return 1
  until /usr/local/bin/relay-server healthcheck; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 1
  done
}

# The current version and the one before stay, all others go.
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

# Renaming is one step: there is no moment without the link.
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
