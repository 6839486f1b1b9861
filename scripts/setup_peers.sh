#!/bin/sh
# The peers that the tests speak to: npm servers, clients and the conformance suite; Python clients that stand on another
# SDK or bring one of their own, and servers that do; nginx, PostgreSQL.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh

# Node packages, with the Node that the conformance suite needs, named by their lock. No script of a package is run.
npm=$cache/npm-$(digest tests/peers/npm/package.json tests/peers/npm/package-lock.json)
if [ -f "$npm/.complete" ]; then
    say "Node packages: ready"
else
    command -v npm >/dev/null 2>&1 || { echo "npm (with Node 20 or newer) is needed." >&2; exit 69; }
    say "Node packages: installing from tests/peers/npm/package-lock.json"
    rm -rf "$npm"; mkdir -p "$npm"
    cp tests/peers/npm/package.json tests/peers/npm/package-lock.json "$npm/"
    (cd "$npm" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    touch "$npm/.complete"
fi

# python_environment NAME WHAT: an environment of its own from requirements/NAME.txt, named by that file.
python_environment() {
    place=$cache/$1-$(digest "requirements/$1.txt")
    if [ -f "$place/.complete" ]; then say "$2: ready"; return; fi
    say "$2: installing from requirements/$1.txt"
    rm -rf "$place"
    make_venv "$(find_python)" "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
    touch "$place/.complete"
}
python_environment mcp130 "mcp 1.30.0, LangChain"
python_environment frameworks "FastMCP, OpenAI Agents, Pydantic AI"
python_environment fetching "mcp-server-fetch"
python_environment sqlite "mcp-server-sqlite"

scripts/setup_nginx.sh
scripts/setup_postgres.sh
