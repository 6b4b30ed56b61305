#!/usr/bin/env bash
# Add chat-desktop to the calling user's desktop menu, with its icon, and register it for chat:// links.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
readonly ICON=$here/../../services/messenger/src/messenger/desktop/images/chat-desktop.svg
readonly SHARE=${XDG_DATA_HOME:-$HOME/.local/share}
readonly LAUNCHER=$SHARE/applications/chat-desktop.desktop
readonly PICTURE=$SHARE/icons/hicolor/scalable/apps/chat-desktop.svg

die() {
  echo "launcher: $1" >&2
  exit 2
}

# Quote a program by the Desktop Entry Specification: first as an argument of Exec, then as a value of the file.
quoted() {
  local path=$1
  path=${path//\\/\\\\}
  path=${path//\"/\\\"}
  path=${path//\`/\\\`}
  path=${path//\$/\\\$}
  path=${path//\\/\\\\}
  printf '"%s"' "${path//%/%%}"
}

tell_desktop() {
  if command -v update-desktop-database > /dev/null; then
    update-desktop-database -q "$SHARE/applications"
  fi
}

install_launcher() {
  local program line
  # Don't resolve links: a program may need the files beside it.
  program=$(realpath --no-symlinks "$1")
  [ -x "$program" ] || die "$1 isn't a program: run make install-desktop or make desktop-bundle first."
  mkdir -p "$(dirname "$LAUNCHER")" "$(dirname "$PICTURE")"
  cp "$ICON" "$PICTURE"
  while IFS= read -r line; do
    case $line in
      Exec=*) printf 'Exec=%s %%u\n' "$(quoted "$program")" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done < "$here/chat-desktop.desktop" > "$LAUNCHER"
  tell_desktop
  echo "launcher: $LAUNCHER starts $program"
}

uninstall_launcher() {
  rm -f "$LAUNCHER" "$PICTURE"
  [ ! -d "$SHARE/applications" ] || tell_desktop
  echo "launcher: $LAUNCHER was removed"
}

case "${1:-} $#" in
  "install 2") install_launcher "$2" ;;
  "uninstall 1") uninstall_launcher ;;
  *) die "use launcher.sh install PROGRAM, or launcher.sh uninstall." ;;
esac
