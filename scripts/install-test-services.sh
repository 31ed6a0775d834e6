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

# shellcheck disable=SC2086 # a list of words
scripts/install-packages.sh $packages || {
    status=$?
    cat >&2 <<ADVICE
hint: install them with your package manager (the server programs, and Erlang's epmd and erl_call), or run the tests in
      a container that has them:
        docker run --rm -v "\$PWD":/src -w /src rust:bookworm sh -c 'scripts/install-test-services.sh && make test'
ADVICE
    exit "$status"
}
if ! { have_postgres && have_rabbitmq; }; then
    echo "error: the packages were installed and the programs are still not found" >&2
    exit 69
fi
install_s3
