#!/bin/sh
# Resolves requirements/*.in to requirements/*.txt, each line with its hashes and without any index address.
# The development lock comes first; the others take their versions from it, so that one environment satisfies all.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv

lock() {
    name=$1; shift
    "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
        --no-emit-index-url --no-emit-find-links "$@" "requirements/$name.in" -o "requirements/$name.txt"
    if grep -nE '://|--(index|extra-index|find-links|trusted)' "requirements/$name.txt"; then
        echo "requirements/$name.txt holds an address; see above" >&2; exit 1
    fi
}

lock dev "$@"
for name in runtime central demo; do lock "$name" -c requirements/dev.txt; done
for name in mcp130 frameworks fetching; do lock "$name" "$@"; done
# pip takes a package with an extra from a lock only if the extra stands there.
lock sqlite --no-strip-extras "$@"
