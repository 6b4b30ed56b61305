#!/usr/bin/env bash
# Install and start a Docker engine with Compose on a bare Debian: engine.sh [start|stop|status]. See docs/airgap.md.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

readonly LOG=/var/log/chat-engine.log
readonly PID_FILE=/run/chat-engine.pid
readonly PLUGINS=/usr/local/lib/docker/cli-plugins
readonly WAIT_SECONDS=60

main() {
  case "${1:-start}" in
    start) start ;;
    stop) stop ;;
    status) status ;;
    *) die "unknown argument '$1': use engine.sh start, engine.sh stop or engine.sh status." ;;
  esac
}

start() {
  local how="answers already and stays as it is"
  if ! answers; then
    require_root "start a Docker engine, and none answers yet"
    start_engine
    how="answers"
  fi
  add_plugins
  echo "engine: $(described) $how"
}

stop() {
  if ! ours; then
    echo "engine: engine.sh started no engine, so it stops none"
    return
  fi
  local pid
  pid=$(cat "$PID_FILE")
  kill -TERM "$pid"
  # dockerd gives its containers 15 s before it ends.
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
  answers || die "no Docker engine answers: sudo deploy/airgap/engine.sh starts one."
  if ours; then
    echo "engine: $(described) answers; engine.sh started it (process $(cat "$PID_FILE"), log $LOG)"
  else
    echo "engine: $(described) answers; engine.sh didn't start it"
  fi
}

answers() {
  command -v docker > /dev/null && timeout 10 docker version --format '{{.Server.Version}}' > /dev/null 2>&1
}

# A pid file can outlive its process, and another process may have the number by then.
ours() {
  [ -s "$PID_FILE" ] && [ "$(cat "/proc/$(cat "$PID_FILE")/comm" 2> /dev/null)" = dockerd ]
}

described() {
  echo "Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
}

start_engine() {
  install_missing docker.io iptables ca-certificates
  # From Debian 13 on the client is a package of its own.
  command -v docker > /dev/null || install_missing docker-cli
  if [ -d /run/systemd/system ]; then
    systemctl start docker.service
  elif ! ours; then
    echo "engine: starting dockerd (log $LOG)"
    # A stale pid file prevents dockerd from starting once another process has its number.
    rm -f "$PID_FILE"
    # A session of its own, so that Ctrl-C in this terminal doesn't end it.
    setsid dockerd --pidfile "$PID_FILE" >> "$LOG" 2>&1 < /dev/null &
  fi
  for ((second = 0; second < WAIT_SECONDS; second++)); do
    ! answers || return 0
    sleep 1
  done
  tail -n 20 "$LOG" >&2 || true
  die "the engine didn't answer within $WAIT_SECONDS seconds; the end of its log is above."
}

# Take both from one Debian release, because a new Compose needs a new buildx.
add_plugins() {
  ! docker compose version > /dev/null 2>&1 || ! docker buildx version > /dev/null 2>&1 || return 0
  require_root "add Compose and buildx to the docker command, which lacks them"
  echo "engine: adding Debian's Compose and buildx to the docker command"
  local unpacked=$STATE/plugins/usr/libexec/docker/cli-plugins
  unpack "$STATE/plugins" docker-compose docker-buildx
  mkdir -p "$PLUGINS"
  for plugin in docker-compose docker-buildx; do
    # Don't replace existing ones.
    docker "${plugin#docker-}" version > /dev/null 2>&1 || mv "$unpacked/$plugin" "$PLUGINS"
  done
  rm -r "$STATE/plugins"
}

main "$@"
