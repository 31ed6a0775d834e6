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
without() {
    echo "warning: $1; missing:$missing" >&2
    exit 69
}
command -v apt-get >/dev/null 2>&1 || without "this is not a Debian or Ubuntu system"
run=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || without "this is not root"
    run=sudo
fi
# Packages start their services when they are installed; policy-rc.d is Debian's way to say no. One that is there stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$run rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null
    $run chmod 755 "$policy"
fi
install() {
    # shellcheck disable=SC2086 # a list of words
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
echo "installing:$missing"
install || { $run apt-get update -qq && install; } || without "the packages could not be installed"
