#!/bin/sh
# The peers of the transparency log, built from Go modules that go.sum pins: a verifier on the libraries of Go's checksum
# database, and a C2SP witness.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
place=$cache/log-peers-$(digest tests/peers/go/*/go.mod tests/peers/go/*/go.sum tests/peers/go/*/main.go)
if [ -f "$place/.complete" ]; then say "peers of the log: ready"; exit 0; fi
command -v go >/dev/null 2>&1 || { echo "The peers of the log are built from source: Go 1.26 or newer is needed." >&2; exit 69; }
say "peers of the log: building a verifier and a witness (a minute, once)"
mkdir -p "$place"
for program in logcheck witness; do
    (cd "tests/peers/go/$program" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$place/$program" .)
done
touch "$place/.complete"
