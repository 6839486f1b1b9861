#!/bin/sh
# The peers that the tests speak to: npm servers, clients and the conformance suite; the older Python SDK; nginx.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh

# Node packages, with the Node that the conformance suite needs, named by their lock.
npm=$cache/npm-$(digest tests/peers/npm/package.json tests/peers/npm/package-lock.json)
if [ -f "$npm/.complete" ]; then
    say "Node packages: ready"
else
    command -v npm >/dev/null 2>&1 || { echo "npm (with Node 20 or newer) is needed." >&2; exit 69; }
    say "Node packages: installing from tests/peers/npm/package-lock.json"
    rm -rf "$npm"; mkdir -p "$npm"
    cp tests/peers/npm/package.json tests/peers/npm/package-lock.json "$npm/"
    (cd "$npm" && npm ci --no-audit --no-fund --loglevel=error)
    touch "$npm/.complete"
fi

# The older Python SDK in an environment of its own.
old=$cache/mcp130-$(digest requirements/mcp130.txt)
if [ -f "$old/.complete" ]; then
    say "mcp 1.30.0: ready"
else
    say "mcp 1.30.0: installing from requirements/mcp130.txt"
    rm -rf "$old"
    make_venv "$(find_python)" "$old"
    "$old/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mcp130.txt
    touch "$old/.complete"
fi

scripts/setup_nginx.sh
