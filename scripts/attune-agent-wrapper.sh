#!/bin/sh
# Fetches the agent from the server, checks it, and becomes it: an entry point for images where nothing can be mounted.
#
#   ENTRYPOINT ["/usr/local/bin/attune-agent-wrapper.sh"]       # arguments are the agent's
#
# It takes a POSIX shell, wget or curl, and sha256sum or openssl. Nothing is executed before it is whole, of this
# architecture, of a version that is allowed, and of the checksum that the server tells; with a public key, also signed.
#
#   ATTUNE_API_URL             the server, e.g. https://attune.example.com
#   ATTUNE_API_TOKEN           a token with the scope agent:read; or ATTUNE_API_TOKEN_FILE, a file with it
#   ATTUNE_AGENT_DIR           where to put it; /opt/attune/agent if that can be written to, else below TMPDIR
#   ATTUNE_AGENT_SHA256        take this very file and no other
#   ATTUNE_AGENT_MIN_VERSION   take no older one, e.g. 0.3 or 0.3.1
#   ATTUNE_AGENT_PUBLIC_KEY    a PEM file with the Ed25519 key that it must be signed with (takes openssl)
#   ATTUNE_AGENT_RETRIES       how often to try a server that does not answer; 5
#   ATTUNE_AGENT_ONLY_FETCH    1: print its path and end
#
# Exit codes: 64 something is not set, 69 it cannot be had, 76 what came was refused; else the agent's own.
set -eu

fail() {
    code=$1
    shift
    echo "attune-agent-wrapper: $*" >&2
    exit "$code"
}

# The value of a key in a flat JSON object; empty when it is not text or a number.
field() {
    printf '%s' "$info" | tr -d '\n' | sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([A-Za-z0-9._+\/=-]*\)"\{0,1\}[[:space:]]*[,}].*/\1/p'
}

sum_of() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum < "$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r < "$1" | cut -d ' ' -f 1
    fi
}

# Whether version $1 is older than $2, by its first three numbers.
is_older() {
    have=$1.0.0.0 want=$2.0.0.0
    for _ in 1 2 3; do
        a=${have%%[!0-9]*} b=${want%%[!0-9]*}
        [ "${a:-0}" -ge "${b:-0}" ] || return 0
        [ "${a:-0}" -le "${b:-0}" ] || return 1
        have=${have#*[!0-9]} want=${want#*[!0-9]}
    done
    return 1
}

# fetch PATH FILE: sets `status` to the HTTP status, 000 when there was no answer.
fetch() {
    url=$base$1
    if [ "$with" = curl ]; then
        # By standard input: the list of processes shows arguments to everybody.
        status=$(printf 'header = "Authorization: Bearer %s"\n' "$token" \
            | curl --config - --silent --output "$2" --write-out '%{http_code}' --connect-timeout 10 --max-time 300 "$url") \
            || status=000
        return
    fi
    if said=$(wget -q -T 30 -O "$2" --header "Authorization: Bearer $token" "$url" 2>&1); then
        status=200
        return
    fi
    # GNU says `ERROR 404`, and nothing when it is quiet, but its exit code tells; busybox says `HTTP/1.1 404`.
    [ -n "$said" ] || said=$(wget -S -T 30 -t 1 -O /dev/null --header "Authorization: Bearer $token" "$url" 2>&1) || true
    status=$(printf '%s' "$said" | sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' | tail -n 1)
    : "${status:=000}"
}

# The same, again and again while the server cannot answer. What cannot become better ends it at once.
get() {
    tries=0
    while :; do
        fetch "$1" "$2"
        case "$status" in
            200) return ;;
            401) fail 69 "the server refused the token (401); it needs the scope agent:read, and may have expired" ;;
            403) fail 69 "the token may not fetch the agent (403); it needs the scope agent:read" ;;
            404) fail 69 "the server has no agent for $architecture (404); see server.agent_directory" ;;
            000 | 429 | 5??) why="did not answer ($status)" ;;
            *) fail 69 "the server answered $status to $1" ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -lt "$retries" ] || fail 69 "the server at $base $why after $tries tries"
        sleep "$tries"
    done
}

base=${ATTUNE_API_URL:-}
base=${base%/}
[ -n "$base" ] || fail 64 "ATTUNE_API_URL is not set"
case "$base" in http://* | https://*) ;; *) fail 64 "ATTUNE_API_URL is no http:// or https:// address" ;; esac
token=${ATTUNE_API_TOKEN:-}
if [ -z "$token" ] && [ -n "${ATTUNE_API_TOKEN_FILE:-}" ]; then
    [ -r "$ATTUNE_API_TOKEN_FILE" ] || fail 64 "ATTUNE_API_TOKEN_FILE cannot be read: $ATTUNE_API_TOKEN_FILE"
    token=$(cat "$ATTUNE_API_TOKEN_FILE")
