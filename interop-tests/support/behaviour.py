"""Tests named as sentences about behaviour, for the suites written in Python.

A suite registers functions with `@behaviour("sentence")` and ends with `run(fixture)`.  Each function gets what
`fixture()` enters.  One line per behaviour goes to standard output, its fields separated by tabs, as ../run reads it:

    ok <tab> sentence
    FAILED <tab> sentence <tab> why

and, once all have run, the line `end`.
"""

import os
import signal
import socket
import sys
import time
import traceback
import uuid

HOST = "127.0.0.1"
PORT = int(os.environ.get("AMQP_PORT", "5672"))
SECONDS_PER_BEHAVIOUR = 20

_behaviours = []


def behaviour(sentence):
    def register(function):
        _behaviours.append((sentence, function))
        return function

    return register


def unique(name):
    """A name for a queue or exchange that no other test and no earlier run has used."""
    return f"interop.{name}.{uuid.uuid4().hex[:12]}"


def expect(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what} is {_shortened(actual)}, expected {_shortened(expected)}")


def expect_in(part, whole):
    if part not in whole:
        raise AssertionError(f"{part!r} is missing in {_shortened(whole)}")


def expect_raises(kind, action):
    """Returns the exception that `action` raises."""
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"{getattr(kind, '__name__', kind)} was not raised")


def wait_until(condition, step, seconds=10):
    """Calls `step` (which lets the client work for a moment) until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for what did not happen")
        step()


def proxy_port():
    """The port of a proxy to the broker whose connections `cut_connections` cuts."""
    return int(os.environ["AMQP_PROXY_PORT"])


def cut_connections():
    """Cuts every connection through the proxy; returns once it is done."""
    with socket.create_connection((HOST, int(os.environ["AMQP_PROXY_CONTROL_PORT"])), timeout=5) as control:
        while control.recv(64):
            pass


def run(fixture):
    signal.signal(signal.SIGALRM, _out_of_time)
    failures = 0
    for sentence, function in _behaviours:
        signal.alarm(SECONDS_PER_BEHAVIOUR)
        try:
            with fixture() as client:
                function(client)
            signal.alarm(0)
            print("ok", sentence, sep="\t", flush=True)
        except Exception as error:
            signal.alarm(0)
            failures += 1
            traceback.print_exc()
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print("FAILED", sentence, why, sep="\t", flush=True)
    print("end", flush=True)
    sys.exit(1 if failures else 0)


def _out_of_time(_signal, _frame):
    raise TimeoutError(f"not finished after {SECONDS_PER_BEHAVIOUR} s")


def _shortened(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."
