# Speaks to the Attune worker that runs this action. For every POSIX shell:
#
#   . "$ATTUNE_SHELL_LIB"
#
#   progress 50 half of it
#   put_artifact report.csv
#   set_output rows:=42 name="Ada"
#   password=$(get_secret db-password) || exit 1
#
# What cannot be done says why on standard error and returns not zero (see attune-agent --help). A script that uses
# descriptor 3 for itself takes it away from these functions: use another number.

# set_output NAME=TEXT NAME:=JSON ... | JSON | -
set_output() { "${ATTUNE_AGENT:-attune-agent}" output set "$@"; }

# put_artifact [NAME] PATH
put_artifact() { "${ATTUNE_AGENT:-attune-agent}" artifact put "$@"; }

# progress PERCENT [MESSAGE]
progress() { _attune_say progress "$@"; }

# get_secret NAME
get_secret() { "${ATTUNE_AGENT:-attune-agent}" secret get "$@"; }

# write_log LEVEL MESSAGE
write_log() { _attune_say log "$@"; }

# Words go by standard input: arguments are seen by every process of the machine.
_attune_say() (
    [ $# -gt 2 ] || exec "${ATTUNE_AGENT:-attune-agent}" "$@"
    call=$1 first=$2 IFS=' '
    shift 2
    printf %s "$*" | "${ATTUNE_AGENT:-attune-agent}" "$call" "$first" -
)