fi
[ -n "$token" ] || fail 64 "neither ATTUNE_API_TOKEN nor ATTUNE_API_TOKEN_FILE is set"
case "$token" in *[!A-Za-z0-9_.~+/=-]*) fail 64 "the token has a character that no token has" ;; esac
retries=${ATTUNE_AGENT_RETRIES:-5}
case "$(uname -m)" in
    x86_64 | amd64) architecture=x86_64 machine=3e00 ;;
    aarch64 | arm64) architecture=aarch64 machine=b700 ;;
    *) fail 69 "there is no agent for $(uname -m)" ;;
esac
if command -v curl >/dev/null 2>&1; then
    with=curl
elif command -v wget >/dev/null 2>&1; then
    with=wget
else
    fail 69 "this image has neither curl nor wget; inject the agent by a volume instead"
fi
command -v sha256sum >/dev/null 2>&1 || command -v openssl >/dev/null 2>&1 \
    || fail 69 "this image has neither sha256sum nor openssl, so that nothing could be checked"

folder=${ATTUNE_AGENT_DIR:-/opt/attune/agent}
if [ -z "${ATTUNE_AGENT_DIR:-}" ]; then
    { mkdir -p "$folder" && [ -w "$folder" ]; } 2>/dev/null || folder=${TMPDIR:-/tmp}/attune-agent.$(id -u)
fi
mkdir -p "$folder" 2>/dev/null || fail 69 "$folder cannot be made"
# Somebody else's folder could have somebody else's program put into it behind our back.
[ -O "$folder" ] 2>/dev/null || [ "$(id -u)" = 0 ] || [ -n "${ATTUNE_AGENT_DIR:-}" ] || fail 69 "$folder belongs to somebody else"
agent=$folder/attune-agent
new=$folder/.attune-agent.$$
trap 'rm -f "$new" "$new.info" "$new.sig"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
: 2>/dev/null > "$new" || fail 69 "$folder cannot be written to"

get "/api/v1/agent/info?arch=$architecture" "$new.info"
info=$(cat "$new.info")
sha256=$(field sha256) size=$(field size) version=$(field version) of=$(field architecture) signature=$(field signature)
case "$sha256" in *[!0-9a-f]* | '') fail 76 "refused: the server tells no checksum" ;; esac
[ ${#sha256} = 64 ] || fail 76 "refused: the server tells no checksum"
[ "$of" = "$architecture" ] || fail 76 "refused: the server offers an agent for ${of:-nothing}, and this is $architecture"
if [ -n "${ATTUNE_AGENT_SHA256:-}" ] && [ "$ATTUNE_AGENT_SHA256" != "$sha256" ]; then
    fail 76 "refused: the server offers $sha256, and only $ATTUNE_AGENT_SHA256 is allowed"
fi
if [ -n "${ATTUNE_AGENT_MIN_VERSION:-}" ] && is_older "${version:-0}" "$ATTUNE_AGENT_MIN_VERSION"; then
    fail 76 "refused: the server offers version ${version:-unknown}, and $ATTUNE_AGENT_MIN_VERSION is the oldest allowed"
fi

if [ ! -f "$agent" ] || [ "$(sum_of "$agent")" != "$sha256" ]; then
    get "/api/v1/agent/binary?arch=$architecture" "$new"
    got=$(wc -c < "$new" | tr -d ' ')
    [ "$got" = "$size" ] || fail 76 "refused: $got bytes came of $size"
    [ "$(sum_of "$new")" = "$sha256" ] || fail 76 "refused: what came has not the checksum that the server tells"
    header=$(od -An -tx1 -N20 "$new" | tr -d ' \n')
    case "$header" in
        7f454c460201*"$machine") ;;
        *) fail 76 "refused: what came is no program for $architecture" ;;
    esac
else
    cp "$agent" "$new"
fi
if [ -n "${ATTUNE_AGENT_PUBLIC_KEY:-}" ]; then
    command -v openssl >/dev/null 2>&1 || fail 76 "refused: a signature is asked for, and there is no openssl to check it"
    { [ -n "$signature" ] && [ "$signature" != null ]; } || fail 76 "refused: it is not signed"
    printf '%s' "$signature" | openssl base64 -d -A > "$new.sig"
    openssl pkeyutl -verify -rawin -pubin -inkey "$ATTUNE_AGENT_PUBLIC_KEY" -sigfile "$new.sig" -in "$new" >/dev/null 2>&1 \
        || fail 76 "refused: it is not signed with the key in $ATTUNE_AGENT_PUBLIC_KEY"
fi
chmod 755 "$new"
# Renamed, so that whoever starts it at this moment finds a whole one.
mv -f "$new" "$agent"
rm -f "$new.info" "$new.sig"
trap - EXIT HUP INT TERM
if [ "${ATTUNE_AGENT_ONLY_FETCH:-}" = 1 ]; then
    echo "$agent"
    exit 0
fi
exec "$agent" "$@"
