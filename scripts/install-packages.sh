#!/bin/sh
# Installs packages of the distribution without starting the services they bring: `install-packages.sh PACKAGE...`.
# Ends with 69 where packages cannot be installed, and with 77 where nobody may; both are said in one line.
set -eu
command -v apt-get >/dev/null 2>&1 || { echo "error: this is not a Debian or Ubuntu system; missing: $*" >&2; exit 69; }
run=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "error: this is not root, and there is no sudo; missing: $*" >&2; exit 77; }
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
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
echo "installing: $*"
install "$@" || { $run apt-get update -qq && install "$@"; } || {
    echo "error: the packages could not be installed; missing: $*" >&2
    exit 69
}
