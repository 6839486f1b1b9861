#!/bin/sh
# PostgreSQL 15 or newer: the tests keep a ledger in one of their own, on its own port, and the benchmark beside it.
set -eu
cd "$(dirname "$0")/.."
. scripts/places.sh

newest() { ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -t/ -k5 -n | tail -n 1; }

if [ -n "$(newest)" ] || command -v postgres >/dev/null 2>&1; then
    say "PostgreSQL: ready"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "PostgreSQL: installing"
    # The package would make a cluster and start it; the tests make their own.
    mkdir -p /etc/postgresql-common
    [ -f /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
else
    echo "PostgreSQL (the server) is needed by the tests and the benchmark: install it." >&2; exit 69
fi
