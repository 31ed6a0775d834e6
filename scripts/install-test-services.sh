#!/bin/sh
# Installs the programs that tests run against: PostgreSQL and RabbitMQ from the distribution's packages, and s3rver, an
# S3 service, from npm into target/test-tools. They are only installed, never left running: every
# test run starts private ones of its own (crates/testkit). May be run again at any time; does nothing when all are there.
set -eu
cd "$(dirname "$0")/.."

have_postgres() { [ -n "${ATTUNE_TEST_POSTGRES_BIN:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1; }
have_rabbitmq() {
    { [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || command -v rabbitmq-server >/dev/null 2>&1; } &&
        command -v erl_call >/dev/null 2>&1 && command -v epmd >/dev/null 2>&1
}

have_s3() { [ -n "${ATTUNE_TEST_S3RVER:-}" ] || { command -v node >/dev/null 2>&1 && [ -f target/test-tools/node_modules/s3rver/bin/s3rver.js ]; }; }
install_s3() {
    have_s3 || {
        echo "installing: s3rver"
        npm install --prefix target/test-tools --no-audit --no-fund --silent s3rver@3.7.1 >/dev/null
    }
    have_s3 || { echo "error: s3rver could not be installed with npm" >&2; exit 69; }
    echo "PostgreSQL, RabbitMQ and s3rver are installed."
}

packages=
have_postgres || packages="$packages postgresql"
have_rabbitmq || packages="$packages rabbitmq-server erlang-base"
have_s3 || { command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1; } || packages="$packages nodejs npm"
if [ -z "$packages" ]; then
    install_s3
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    cat >&2 <<ADVICE
error: missing:$packages, and this is not a Debian or Ubuntu system
hint: install them with your package manager (the server programs, and Erlang's epmd and erl_call), or run the tests in
      a container that has them:
        docker run --rm -v "\$PWD":/src -w /src rust:bookworm sh -c 'scripts/install-test-services.sh && make test'
ADVICE
    exit 69
fi
run=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "error: run this as root, or install:$packages" >&2; exit 77; }
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
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}
echo "installing:$packages"
install || { $run apt-get update -qq && install; }
if ! { have_postgres && have_rabbitmq; }; then
    echo "error: the packages were installed and the programs are still not found" >&2
    exit 69
fi
install_s3
