#!/bin/sh
# nginx: the tests put it before the sidecar, as installations do, and the benchmark beside it.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh

if command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ]; then
    say "nginx: ready"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "nginx: installing"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx >/dev/null
else
    echo "nginx is needed by the tests and the benchmark: install it." >&2; exit 69
fi
