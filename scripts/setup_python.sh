#!/bin/sh
# setup_python.sh demo|dev: the environment in .venv/, from hash-locked requirements, with the checkout installed in place.
# A second run with the same locks does nothing.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh
want=$1

stamp_of() { echo "$1-$(digest "requirements/$1.txt" pyproject.toml)"; }
have=$(cat .venv/.installed 2>/dev/null || true)
if [ "$have" = "$(stamp_of "$want")" ] || [ "$have" = "$(stamp_of dev)" ]; then
    say "Python environment: ready"; exit 0
fi

python=$(find_python)
say "Python environment: $("$python" --version), requirements/$want.txt"
[ -x .venv/bin/python ] || make_venv "$python" .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$want.txt"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
stamp_of "$want" > .venv/.installed
