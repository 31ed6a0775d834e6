#!/bin/sh
# Installs what the container tests need, from the distribution's packages: an engine, docker-compose, debootstrap and a
# static busybox. They are only installed, never left running: the tests start a private engine when none runs. May be run
# again at any time; does nothing when all are there. Ends with 69 where it cannot install; the tests then say what they
# pass over.
set -eu
missing=
for pair in dockerd:docker.io docker-compose:docker-compose debootstrap:debootstrap iptables:iptables; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
# The dynamic one is no use in an image that has nothing else.
{ command -v busybox >/dev/null 2>&1 && ! ldd "$(command -v busybox)" >/dev/null 2>&1; } || missing="$missing busybox-static"
if [ -z "$missing" ]; then
    echo "The container engine for the tests is installed."
    exit 0
fi
# shellcheck disable=SC2086 # a list of words
exec "$(dirname "$0")/install-packages.sh" $missing
