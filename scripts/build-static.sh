#!/usr/bin/env bash
# Builds programs as static files that run in any Linux container, bit for bit the same from the same sources:
#
#   scripts/build-static.sh [--target TARGET] [--profile PROFILE] [--output DIRECTORY] PROGRAM...
#
# TARGET is musl where that is installed, else glibc linked statically; PROFILE is static; DIRECTORY is target/static. Beside
# every program lies PROGRAM.cdx.json, the list of what it is made of, and PROGRAM.sha256.
set -euo pipefail
cd "$(dirname "$0")/.."

architecture=$(uname -m)
target="$architecture-unknown-linux-musl"
rustup target list --installed 2>/dev/null | grep -qx "$target" || target="$architecture-unknown-linux-gnu"
profile=static
output=target/static
programs=()
while [ $# -gt 0 ]; do
    case "$1" in
        --target) target=$2; shift 2 ;;
        --profile) profile=$2; shift 2 ;;
        --output) output=$2; shift 2 ;;
        -*) echo "unknown option $1; see the head of $0" >&2; exit 64 ;;
        *) programs+=("$1"); shift ;;
    esac
done
[ ${#programs[@]} -gt 0 ] || { echo "which programs? attune-agent, attune-worker, attune-server, attune" >&2; exit 64; }

# A directory of its own: other flags than everyday builds, which would otherwise rebuild everything in turn.
export CARGO_TARGET_DIR="${ATTUNE_STATIC_TARGET_DIR:-$PWD/target/agent}"
# No path of the machine that built it is in the file, and no time: the same sources give the same bytes anywhere.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}" CARGO_INCREMENTAL=0
sysroot=$(rustc --print sysroot)
# shellcheck disable=SC2054  # the commas belong to the linker's options
flags=(
    -C target-feature=+crt-static
    # Straight to the system call: the C library's function is looked up at run time, and a static program finds none.
    --cfg 'getrandom_backend="linux_getrandom"'
    "--remap-path-prefix=$PWD=/attune"
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    "--remap-path-prefix=$sysroot=/rust"
    # A random or path-dependent name for the build helps nobody who can compare the bytes.
    -C link-arg=-Wl,--build-id=none
)
if [ "$profile" = static ]; then
    # Half a megabyte of relocations in a twentieth of the space; glibc 2.36 and musl 1.2.4 understand them.
    # shellcheck disable=SC2054
    flags+=(-C link-arg=-Wl,-z,pack-relative-relocs)
    # Functions that are the same are there once. It takes the linker that comes with Rust for this target.
    # shellcheck disable=SC2054
    [ "$target" != x86_64-unknown-linux-gnu ] || flags+=(-C link-arg=-Wl,--icf=all)
fi
encoded=$(printf '%s\x1f' "${flags[@]}")
export CARGO_ENCODED_RUSTFLAGS=${encoded%$'\x1f'}
unset RUSTFLAGS
folder=$profile
[ "$profile" != dev ] || folder=debug

package_of() {
    case "$1" in
        attune-agent | attune-worker) echo attune-worker ;;
        attune-server) echo attune-control ;;
        attune) echo attune-cli ;;
        *) echo "no program is called $1" >&2; return 64 ;;
    esac
}

mkdir -p "$output"
for program in "${programs[@]}"; do
    package=$(package_of "$program")
    # One at a time: built together, a worker would get what only the command line needs, such as SQLite.
    "${CARGO:-cargo}" build --locked --profile "$profile" --target "$target" -p "$package" --bin "$program"
    install -m 755 "$CARGO_TARGET_DIR/$target/$folder/$program" "$output/$program"
    # For the machine that builds, not for the target.
    env -u CARGO_ENCODED_RUSTFLAGS "${CARGO:-cargo}" run --quiet --locked -p xtask -- sbom "$package" "$target" \
        > "$output/$program.cdx.json"
    (cd "$output" && sha256sum "$program" > "$program.sha256")
    # The linker's own words: a program with an interpreter or a needed library is not static.
    if readelf --program-headers --dynamic --wide "$output/$program" | grep -E 'INTERP|\(NEEDED\)'; then
        echo "$program is not static" >&2
        exit 1
    fi
    printf '%s: %s bytes, %s, %s\n' "$output/$program" "$(stat -c %s "$output/$program")" "$target" "$profile"
done
