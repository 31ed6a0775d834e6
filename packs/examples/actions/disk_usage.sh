. "$ATTUNE_PACK_DIR/lib/json.sh"
# df says itself what is wrong with a path; its last line is the report.
report=$(df -Pk -- "$ATTUNE_PARAM_PATH") || exit 66
set -f
set -- $(printf '%s\n' "$report" | tail -n 1)
total=$2 used=$3 percent=${5%\%}
shift 5
# A file system without size, like /proc, has no percentage.
[ "$percent" = - ] && percent=0
printf '{"path": %s, "mounted_on": %s, "total_kib": %d, "used_kib": %d, "used_percent": %d}\n' \
    "$(json_string "$ATTUNE_PARAM_PATH")" "$(json_string "$*")" "$total" "$used" "$percent"
if [ "$percent" -gt "$ATTUNE_PARAM_MOST_PERCENT" ]; then
    echo "$percent % used, more than $ATTUNE_PARAM_MOST_PERCENT % allowed" >&2
    exit 1
fi
