# Read by the set-up scripts: where things lie outside the tree, one folder for each name and version.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/agentgate
OPA_VERSION=1.22.2

say() { printf '    %s\n' "$*"; }

# digest FILE...: twelve hex digits that name exactly this content.
digest() { cat "$@" | sha256sum | cut -c1-12; }

# find_python: $PYTHON, or the first interpreter that is new enough, and sooner one that can make environments.
# The system's comes first: distributions build theirs with the optimisations that builds by hand mostly lack.
find_python() {
    for needed in ensurepip sys; do
        for candidate in ${PYTHON:-} /usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.14; do
            if command -v "$candidate" >/dev/null 2>&1 &&
                "$candidate" -c "import $needed, sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then
                command -v "$candidate"; return
            fi
        done
    done
    echo "AgentGate needs Python 3.11 or newer; none was found on PATH. Name one with PYTHON=/path/to/python3." >&2
    return 69
}

# make_venv PYTHON FOLDER
make_venv() {
    "$1" -m venv "$2" 2>/dev/null && return
    rm -rf "$2"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "the venv module is missing: installing python3-venv"
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && "$1" -m venv "$2" && return
    fi
    echo "$1 cannot make virtual environments: install the package python3-venv and try again." >&2
    return 69
}
