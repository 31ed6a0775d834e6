# guard DIRECTORY PROGRAMS PORT on|off USER: a private PostgreSQL that dies with whoever holds our standard input.
# Orders, one a line: start, crash (SIGKILL of the postmaster, as if the machine had failed), stop, quit (at once and in
# disorder, but cleaned up: `pg_ctl stop -m immediate`), freeze and thaw (all of its processes). End of file: all ends.
set -u
directory=$1 programs=$2 port=$3 durable=$4 user=$5 server=
LC_ALL=C; export LC_ALL

as_server() {
    if [ -n "$user" ]; then
        exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@"
    fi
    exec "$@"
}

start() {
    (as_server "$programs/postgres" -D "$directory/data") </dev/null >>"$directory/server.log" 2>&1 &
    server=$!
    echo "$server" >"$directory/server.pid"
}

stop() {
    [ -n "$server" ] || return 0
    rm -f "$directory/server.pid"
    kill "-$1" "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

everybody() {
    [ -n "$server" ] || return 0
    kill "-$1" "$server" 2>/dev/null
    # Every connection is a process in a session of its own.
    for stat in /proc/[0-9]*/stat; do
        read -r line <"$stat" 2>/dev/null || continue
        after=${line##*) }
        parent=${after#* }
        [ "${parent%% *}" = "$server" ] && kill "-$1" "${line%% *}" 2>/dev/null
    done
}

mkdir "$directory/data" && chmod 700 "$directory/data" || exit 1
if [ -n "$user" ]; then chown "$user" "$directory/data" || exit 1; fi
(as_server "$programs/initdb" -D "$directory/data" -U test -A trust --no-sync --no-instructions -E UTF8 --locale=C) \
    </dev/null >/dev/null || { rm -rf "$directory/data"; exit 1; }
cat >>"$directory/data/postgresql.conf" <<SETTINGS
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = $durable
full_page_writes = $durable
synchronous_commit = $durable
max_connections = 200
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
max_wal_size = 256MB
autovacuum_naptime = 60s
SETTINGS
start
while read -r order; do
    case $order in
        start) start ;;
        crash) stop KILL ;;
        stop) stop INT ;;
        quit) stop QUIT ;;
        freeze) everybody STOP; : >"$directory/frozen" ;;
        thaw) rm -f "$directory/frozen"; everybody CONT ;;
    esac
done
stop QUIT
cd / && rm -rf "$directory"
