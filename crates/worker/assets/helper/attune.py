"""Speaks to the Attune worker that runs this action.

    import attune

    attune.progress(50, "half of it")
    attune.put_artifact("report.csv")
    attune.set_output(rows=42, name="Ada")
    password = attune.get_secret("db-password")

Python 3.6 and later, nothing but the standard library. What the worker refuses raises attune.Refused; that there is no
worker to ask raises attune.NotInExecution.
"""
import json
import os
import subprocess

__all__ = [
    "AttuneError", "NotInExecution", "Refused",
    "get_secret", "get_secret_bytes", "log", "progress", "put_artifact", "set_output",
]


class AttuneError(Exception):
    """Nothing came of a call."""


class Refused(AttuneError):
    """The worker refused, or what it was given cannot be used."""


class NotInExecution(AttuneError):
    """There is no worker to ask: this does not run in an action, or the execution has ended."""


def set_output(*value, **fields):
    """Sets the result: set_output(VALUE) the whole, set_output(NAME=VALUE, ...) these fields of it."""
    if len(value) + bool(fields) != 1:
        raise TypeError("set_output takes one value or fields by name")
    merge = ["--merge"] if fields else []
    text = json.dumps(fields if fields else value[0], allow_nan=False)
    _call(["output", "set"] + merge + ["-"], text.encode("utf-8"))


def put_artifact(path, name=None):
    """Keeps a file, under its own name or another."""
    path = os.fspath(path)
    _call(["artifact", "put", "--"] + ([] if name is None else [_bytes(name)]) + [path])


def progress(percent, message=None):
    """Says how far the action is, from 0 to 100."""
    # Words go by standard input: arguments are seen by every process of the machine.
    words = [] if message is None else ["-"]
    _call(["progress", repr(float(percent))] + words, b"" if message is None else _bytes(message))


def get_secret(name):
    """Reads a secret that the action declares, as text."""
    return get_secret_bytes(name).decode("utf-8")


def get_secret_bytes(name):
    """Reads a secret that the action declares."""
    return _call(["secret", "get", _bytes(name)])


def log(level, message):
    """Writes a line into the log of the execution: level is debug, info, warning or error."""
    _call(["log", level, "-"], _bytes(message))


def _bytes(text):
    # Whatever the locale: the helper reads UTF-8.
    return str(text).encode("utf-8")


def _call(arguments, text=b""):
    agent = os.environ.get("ATTUNE_AGENT")
    if agent is None:
        raise NotInExecution("not inside an execution: ATTUNE_AGENT is not set; run this from an action")
    socket = int(os.environ.get("ATTUNE_HELPER_FD", "3"))
    try:
        called = subprocess.Popen(
            [agent] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(socket,)
        )
    except OSError as error:
        raise NotInExecution("{} cannot be run: {}".format(agent, error.strerror)) from None
    answer, words = called.communicate(text)
    if called.returncode == 0:
        return answer
    words = words.decode("utf-8", "replace").strip() or "the helper ended with {}".format(called.returncode)
    raise (Refused if called.returncode in (1, 64) else NotInExecution)(words)
