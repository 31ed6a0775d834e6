# Sets its result, keeps a report and says how far it is by calling its worker: no jq, no curl, nothing to parse.
. "$ATTUNE_SHELL_LIB"

progress 10 "reading the mounted file systems"
report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT
df -P >"$report" 2>/dev/null

progress 60 "looking for full ones"
full=$(awk -v limit="$ATTUNE_PARAM_PERCENT" 'NR > 1 && $5 + 0 >= limit' "$report" | wc -l)
[ "$full" -eq 0 ] || write_log warning "$full file systems are at $ATTUNE_PARAM_PERCENT % or more"

put_artifact disk_report.txt "$report" &&
    set_output file_systems:="$(($(wc -l <"$report") - 1))" full:="$((full))" host="$(uname -n)" &&
    progress 100
