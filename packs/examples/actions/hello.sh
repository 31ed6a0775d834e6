. "$ATTUNE_PACK_DIR/lib/json.sh"
greeting="Hello, $ATTUNE_PARAM_NAME!"
if [ "$ATTUNE_PARAM_SHOUT" = true ]; then
    greeting=$(printf '%s' "$greeting" | tr '[:lower:]' '[:upper:]')
fi
echo "greeting $ATTUNE_PARAM_NAME" >&2
printf '{"greeting": %s}\n' "$(json_string "$greeting")"
