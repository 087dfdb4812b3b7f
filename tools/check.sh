#!/bin/sh
# Everything that CI checks, with one command: npm run check.
# With --clean it checks what is committed, on a clone that has nothing yet, as CI has it.
set -eu
cd "$(dirname "$0")/.."

case "${1-}" in
  '') exec .ci/run ;;
  --clean) ;;
  *)
    echo "check: unknown argument: $1 (there is one: --clean)" >&2
    exit 2
    ;;
esac

clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
trap 'exit 1' HUP INT TERM
git clone --quiet . "$clone/causeway"
"$clone/causeway/.ci/run"
