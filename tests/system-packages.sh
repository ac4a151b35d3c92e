#!/bin/sh
# Install the system packages that the tests use, or say what is missing and what for.
# Called by `make test`; does nothing when all is there.

missing=''
need() { # need COMMAND PACKAGE WHAT-FOR
    if ! command -v "$1" >/dev/null 2>&1; then
        missing="$missing $2"
        echo "missing: $2 ($3)"
    fi
}
need tshark tshark 'tests compare with it, and --deep runs it'
need tcpdump tcpdump 'tests pipe captures from it'
need promtool prometheus 'tests check rules and run the dashboards against it'
need amtool prometheus-alertmanager 'tests check its example, and are called by it'
need ip iproute2 'tests capture in networks of their own'
need sipp sip-tester 'end-to-end tests place calls with it'
need kamailio kamailio 'end-to-end tests put it between'
need faketime faketime 'end-to-end tests set the clock of a process with its library'
need chromium chromium 'tests look at the pages with it'
need openssl openssl 'tests make certificates'

if ! [ -f "${VENV:-.venv}/made" ] && [ -n "$PYTHON" ] && ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
    package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    missing="$missing $package"
    echo "missing: $package (makes the environment)"
fi
[ -n "$missing" ] || exit 0

as_root=''
if ! command -v apt-get >/dev/null 2>&1; then
    echo "install them by your system's own means; the tests that need them are skipped until then"
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "to run every test, as root: apt install$missing"
        exit 0
    fi
    as_root='sudo'
fi
echo "installing:$missing"
# shellcheck disable=SC2086 # a list of words
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
if ! install 2>/dev/null; then
    $as_root apt-get update -qq
    install || echo "they cannot be installed; the tests that need them are skipped"
fi
