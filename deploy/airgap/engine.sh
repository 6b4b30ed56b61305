#!/usr/bin/env bash
# Bring a Docker engine to a bare Debian: engine.sh [start|stop|status]. What it does and why: docs/airgap.md.
set -euo pipefail

readonly RUN_DIR=/run/chat-engine
readonly LOG=/var/log/chat-engine.log
readonly PID_FILE=$RUN_DIR/dockerd.pid
readonly WAIT_SECONDS=60

main() {
  case "${1:-start}" in
    start) start ;;
    stop) stop ;;
    status) status ;;
    *) die "Unknown word '$1': say engine.sh start, engine.sh stop or engine.sh status." ;;
  esac
}

start() {
  if answers; then
    echo "engine: $(described) answers already, and stays as it is"
    return
  fi
  [ "$(id -u)" -eq 0 ] || die "No Docker engine answers, and only root can start one: run it with sudo."
  if ! command -v dockerd > /dev/null || ! command -v docker > /dev/null; then
    echo "engine: installing Debian's docker.io"
    install_engine
  fi
  if [ -d /run/systemd/system ]; then
    systemctl start docker.service
  else
    start_by_hand
  fi
  wait_until_it_answers
  echo "engine: $(described) answers"
}

stop() {
  if ! ours; then
    echo "engine: none was started by engine.sh, so none is stopped"
    return
  fi
  local pid
  pid=$(cat "$PID_FILE")
  kill -TERM "$pid"
  # dockerd gives containers 15 s to end before it ends itself.
  for ((second = 0; second < WAIT_SECONDS; second++)); do
    if ! [ -d "/proc/$pid" ]; then
      echo "engine: stopped"
      return
    fi
    sleep 1
  done
  die "dockerd (process $pid) doesn't end; see $LOG."
}

status() {
  answers || die "No Docker engine answers: run deploy/airgap/engine.sh as root."
  if ours; then
    echo "engine: $(described) answers, started by engine.sh (process $(cat "$PID_FILE"), log $LOG)"
  else
    echo "engine: $(described) answers, not started by engine.sh"
  fi
}

# A pid file can outlive its process, and the number can be someone else's by then.
ours() {
  [ -s "$PID_FILE" ] && [ "$(cat "/proc/$(cat "$PID_FILE")/comm" 2> /dev/null)" = dockerd ]
}

answers() {
  command -v docker > /dev/null && timeout 10 docker version --format '{{.Server.Version}}' > /dev/null 2>&1
}

described() {
  docker version --format 'Docker engine {{.Server.Version}} (client {{.Client.Version}})'
}

install_engine() {
  local policy=/usr/sbin/policy-rc.d
  # Without systemd the package's own start script would run an engine that nobody watches.
  if ! [ -d /run/systemd/system ] && ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    # shellcheck disable=SC2064 # the path is to be put in now: the variable is local
    trap "rm -f '$policy'" EXIT
  fi
  apt_get update
  apt_get install docker.io iptables ca-certificates
  # From Debian 13 on the command is a package of its own.
  command -v docker > /dev/null || apt_get install docker-cli
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    "$1" --yes --no-install-recommends "${@:2}" < /dev/null > "$RUN_DIR.apt.log" 2>&1 || {
    cat "$RUN_DIR.apt.log" >&2
    die "apt-get $* failed: its words are above."
  }
}

start_by_hand() {
  mkdir -p "$RUN_DIR"
  echo "engine: starting dockerd (log $LOG)"
  # A session of its own, so that Ctrl-C in this terminal doesn't end it.
  setsid dockerd --pidfile "$PID_FILE" >> "$LOG" 2>&1 < /dev/null &
}

wait_until_it_answers() {
  for ((second = 0; second < WAIT_SECONDS; second++)); do
    ! answers || return 0
    sleep 1
  done
  tail -n 20 "$LOG" >&2 || true
  die "The engine doesn't answer within $WAIT_SECONDS seconds: the end of its log is above."
}

die() {
  echo "engine: $1" >&2
  exit 2
}

main "$@"
