. "$ATTUNE_PACK_DIR/lib/json.sh"
greeting="Hello, $ATTUNE_PARAM_NAME!"
if [ "$ATTUNE_PARAM_SHOUT" = true ]; then
    greeting=$(printf '%s' "$greeting" | tr '[:lower:]' '[:upper:]')
fi
# Not echo: some shells' echo changes backslashes.
printf 'greeting %s\n' "$ATTUNE_PARAM_NAME" >&2
printf '{"greeting": %s}\n' "$(json_string "$greeting")"
