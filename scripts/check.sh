#!/bin/sh
# Every check that needs no running part. All of them run; the last line names those that failed.
set -u
cd "$(dirname "$0")/.."
. scripts/places.sh
bin=.venv/bin
failed=

run() {
    name=$1; shift
    if out=$("$@" 2>&1); then
        say "$name: ok"
    else
        say "$name: FAILED"; printf '%s\n' "$out" | sed 's/^/        /'
        failed="$failed, $name"
    fi
}

generators() {
    # A generator of committed files takes --check: it makes them again and compares.
    for generator in $(git ls-files --cached --others --exclude-standard | grep -E '(^|/)generate[a-z_]*\.py$'); do
        PYTHONPATH=. "$bin/python" "$generator" --check || { echo "$generator --check failed"; return 1; }
    done
}

rego() {
    [ -d policy/rego ] || return 0
    opa=$cache/opa-$OPA_VERSION/opa
    "$opa" fmt --fail --list policy/rego policy/templates || return 1
    for folder in policy/rego/*/ policy/templates; do "$opa" check --strict "$folder" || return 1; done
}

run 'format' "$bin/ruff" format --check --quiet .
run 'lint' "$bin/ruff" check --quiet .
run 'types' "$bin/mypy"
run 'imports' "$bin/lint-imports"
run 'rego' rego
run 'generated files' generators
run 'hosts and secrets' "$bin/python" scripts/check_text.py
[ -z "$failed" ] || { echo "failed: ${failed#, }" >&2; exit 1; }
