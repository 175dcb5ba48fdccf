#!/bin/sh
# Makes .venv and installs Dangol into it, with nothing on the machine but python3 (3.11 to 3.13).
# setup.sh run   what running Dangol needs         setup.sh dev   what its tests need too
# Does nothing when nothing changed. PYTHON=/path/to/python chooses another Python.
set -eu
kind=${1:-run}
cd "$(dirname "$0")/../.."
venv=.venv
pip_wheel=$(echo tools/bootstrap/pip-*.whl)

fits() { "$1" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

choose_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if fits "$candidate"; then echo "$candidate"; return; fi
    done
    echo "Dangol needs Python 3.11, 3.12 or 3.13 with its venv module; found: $(python3 --version 2>&1 || echo none)." >&2
    echo "Install one (Debian, Ubuntu: apt-get install python3), or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
}

if ! fits "$venv/bin/python"; then
    python=$(choose_python)
    echo "Making $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
fi

# What is installed follows from these files and from where the repository lies (scripts name their Python by its full path).
wanted() {
    locks="requirements.lock"
    [ "$1" = dev ] && locks="requirements-dev.lock"
    (pwd; "$venv/bin/python" --version; cat $locks tools/bootstrap/requirements-build.lock tools/bootstrap/setup.sh pyproject.toml) |
        "$venv/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}
[ "$(cat "$venv/.dangol-setup-$kind" 2>/dev/null || true)" = "$(wanted "$kind")" ] && exit 0

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
pip() { "$venv/bin/python" "$pip_wheel/pip" "$@"; }
# What comes over the network is asked for three times.
fetch() {
    for pause in 5 30; do
        pip install --quiet --require-hashes --requirement "$1" && return
        echo "That did not work; once more in $pause seconds, in case the network was away."
        sleep "$pause"
    done
    pip install --quiet --require-hashes --requirement "$1"
}
lock=requirements.lock
[ "$kind" = dev ] && lock=requirements-dev.lock
echo "Installing what Dangol needs ($lock). The first time takes some minutes."
fetch "$lock"
fetch tools/bootstrap/requirements-build.lock
pip install --quiet --no-deps --no-build-isolation --editable .
# It names src by its full path, which Python 3.11 cannot read under LC_ALL=C when a folder above is not ASCII. From here it need not be named.
for link in "$venv"/lib/python3.*/site-packages/_editable_impl_dangol.pth; do echo ../../../../src > "$link"; done
"$venv/bin/python" -m compileall -q src >/dev/null 2>&1 || true
wanted "$kind" > "$venv/.dangol-setup-$kind"
# Tests need everything that running needs.
[ "$kind" = dev ] && wanted run > "$venv/.dangol-setup-run"
echo "Ready: $venv/bin/dangol --help"
