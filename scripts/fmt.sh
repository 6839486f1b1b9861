#!/bin/sh
# One way to write things: Python by ruff, Rego by OPA.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
.venv/bin/ruff check --quiet --fix --select I,UP,RUF100 .
.venv/bin/ruff format --quiet .
if [ -d policy/rego ] && [ -x "$cache/opa-$OPA_VERSION/opa" ]; then "$cache/opa-$OPA_VERSION/opa" fmt --write policy/rego policy/templates; fi
