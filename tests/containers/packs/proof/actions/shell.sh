sleep "$ATTUNE_PARAM_SECONDS"
echo '{"runtime": "shell"}'
