#!/bin/sh
# Usage: tools.sh PROGRAM=PACKAGE…
# Installs the Debian package of each program that is missing, where this user may; says what is missing where not.
set -eu

missing=""
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Debian packages:$missing" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of names
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log" >&2
fi
echo "missing here, and tests that need them cannot run:$missing" >&2
[ "${CI:-}" != true ]
