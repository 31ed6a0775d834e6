# Started with: directory, node, the server's script, port, bucket. Ends with end of file on standard input, and takes
# the server and the directory with it.
directory=$1 node=$2 script=$3 port=$4 bucket=$5
mkdir "$directory/data"
"$node" "$script" --silent --directory "$directory/data" --address 127.0.0.1 --port "$port" \
    --configure-bucket "$bucket" </dev/null >"$directory/server.log" 2>&1 &
server=$!
echo "$server" >"$directory/server.pid"
while read -r order; do :; done
kill -9 "$server" 2>/dev/null
wait "$server" 2>/dev/null
cd /
rm -rf "$directory"
