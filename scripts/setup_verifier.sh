#!/bin/sh
# The second verifier of evidence, in Go: built from its sources here, and named by them.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
place=$cache/verifier-$(digest tests/peers/verifier/*)
if [ -x "$place/verifier" ]; then say "second verifier: ready"; exit 0; fi
command -v go >/dev/null 2>&1 || { echo "The second verifier is built from source: Go 1.26 or newer is needed." >&2; exit 69; }
say "second verifier: building"
mkdir -p "$place"
(cd tests/peers/verifier && CGO_ENABLED=0 GOFLAGS=-trimpath go build -o "$place/new" .)
mv "$place/new" "$place/verifier"
