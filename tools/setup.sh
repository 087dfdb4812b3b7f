#!/bin/sh
# Sets up what is missing, and nothing else: npm packages; with the argument `tests`, Debian packages too.
# Says one line for each thing it does, and nothing when there is nothing to do.
# On failure: says what to type, and exits non-zero.
#
# Plain sh, because nothing is there yet on a fresh machine: npm may run on an older Node than Causeway does.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*" >&2; }

# npm puts node_modules/.bin in front of PATH. There, `node` is our pinned one, which `npm ci` is about to delete.
path_without_our_node() {
  printf '%s\n' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -sd: -
}

npm_packages() {
  stamp=node_modules/.causeway-lock
  if cmp -s package-lock.json "$stamp" && [ -x node_modules/.bin/node ]; then return 0; fi

  say "installing npm packages"
  log=$(mktemp)
  if ! PATH=$(path_without_our_node) npm ci --no-progress >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say "npm ci failed; its words stand above"
    exit 1
  fi
  rm -f "$log"
  [ -x node_modules/.bin/node ] || use_node_of_this_machine
  # Last, so that an interrupted installation is begun again.
  cp package-lock.json "$stamp"
}

# The pinned Node exists for Linux only; elsewhere the machine's own must be new enough.
use_node_of_this_machine() {
  own=$(PATH=$(path_without_our_node) command -v node || true)
  if [ -z "$own" ] || ! "$own" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 24 || (a == 24 && b >= 15) ? 0 : 1)'; then
    say "no pinned Node for $(uname -sm); install Node 24.15 or later and run this again"
    exit 1
  fi
  ln -s "$own" node_modules/.bin/node
}

# Prints the first ($1 = 1) or second ($1 = 2) column of the list, of what is installed.
listed() { sed 's/#.*//' tools/debian-packages.txt | awk -v column="$1" 'NF && $1 !~ /:unpacked$/ { print $column }'; }

# Packages that cannot be installed beside others of the list: their files are put into a folder of ours instead.
to_unpack() { sed 's/#.*//' tools/debian-packages.txt | awk 'sub(/:unpacked$/, "", $1) { print $1 }'; }

missing_packages() {
  for package in $(listed 1); do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || printf '%s ' "$package"
  done
}

missing_programs() {
  for program in $(listed 2); do
    [ "$program" != - ] || continue
    PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || printf '%s ' "$program"
  done
}

debian_packages() {
  if ! command -v dpkg-query >/dev/null; then
    missing=$(missing_programs)
    [ -z "$missing" ] || say "not a Debian machine; tests that need these programs will say so: $missing"
    return 0
  fi
  missing=$(missing_packages)
  [ -z "$missing" ] || install_missing
  unpack_packages
}

install_missing() {
  if [ "$(id -u)" -ne 0 ]; then
    say "the tests need Debian packages that are not here; type:"
    echo "sudo apt-get install -y --no-install-recommends $missing" >&2
    exit 1
  fi
  say "installing Debian packages: $missing"
  install_debian "$missing"
}

# Tests start their own servers on ports of their own. What comes with the packages must neither start now, on ports 25
# and 53 of a machine that may have other plans for them, nor at the next boot.
install_debian() {
  policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d} # Debian asks it before it starts a service; the test has its own
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  # Old package lists name files that are gone; when the lists cannot be had, the ones here may still do.
  apt update >/dev/null 2>&1 || say "apt-get update failed; trying with the package lists that are here"
  log=$(mktemp)
  # Unquoted on purpose: one word for each package.
  # shellcheck disable=SC2086
  if ! apt install -y --no-install-recommends $1 >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say "apt-get failed; its words stand above"
    exit 1
  fi
  rm -f "$log"
  not_at_boot "$1"
}

# For tests that need them, which say so themselves where this did not work out.
unpack_packages() {
  for package in $(to_unpack); do
    folder=node_modules/.cache/debian/$package
    [ ! -d "$folder" ] || continue
    say "unpacking the Debian package $package into $folder"
    download=$(mktemp -d)
    if (cd "$download" && apt download "$package") >"$download/log" 2>&1 && mkdir -p "$folder.part" &&
      dpkg -x "$download"/*.deb "$folder.part"; then
      mv "$folder.part" "$folder"
    else
      cat "$download/log" >&2
      say "$package could not be had; the tests that need it will say so"
    fi
    rm -rf "$download" "$folder.part"
  done
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }

not_at_boot() {
  if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null; then return 0; fi
  for package in $1; do
    case $package in
      postfix | opendkim) systemctl disable --quiet "$package" ;;
      bind9) systemctl disable --quiet named ;;
      dovecot-imapd) systemctl disable --quiet dovecot ;;
      cyrus-common) systemctl disable --quiet cyrus-imapd ;;
    esac
  done
}

npm_packages
case "${1-}" in
  '') ;;
  tests) debian_packages ;;
  *)
    say "unknown argument: $1 (there is one: tests)"
    exit 2
    ;;
esac
