#!/usr/bin/env bash
# Build the images of images.env from Debian's packages, without any image registry: images.sh [--force]
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=/dev/null
. ./images.env

readonly ROOT=$STATE/root
readonly CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
readonly INPUTS_LABEL=chat.airgap.inputs

main() {
  case "${1:-}" in
    "") FORCE=no ;;
    --force) FORCE=yes ;;
    *) die "unknown argument '$1': use images.sh, or images.sh --force to rebuild existing images." ;;
  esac
  docker info > /dev/null 2>&1 || die "no Docker engine answers: sudo deploy/airgap/engine.sh starts one."
  MIRROR=$(mirror)
  SECURITY_MIRROR=$(security_mirror)
  local inputs
  inputs=$({
    cat images.sh "$CERTIFICATES"
    echo "$SUITE $MIRROR $SECURITY_MIRROR"
  } | digest)
  made "$PYTHON_IMAGE" "$inputs" || build_python "$inputs"
  build_upon prometheus "$PROMETHEUS_IMAGE"
  build_upon nats "$NATS_IMAGE"
  build_upon caddy "$CADDY_IMAGE"
  echo "images: use them with docker compose --env-file deploy/airgap/images.env"
}

digest() {
  sha256sum | cut -c -16
}

# Print and return whether the image exists and was built from these inputs: made IMAGE INPUTS
made() {
  [ "$FORCE" = no ] || return 1
  local label="{{index .Config.Labels \"$INPUTS_LABEL\"}}"
  [ "$(docker image inspect --format "$label" "$1" 2> /dev/null)" = "$2" ] || return 1
  echo "images: $(size "$1") exists"
}

size() {
  docker image inspect --format "{{.Size}}" "$1" | awk -v image="$1" '{printf "%s (%d MB)", image, $1 / 1000000}'
}

build_python() {
  require_root "make a Debian system, which $PYTHON_IMAGE is"
  install_missing debootstrap ca-certificates
  echo "images: building $PYTHON_IMAGE from Debian's packages (about a minute)"
  rm -rf --one-file-system "$ROOT"
  leave_out_documents
  quietly debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$SUITE" "$ROOT" "$MIRROR"
  # Builds trust the same certificates as this machine, for example that of the site's own package mirror.
  cp --dereference "$CERTIFICATES" "$ROOT$CERTIFICATES"
  add_security_updates
  # A package update may have overwritten this.
  cp --dereference "$CERTIFICATES" "$ROOT$CERTIFICATES"
  ln -s /usr/bin/python3 "$ROOT/usr/local/bin/python3"
  ln -s python3 "$ROOT/usr/local/bin/python"
  rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/cache/apt/* "$ROOT"/var/cache/debconf/*-old "$ROOT"/var/log/* \
    "$ROOT"/usr/share/{man,info,locale}/* "$ROOT"/etc/{resolv.conf,hostname,machine-id}
  tar --directory "$ROOT" --create --one-file-system . |
    docker import --change "LABEL $INPUTS_LABEL=$1" --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' \
      --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' - "$PYTHON_IMAGE" > /dev/null
  rm -rf --one-file-system "$ROOT"
  echo "images: $(size "$PYTHON_IMAGE") is built"
}

# Docker's own slim images leave this out as well; it also applies to packages that are installed later.
leave_out_documents() {
  mkdir -p "$ROOT/etc/dpkg/dpkg.cfg.d" "$ROOT/etc/apt/apt.conf.d"
  {
    printf 'path-exclude /usr/share/%s/*\n' doc info linda lintian locale man
    printf 'path-include /usr/share/doc/*/copyright\n'
  } > "$ROOT/etc/dpkg/dpkg.cfg.d/slim"
  printf 'Acquire::Languages "none";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n' \
    > "$ROOT/etc/apt/apt.conf.d/slim"
}

add_security_updates() {
  [ -n "$SECURITY_MIRROR" ] || return 0
  echo "deb $SECURITY_MIRROR $SUITE-security main" >> "$ROOT/etc/apt/sources.list"
  quietly chroot "$ROOT" apt-get update
  quietly chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive apt-get --yes upgrade
}

# Build what a Dockerfile of this folder makes of the Python image: build_upon NAME IMAGE
build_upon() {
  local name=$1 image=$2 inputs
  # The Python image is an input, too.
  inputs=$({
    cat "$name.Dockerfile"
    docker image inspect --format '{{.Id}}' "$PYTHON_IMAGE"
  } | digest)
  ! made "$image" "$inputs" || return 0
  echo "images: building $image from Debian's package"
  quietly docker build --progress plain --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" --label "$INPUTS_LABEL=$inputs" \
    --tag "$image" - < "$name.Dockerfile"
  echo "images: $(size "$image") is built"
}

# Run a command, quiet unless it fails.
quietly() {
  local words
  words=$("$@" 2>&1) && return
  tail -n 20 <<< "$words" >&2
  die "$1 failed; the end of its output is above."
}

main "$@"
