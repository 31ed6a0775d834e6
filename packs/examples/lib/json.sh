# json_string TEXT: prints TEXT as a JSON string. Control characters become spaces.
json_string() {
    printf '"%s"' "$(printf '%s' "$1" | tr '\001-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}
