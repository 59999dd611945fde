#!/bin/sh
# Creates a virtual environment, or says in one sentence what is missing: make-venv.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

fail() {
    echo "quart-chat: $*" >&2
    exit 2
}

command -v "$python" >/dev/null 2>&1 ||
    fail "$python was not found. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$("$python" --version 2>&1) is too old: quart-chat needs Python 3.11 or newer. Name one: make PYTHON=python3.11"

# Debian and Ubuntu keep what makes virtual environments in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package, without which Python cannot make a virtual environment."
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes "$package"; } </dev/null >/dev/null ||
            fail "apt-get could not install $package. Install it, then try again."
    else
        fail "this Python cannot make virtual environments. Install them (on Debian and Ubuntu:" \
            "sudo apt-get install $package), then try again."
    fi
fi

# --clear: an earlier attempt that was interrupted leaves half an environment.
"$python" -m venv --clear "$folder"
