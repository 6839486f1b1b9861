#!/bin/sh
# OPA from its source, pinned and checked by Go's checksum database, and its published cases; prints nothing but progress.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
place=$cache/opa-$OPA_VERSION
module=github.com/open-policy-agent/opa@v$OPA_VERSION
if [ -x "$place/opa" ] && [ -d "$place/cases" ]; then say "OPA $OPA_VERSION: ready"; exit 0; fi
command -v go >/dev/null 2>&1 || { echo "OPA is built from source: Go 1.26 or newer is needed." >&2; exit 69; }
mkdir -p "$place"
if [ ! -x "$place/opa" ]; then
    say "OPA $OPA_VERSION: building (about two minutes, once)"
    GOBIN="$place/new" CGO_ENABLED=0 GOFLAGS=-trimpath go install -ldflags='-s -w' "$module"
    mv "$place/new/opa" "$place/opa"
    rmdir "$place/new"
fi
# Beside it what its makers hold every engine to: a cache of before has only the program.
if [ ! -d "$place/cases" ]; then
    say "OPA $OPA_VERSION: its published cases"
    source=$(go mod download -json "$module" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
    rm -rf "$place/cases.new"
    cp -R "$source/v1/test/cases/testdata/v1" "$place/cases.new"
    chmod -R u+w "$place/cases.new"
    mv "$place/cases.new" "$place/cases"
fi
