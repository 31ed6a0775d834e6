cd -- "$ATTUNE_PARAM_DIRECTORY" || exit 66
exec /bin/sh -c "$ATTUNE_PARAM_COMMAND"
