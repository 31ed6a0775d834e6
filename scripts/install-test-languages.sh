#!/bin/sh
# Installs the languages that tests run actions of, from the distribution's packages, with the tools that install packages
# for them. They are only installed. May be run again at any time; does nothing when all are there.
#
# `install-test-languages.sh --check` installs nothing, and says what is missing.
#
# Where it cannot install, it says what the tests will have to do without, and how to tell them so: a test never passes
# over a language in silence.
set -eu

# A program of each package, and the package.
missing=
words=
while read -r program package word; do
    command -v "$program" >/dev/null 2>&1 || {
        missing="$missing $package"
        words="$words,$word"
    }
done <<'LIST'
python3 python3-venv python
ruby ruby ruby
bundle ruby-bundler bundler
go golang-go go
javac default-jdk-headless java
perl perl perl
cpanm cpanminus cpanm
Rscript r-base-core r
node nodejs node
npm npm npm
php php-cli php
lua lua5.4 lua
tclsh tcl tcl
musl-gcc musl-tools musl
busybox busybox-static busybox
LIST
# Debian's python3 comes without what makes environments.
if command -v python3 >/dev/null 2>&1 && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing="$missing python3-venv"
    words="$words,python"
fi
words=${words#,}
if [ -z "$missing" ]; then
    echo "The languages for the tests are installed."
    exit 0
fi
if [ "${1:-}" = --check ]; then
    echo "missing:$missing"
    exit 1
fi

# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/install-packages.sh" $missing || {
    echo "hint: install them with your package manager, or run the tests with ATTUNE_TEST_WITHOUT=$words" >&2
    exit 69
}
exec "$0" --check
