#!/bin/sh
# Makes the images of the container tests without a registry: scripts/container-test-images.sh NAME...
#
# `empty` holds nothing, `busybox` a static busybox with its links; all others are targets of
# tests/containers/images/Dockerfile on a Debian that debootstrap lays down from the mirror that apt uses. What is there
# and up to date is left alone. DOCKER is the docker command; ATTUNE_CONTAINER_CACHE a folder for downloads.
set -eu
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
cache=${ATTUNE_CONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/attune/containers}
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*] \)\{0,1\}\(http[^ ]*\) .*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
: "${mirror:=http://deb.debian.org/debian}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have() { "$docker" image inspect "attune-test/$1" >/dev/null 2>&1; }

make_empty() {
    # An image must have a layer, and this one has an empty folder in it, where the engine would make one anyway.
    mkdir "$work/empty"
    mkdir "$work/empty/opt"
    tar -C "$work/empty" -c . | "$docker" import - attune-test/empty >/dev/null
}

make_busybox() {
    program=$(command -v busybox) || { echo "busybox-static is not installed" >&2; exit 69; }
    mkdir -p "$work/busybox/bin" "$work/busybox/etc" "$work/busybox/tmp" "$work/busybox/root"
    cp "$program" "$work/busybox/bin/busybox"
    "$program" --list | while read -r name; do
        [ "$name" = busybox ] || ln -s busybox "$work/busybox/bin/$name"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' > "$work/busybox/etc/passwd"
    chmod 1777 "$work/busybox/tmp"
    tar -C "$work/busybox" -c . | "$docker" import --change 'ENV PATH=/bin' - attune-test/busybox >/dev/null
}

make_debian() {
    if [ ! -f "$cache/debian.tar" ]; then
        command -v debootstrap >/dev/null || { echo "debootstrap is not installed" >&2; exit 69; }
        mkdir -p "$cache"
        debootstrap --variant=minbase bookworm "$work/debian" "$mirror" >"$work/log" 2>&1 || {
            tail -n 5 "$work/log" >&2
            exit 69
        }
        : > "$work/debian/etc/apt/sources.list"
        printf 'Types: deb\nURIs: %s\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: %s\n' \
            "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg > "$work/debian/etc/apt/sources.list.d/debian.sources"
        rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/*
        tar -C "$work/debian" -cf "$cache/debian.tar.new" .
        mv "$cache/debian.tar.new" "$cache/debian.tar"
    fi
    "$docker" import --change 'ENV LANG=C.UTF-8' --change 'CMD ["bash"]' "$cache/debian.tar" attune-test/debian >/dev/null
}

for name in "$@"; do
    case "$name" in
        empty | busybox) have "$name" || "make_$name" ;;
        debian) have debian || make_debian ;;
        *)
            have debian || make_debian
            # Layers that are there are not made again.
            DOCKER_BUILDKIT=1 "$docker" build --quiet --network host --target "$name" --tag "attune-test/$name" \
                tests/containers/images >/dev/null
            ;;
    esac
done
