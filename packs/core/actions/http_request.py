"""Sends one HTTP request with nothing but the standard library."""
import json
import sys
import urllib.error
import urllib.request


def main():
    parameters = json.load(sys.stdin)
    headers = dict(parameters["headers"])
    body = parameters.get("body")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(
        parameters["url"],
        data=None if body is None else body.encode(),
        headers=headers,
        method=parameters["method"],
    )
    try:
        response = urllib.request.urlopen(request, timeout=parameters["timeout"])
    except urllib.error.HTTPError as error:
        response = error
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"{parameters['url']} did not answer: {error}")
    with response:
        text = response.read(1 << 20).decode(response.headers.get_content_charset() or "utf-8", "replace")
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text
        json.dump({"status": response.status, "headers": dict(response.headers), "body": answer}, sys.stdout)
        if response.status >= 400 and parameters["fail_on_error"]:
            sys.exit(f"the server answered {response.status}")


main()
