# guard DIRECTORY SERVER PORT DISTRIBUTION_PORT EPMD_PORT EPMD: a private RabbitMQ that dies with whoever holds our
# standard input. Orders, one a line: start, crash (SIGKILL), freeze, thaw. End of file: all ends.
set -u
directory=$1 program=$2 port=$3 distribution=$4 server=
ERL_EPMD_PORT=$5 ERL_EPMD_ADDRESS=127.0.0.1
HOME=$directory                     # the Erlang cookie is there
RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_NODENAME=attune@localhost
RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$distribution
RABBITMQ_MNESIA_BASE=$directory/mnesia RABBITMQ_LOG_BASE=$directory/log RABBITMQ_PID_FILE=$directory/node.pid
RABBITMQ_ENABLED_PLUGINS_FILE=$directory/enabled_plugins
RABBITMQ_CONFIG_FILE=$directory/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=$directory/advanced.config
RABBITMQ_GENERATED_CONFIG_DIR=$directory/generated RABBITMQ_SCHEMA_DIR=$directory/schema
# No busy waiting, and nobody outside this machine may join the node.
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
export HOME ERL_EPMD_PORT ERL_EPMD_ADDRESS
export RABBITMQ_CONF_ENV_FILE RABBITMQ_NODENAME RABBITMQ_NODE_IP_ADDRESS RABBITMQ_NODE_PORT RABBITMQ_DIST_PORT
export RABBITMQ_MNESIA_BASE RABBITMQ_LOG_BASE RABBITMQ_PID_FILE RABBITMQ_ENABLED_PLUGINS_FILE RABBITMQ_CONFIG_FILE
export RABBITMQ_ADVANCED_CONFIG_FILE RABBITMQ_GENERATED_CONFIG_DIR RABBITMQ_SCHEMA_DIR
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS

start() {
    # A session of its own: the start script forks, and the whole group is killed together.
    setsid "$program" </dev/null >>"$directory/server.log" 2>&1 &
    server=$!
    echo "$server" >"$directory/server.pid"
}

stop() {
    [ -n "$server" ] || return 0
    rm -f "$directory/server.pid"
    kill -s KILL -- "-$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}

umask 077
od -An -N20 -tx1 /dev/urandom | tr -d ' \n' >"$directory/.erlang.cookie" && chmod 400 "$directory/.erlang.cookie" || exit 1
echo "$ERL_EPMD_PORT" >"$directory/epmd.port"
printf '[].' >"$directory/enabled_plugins"
cat >"$directory/rabbitmq.conf" <<'SETTINGS'
log.console = false
log.file.level = error
default_user = guest
default_pass = guest
disk_free_limit.absolute = 50MB
SETTINGS
# Counters and time limits are looked at often, so that tests need not wait for them.
printf '[{rabbit, [{quorum_tick_interval, 500}, {channel_tick_interval, 1000}, {collect_statistics_interval, 1000}]}].\n' \
    >"$directory/advanced.config"
# Started here and not by Erlang, which would leave it behind for ever.
"$6" -port "$ERL_EPMD_PORT" -address 127.0.0.1 </dev/null >/dev/null 2>&1 &
epmd=$!
start
while read -r order; do
    case $order in
        start) start ;;
        crash) stop ;;
        freeze) kill -s STOP -- "-$server"; : >"$directory/frozen" ;;
        thaw) rm -f "$directory/frozen"; kill -s CONT -- "-$server" ;;
    esac
done
stop
kill -KILL "$epmd" 2>/dev/null
wait "$epmd" 2>/dev/null
cd / && rm -rf "$directory"
