#!/bin/sh
# OPA from its source, pinned and checked by Go's checksum database; prints nothing but progress.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
place=$cache/opa-$OPA_VERSION
if [ -x "$place/opa" ]; then say "OPA $OPA_VERSION: ready"; exit 0; fi
command -v go >/dev/null 2>&1 || { echo "OPA is built from source: Go 1.26 or newer is needed." >&2; exit 69; }
say "OPA $OPA_VERSION: building (about two minutes, once)"
mkdir -p "$place.new"
GOBIN="$place.new" CGO_ENABLED=0 GOFLAGS=-trimpath go install -ldflags='-s -w' "github.com/open-policy-agent/opa@v$OPA_VERSION"
mkdir -p "$place"
mv "$place.new/opa" "$place/opa"
rmdir "$place.new"
