#!/usr/bin/env bash
# A public fuzzer against the OpenAPI document of a real server: scripts/fuzz-api.sh [SECONDS [SEED]]
#
# Takes Python and its package index. The fuzzer is installed below target/, in the version named here.
set -euo pipefail
cd "$(dirname "$0")/.."
version=4.32.5
home=target/api-fuzz-venv
[ -x "$home/bin/python3" ] || python3 -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
exec "${CARGO_TARGET_DIR:-target}/debug/with-services" "${CARGO_TARGET_DIR:-target}/debug/attune-api-fuzz" \
    --seconds "${1:-600}" --seed "${2:-1}" "$PWD/$home/bin/schemathesis"
